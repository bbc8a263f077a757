#!/usr/bin/env python3
"""Seeds for the fuzz harnesses: one file for each golden frame, in the shape that each harness reads.

    make_corpus.py FOLDER

Writes FOLDER/HARNESS/NAME. The golden frames are the only source, so a new golden frame is a new seed.
"""
import json
import pathlib
import re
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "protocols" / "dlt645" / "golden"


def write(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def main():
    out = pathlib.Path(sys.argv[1])
    for file in sorted(GOLDEN.glob("*.json")):
        for row in json.loads(file.read_text(encoding="utf-8")):
            frame = bytes.fromhex(row.get("frame") or row["bytes"])
            # decoder: what comes over the line
            write(out / "decoder", row["name"], frame)
            data = bytes.fromhex(row.get("data", ""))
            # item_text: identifier, then the value's bytes or its text
            if row.get("item") and len(data) >= 4:
                skip = 12 if row["control"] == "14" else 4
                write(out / "item_text", row["name"], data[:4] + b"\0" + data[skip:])
                if row.get("value"):
                    write(out / "item_text", row["name"] + "-text", data[:4] + b"\1" + row["value"].encode())
    # private_items: which item, then its data; seal: whole requests and answers. Taken from the golden bytes in the tests.
    test = (ROOT / "protocols" / "dlt645" / "private_items_test.cpp").read_text(encoding="utf-8")
    for number, golden in enumerate(re.findall(r"std::vector<Byte> golden\{(.*?)\};", test, re.S)):
        text = re.sub(r"//.*", "", golden)
        data = bytes(int(x, 0) for x in re.findall(r"0x[0-9A-Fa-f]+|\d+", text))
        for kind in range(7):
            write(out / "private_items", f"P{number}-{kind}", bytes([kind]) + data)
    test = (ROOT / "protocols" / "dlt645" / "reader_items_test.cpp").read_text(encoding="utf-8")
    items = re.search(r"HaveTheseFrames.*?^}", test, re.S | re.M).group(0)
    for number, text in enumerate(re.findall(r'"(68(?:[0-9a-f"\s])+16)"', items)):
        frame = bytes.fromhex(re.sub(r'["\s]', "", text))
        data = bytes((byte - 0x33) & 0xFF for byte in frame[10:-2])
        kind = {(1, True): 7, (3, False): 8, (3, True): 9, (2, False): 9, (4, False): 10}[data[1], frame[8] & 0x80 != 0]
        write(out / "decoder", f"reader-{number}", frame)
        write(out / "private_items", f"R{number}", bytes([kind]) + data[4:])
        # reader: a card is read and asked about, then the frame as it comes over the wires.
        write(out / "reader", f"frame-{number}", bytes([4, 0, 0, 60, 2, 0, 1, len(frame)]) + frame + bytes([0, 90, 2, 0]))
    # reader: how one card goes: put, time, poll, outcome (of this tap, with a RETURN that is sealed), time, report heard, gone.
    visit = lambda card, outcome, more=b"": bytes([4, card, 0, 60, 2, 0, 3, outcome]) + more + bytes([0, 90, 2, 0, 2, 1, 5, 0, 0, 200])
    visits = {
        "done": visit(0, 8 + 16 + 64), "twice": visit(0, 8 + 16 + 64) + visit(0, 8 + 16 + 128), "of-another": visit(0, 8 + 16 + 32 + 64),
        "refused": visit(0, 4, b"\x21"), "show-other": bytes([4, 0, 0, 60, 2, 0, 3, 4, 1, 0, 90, 2, 0, 3, 2 + 8 + 16 + 64, 0, 90, 2, 0, 5, 0, 0, 200]), "box-off-line": visit(0, 4, b"\x80"),
        "late": visit(0, 1 + 8 + 16, b"\1"), "wrong-slot": visit(0, 2 + 8 + 16), "inspection": visit(2, 0), "foreign": visit(3, 0), "phone": visit(4, 0),
        "torn": bytes([7, 7]) + visit(0, 8 + 16 + 64) + visit(0, 8 + 16 + 64), "exchanged": bytes([6, 80]) + visit(0, 8 + 16 + 64), "two": bytes([6, 81]) + visit(0, 8 + 16),
        "asked": bytes([8, 0, 8, 5, 1, 2, 3, 4, 5, 8, 7]) + bytes(7),
    }
    for name, steps in visits.items():
        write(out / "reader", name, steps)
    test = (ROOT / "card" / "seal_test.cpp").read_text(encoding="utf-8")
    for number, golden in enumerate(re.findall(r'"(000001ec[0-9a-f]+)"', test)):
        write(out / "seal", f"S{number}", bytes.fromhex(golden))
    # card: the records of the golden cards as they are, whole cards, and in clear as the constant engine reads them.
    page = (ROOT / "docs" / "formats" / "card.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```golden ([\w-]+) [0-9a-f]+\n(.*?)```", page, re.S):
        records = [bytes.fromhex(line.split()[1])[:48] for line in text.splitlines()]
        write(out / "card", name, b"".join(records[:12]))
        for number, record in enumerate(records):
            if record[:1] == b"\xc1":
                write(out / "card", f"{name}-{number}", record)
    box = bytes.fromhex("1700002620")
    def clear(kind, body, household=12, note=0, generation=6, epoch=3, of=box):
        return (bytes([0xC1, kind, 1, note]) + of + bytes([household]) + generation.to_bytes(4, "little") + epoch.to_bytes(2, "little") + body.ljust(24, b"\0") + bytes(8))
    ticket = (9).to_bytes(4, "little") + (123456).to_bytes(6, "little") + b"\x67\x12\0\0\2" + (5000).to_bytes(4, "little") + b"\x08\0\1"
    write(out / "card", "clear-credit", clear(2, ticket) + clear(2, ticket, generation=5))
    write(out / "card", "clear-return", clear(3, bytes(23) + b"\2"))
    write(out / "card", "clear-identity", clear(1, b"\1\0\0\0\1", note=1))
    write(out / "card", "clear-identity-site", clear(1, b"\1\0\0\0\1", household=0, note=4, of=bytes(5)))
    for kind, what in ((2, 0), (4, 0), (5, 7)):
        write(out / "card", f"clear-right-{kind}", clear(5, bytes([kind, what]) + bytes(4) + b"\1\0\0\0" + bytes([kind == 2])))
    entries = (bytes([2, 12, 0, 11]) + bytes.fromhex("881300000a2c013c000618") + bytes([0xE1, 12, 0, 12]) + bytes(12)).ljust(36, b"\0")
    write(out / "card", "clear-parameters", b"".join(
        clear(4, bytes([k, 2]) + zlib.crc32(entries).to_bytes(4, "little") + entries[18 * k:18 * k + 18]) for k in range(2)))
    # interlink: its golden frames as bytes, and scripts of accidents: operation * 2 + which end, argument.
    test = (ROOT / "protocols" / "interlink" / "link_test.cpp").read_text(encoding="utf-8")
    frames = [bytes.fromhex(text) for text in re.findall(r'"(A5 51[0-9A-F ]+)"', test)]
    for number, frame in enumerate(frames):
        write(out / "interlink", f"F{number}", b"\0" + frame)
    write(out / "interlink", "F-all", b"\0" + b"".join(frames))
    time, put, send, flip, tear, twice, lose, restart, state = range(9)
    scripts = {
        "sound": [(put, 0, 0), (send, 0, 0), (send, 1, 0), (send, 0, 0), (time, 0, 41)] * 3,
        "flipped": [(put, 1, 0), (flip, 1, 9), (time, 0, 50), (flip, 1, 20), (time, 0, 50), (send, 1, 0), (send, 0, 0)],
        "torn": [(put, 0, 0), (put, 0, 0), (tear, 0, 7), (send, 0, 0), (send, 1, 0), (send, 0, 0)],
        "twice": [(put, 0, 0), (twice, 0, 0), (twice, 1, 0), (put, 0, 0), (twice, 0, 0)],
        "lost": [(put, 0, 0), (lose, 0, 0), (time, 0, 50), (send, 0, 0), (lose, 1, 0), (time, 0, 50), (send, 0, 0)],
        "restarts": [(put, 0, 0), (send, 0, 0), (restart, 1, 0), (time, 0, 50), (send, 0, 0), (restart, 0, 0), (put, 0, 0), (send, 1, 0), (send, 0, 0)],
        "states": [(state, 0, 31), (state, 1, 3), (put, 1, 0), (state, 1, 8), (send, 1, 0), (state, 0, 0)],
    }
    for name, steps in scripts.items():
        write(out / "interlink", name, b"\1" + b"".join(bytes([operation * 2 + end, argument]) for operation, end, argument in steps))
    # node: how it is wired and fed, then operations with an argument and what they read.
    time, load, line, read, command, warning, cut, wire, reset, hang, refuse, clock, byte_time, setting = range(14)
    ticket = lambda household, epoch, number, amount: bytes([command, 0, household - 1, epoch - 1, number]) + amount.to_bytes(2, "little")
    day = bytes([load, 0, 40, load, 1, 200, time, 250, time, 250])
    boxes = {
        "day": ticket(1, 1, 1, 500) + ticket(2, 1, 1, 900) + day,
        "tickets": ticket(1, 1, 2, 500) + ticket(1, 1, 1, 300) + ticket(1, 2, 1, 100) + day + ticket(1, 1, 3, 900),
        "warned": ticket(1, 1, 1, 500) + day + bytes([warning, 0, cut, 0]) + day,
        "cut": ticket(1, 1, 1, 500) + day + bytes([cut, 0]) + day + bytes([cut, 0]),
        "wire": ticket(3, 1, 1, 500) + bytes([wire, 31, 0, 9, 0]) + day + bytes([wire, 31, 1, 0, 0]) + day + bytes([wire, 31, 2, 7, 0]) + day + bytes([wire, 31, 3, 0, 0]) + day,
        "resets": ticket(1, 1, 1, 500) + day + bytes([reset, 0]) + day + bytes([reset, 1]) + day + bytes([hang, 0]) + day + bytes([hang, 1]) + day,
        "refused": ticket(1, 1, 1, 500) + day + bytes([refuse, 0, 0]) + day + bytes([refuse, 1, 20]) + day + bytes([refuse, 2, 1]) + ticket(1, 1, 2, 600),
        "read": b"".join(bytes([read, household]) + item for household in (0, 1, 2) for item in
                         (b"\x00\x01\x90\x00", b"\x01\x01\x06\x00", b"\x01\x00\x1e\x00", b"\x01\x11\x00\x03", b"\x01\x00\x30\x03", b"\x01\x00\x00\x05")),
        "commands": b"".join(bytes([command, kind | repeat, 1, 1, 2, 3, 4, 5, 6][:n]) for kind, n in ((1, 4), (2, 6), (3, 3), (4, 8), (5, 7), (6, 3), (7, 6), (8, 3)) for repeat in (0, 0x80)),
        "settings": b"".join(bytes([setting, size, id, 0]) + bytes(range(size)) for id in range(1, 12) for size in (4, 12)),
        "slow": bytes([byte_time, 1]) + ticket(1, 1, 1, 500) + day + bytes([reset, 1]) + day,
        "clock": bytes([clock, 0]) + day + bytes([clock, 1, 0, 0, 0, 49]) + day,
    }
    for name, steps in boxes.items():
        for head in (0x00, 0x12, 0x20):
            write(out / "node", f"{name}-{head:02x}", bytes([head]) + steps)
    # apdu: what a desk says to a reader and what a reader says to a desk, from PC/SC part 3.
    def pieces(*parts):
        return b"".join(bytes([len(part)]) + part for part in (bytes.fromhex(text) for text in parts))

    def authenticated(block, form="FF86000005 01 00 {:02X} 60 00"):
        return ("FF82000006FFFFFFFFFFFF", form.format(block))

    commands = pieces("FFCA000000", *authenticated(8), "FFB0000810", "FFD6000810" + "A5" * 16, "FFB0000810", "03",
                      "FF82200106FFFFFFFFFFFF", "FF8800086101", "FFB0000810", "05", *authenticated(8, "FF8800{:02X}6000"), "FFD6000810" + "5A" * 16, "03",
                      *authenticated(12), "FFD7000C050000000100", "FFD7000C050100000001", "FFD7000C02030D", "FFB1000D04", *authenticated(4), "FFD6000710" + "FF" * 16)
    for habits in range(5):
        write(out / "apdu", f"commands-{habits}", bytes([2 * habits + 1]) + commands)
    number, ok = "110022339000", "9000"
    sale = b"\0" + pieces(number) + bytes([8 * 4 + 1]) + pieces(number, ok, ok) + bytes([8 * 4 + 2]) + pieces("00112233445566778899AABBCCDDEEFF9000")
    write(out / "apdu", "answers-good", b"\0" + sale + bytes([8 * 4 + 3]) + pieces(ok) + sale)
    write(out / "apdu", "answers-old-reader", b"\0\0" + pieces("6C07", "041122334455669000") + bytes([8 * 4 + 1]) + pieces("041122334455669000", "6986", ok, "6D00", ok))
    for status in ("6300", "6382", "6581", "6700", "6982", "6A82", "6B00", "6D00", ""):
        write(out / "apdu", f"answers-{status or 'none'}", b"\0" + sale + bytes([8 * 4 + 1]) + pieces(number, ok, status, number) * 3)


if __name__ == "__main__":
    main()
