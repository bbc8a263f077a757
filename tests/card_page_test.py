#!/usr/bin/env python3
"""Makes the golden cards of docs/formats/card.md a second time, from the words of that page alone, with the openssl command.

What would go wrong: page and code agree with themselves only, and whoever builds a reader from the page cannot open a card.
Exit 0: every byte is the same. Exit 1: each sector that differs.
"""
import datetime
import pathlib
import re
import subprocess
import sys
import zlib

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "formats" / "card.md"
SITE = bytes(range(16))
SYSTEM = b"PREWATT CARD"
BOX, NEXT_BOX, ALL = "2026000017", "2026000018", "0000000000"
HOUSEHOLD, SET_UP, INSPECTION, CLEAR, RESTORE, READER_TEST = range(1, 7)
ISSUED = int((datetime.datetime(2026, 11, 27, 9) - datetime.datetime(2000, 1, 1)).total_seconds())


def cmac(key, message):
    run = subprocess.run(["openssl", "mac", "-cipher", "AES-128-CBC", "-macopt", "hexkey:" + key.hex(), "CMAC"],
                         input=message, capture_output=True, check=True)
    return bytes.fromhex(run.stdout.decode().strip())


def u(width, value):
    return (value % (1 << 8 * width)).to_bytes(width, "little")


def bcd(box):
    return bytes.fromhex(box)[::-1]


def master(label):
    return cmac(SITE, b"\x01PREWATT" + bytes([label]) + bytes(5) + b"\x00\x80")


def an10922(key, m):
    assert 16 <= len(m) <= 31
    return cmac(key, b"\x01" + m)


RECORD, READ, DESK, RETURN = (master(label) for label in (0x10, 0x11, 0x12, 0x13))
PAIRS = {box: tuple(an10922(RECORD, b"V" + bcd(box) + which + SYSTEM) for which in (b"M", b"E")) for box in (BOX, NEXT_BOX, ALL)}


def record(uid, box, kind, note, household, generation, epoch, body):
    mac, encryption = PAIRS[box]
    header = b"\xc1" + bytes([kind, 1, note]) + bcd(box) + bytes([household]) + u(4, generation) + u(2, epoch)
    body = body.ljust(24, b"\0")
    assert len(header) == 16 and len(body) == 24
    tag = cmac(mac, bytes([len(uid)]) + uid + header + body)[:8]
    stream = b"".join(cmac(encryption, tag + uid.ljust(7, b"\0") + bytes([k])) for k in (1, 2))
    return header + bytes(a ^ b for a, b in zip(body, stream)) + tag


def sector(uid, number, blocks, returned=False):
    def key(master_key, which):
        return an10922(master_key, uid + bytes([number, which]) + SYSTEM)[:6]
    return blocks + key(READ, 0x60) + bytes.fromhex("787788" "69") + key(RETURN if returned else DESK, 0x61)


def parameters():
    entries = bytes([0x02, 12, 0, 11]) + bytes.fromhex("88130000" "0a" "2c01" "3c00" "06" "18") + bytes([0xE1, 12, 0, 12]) + u(4, 1000) + u(4, 500) + u(4, 0)
    return entries.ljust(-(-len(entries) // 18) * 18, b"\0")


def parts_of(uid, box, household, version):
    everything = parameters()
    count = len(everything) // 18
    return [record(uid, box, 4, 0, household, version, 0, bytes([k, count]) + u(4, zlib.crc32(everything)) + everything[18 * k:18 * k + 18])
            for k in range(count)]


def household_card(uid):
    def identity():
        return record(uid, BOX, 1, HOUSEHOLD, 12, 1, 0, u(4, 4711) + u(1, 2) + u(4, 30815) + u(4, ISSUED) + u(1, 0))

    def credit(generation, number, total):
        return record(uid, BOX, 2, 0, 12, generation, 3, u(4, number) + u(6, total) + u(4, 4711) + u(1, 2) + u(4, 5000) + u(2, 8) + u(1, 1))

    def returned(generation, number, used, energy, time, hints):
        return record(uid, BOX, 3, hints, 12, generation, 3, u(4, number) + u(5, used) + u(4, 23456) + u(4, energy) + u(4, time) + u(2, 0x0600) + u(1, 2))

    blocks = {0: bytes.fromhex("a1b2c3d404080400" "6263646566676869").ljust(48, b"\0"), 1: identity(),
              3: credit(5, 8, 118456), 2: credit(6, 9, 123456),
              4: returned(40, 8, 95000, 7649321, ISSUED - 86400, 0), 5: returned(41, 9, 100000, 7654321, ISSUED + 3600, 8)}
    for k, part in enumerate(parts_of(uid, BOX, 12, 5)):
        blocks[6 + k] = part
    return {number: sector(uid, number, blocks.get(number, bytes(48)), number in (4, 5)) for number in range(16)}


def card_with_rights(uid, kind):
    def right(box, sequence, household=0, what=0, parts=0, digest=b""):
        return record(uid, box, 5, 0, household, sequence, 0,
                      bytes([kind, what]) + u(4, ISSUED) + u(4, ISSUED + 7 * 86400) + u(1, parts) + digest.ljust(8, b"\0"))

    behind = []
    if kind == SET_UP:
        everything = parameters()
        parts = len(everything) // 18
        for box, sequence in ((BOX, 77), (NEXT_BOX, 5)):
            behind.append(right(box, sequence, parts=parts, digest=cmac(PAIRS[box][0], b"P" + bytes([parts]) + everything)[:8]))
        rights = len(behind)
        behind += parts_of(uid, ALL, 0, 1)
    else:
        box = ALL if kind in (INSPECTION, READER_TEST) else BOX
        behind.append(right(box, 77, household=12 if kind == CLEAR else 0, what=7 if kind == RESTORE else 0))
        rights = 1
    identity = record(uid, ALL, 1, kind, 0, 1, 0, u(4, 900) + u(1, 1) + u(4, 0) + u(4, ISSUED) + u(1, rights))
    return {1 + k: sector(uid, 1 + k, blocks) for k, blocks in enumerate([identity] + behind)}


def main():
    kinds = {"set-up": SET_UP, "inspection": INSPECTION, "clear": CLEAR, "restore": RESTORE, "reader-test": READER_TEST}
    wrong = read = 0
    found = set()
    for name, number, text in re.findall(r"```golden ([\w-]+) ([0-9a-f]+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        found.add(name)
        uid = bytes.fromhex(number)
        made = household_card(uid) if name == "household" else card_with_rights(uid, kinds[name])
        stands = {int(line.split()[0]): line.split()[1] for line in text.splitlines()}
        for key in sorted(made.keys() | stands.keys()):
            read += 1
            if key not in made or made[key].hex() != stands.get(key):
                wrong += 1
                print(f"{name}, sector {key}: the page's words give {made[key].hex() if key in made else 'nothing'}, its golden card has {stands.get(key, 'nothing')}")
    missing = (kinds.keys() | {"household"}) - found
    for name in sorted(missing):
        print(f"no golden card of kind {name}")
    print(f"{read} sectors, {wrong} differ")
    return 1 if wrong or missing or read == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
