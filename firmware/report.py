#!/usr/bin/env python3
"""What the device costs: code and RAM of each room, and the instructions of the metering processor's sample path, counted in QEMU.

    firmware/report.py BUILD-ARM [--trial HOST-TRIAL] [--json] [--strict] [--check]

Runs metering.elf (firmware/metering) on QEMU's mps2-an386 under `-icount shift=6,sleep=off`, where an instruction takes 64 ns of the 25 MHz
timer: the figures are the same on every machine. HOST-TRIAL is the same program on this machine; its registers must be the same
to the bit. Exit 1: registers differ, or the image went wrong; with --strict also when a goal is missed; --check asks for the
registers alone. Exit 77: there is no QEMU, or no image.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys

QEMU = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config", "enable=on,target=native",
        "-icount", "shift=6,sleep=off", "-kernel"]
INSTRUCTIONS_PER_TICK = 40 / 64  # a tick of 25 MHz is 40 ns, an instruction 64 ns
EMON32 = "emon32-fw 1.1.1 (12 current channels, open): 219, its accumulation alone 64"


def run(command):
    # QEMU's semihosting writes to standard error.
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    values = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        if value.isdigit():
            values[name] = int(value)
    if done.returncode != 0 or "end" not in done.stdout.splitlines():
        sys.exit(f"device: {command[0]} ended with {done.returncode}\n{done.stdout[-2000:]}")
    return values


def room_of(origin):
    """The room that an object file of a linker map belongs to."""
    match = re.search(r"libprewatt_(\w+)\.a", origin)
    if match:
        return match.group(1).replace("_", "/", 1).replace("dlt645_", "dlt645/")
    if "libmbedtls_device.a" in origin:
        return "Mbed TLS"
    if "firmware/" in origin or "CMakeFiles/" in origin:
        return "firmware"
    return "compiler's library"


def sizes(linker_map):
    """room -> [code and constants, RAM], from the sections that the linker kept."""
    text = linker_map.read_text(encoding="utf-8", errors="replace")
    text = text[text.index("Linker script and memory map"):]
    rooms = {}
    for section, address, size, origin in re.findall(
            r"^ (\.[\w.$]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$", text, re.M):
        column = 0 if re.match(r"\.(text|rodata|vectors|ARM)", section) else 1 if re.match(r"\.(data|bss)|COMMON", section) else None
        if column is None or int(size, 16) == 0:
            continue
        row = rooms.setdefault(room_of(origin), [0, 0])
        row[column] += int(size, 16)
    return rooms


def sizes_of_types(objects, nm):
    found = {}
    for path in objects:
        listing = subprocess.run([nm, "-S", str(path)], capture_output=True, text=True, check=True).stdout
        for size, name in re.findall(r"^[0-9a-f]+ ([0-9a-f]+) \w size_of_(\w+)$", listing, re.M):
            found[name] = int(size, 16)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--trial", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    image = options.build / "metering.elf"
    if not image.exists() or not shutil.which(QEMU[0]):
        print(f"skipped: {'no ' + str(image) + ' (tools/device builds it)' if not image.exists() else QEMU[0] + ' is not installed'}")
        return 77

    here = run(QEMU + [str(image)])
    equal = None
    if options.trial:
        host = run([str(options.trial)])
        digests = [name for name in here if name.endswith(("_digest", "_joules"))]
        differing = [name for name in digests if here[name] != host.get(name)]
        equal = not differing and len(digests) >= 2
        for name in differing:
            print(f"device: {name} is {here[name]} on the Cortex-M4 and {host.get(name)} on this machine", file=sys.stderr)
        if options.check:
            print(f"{len(digests)} registers' digests, {len(differing)} differ")
    if here["kernel_wrong"] != 0:
        sys.exit(f"device: {here['kernel_wrong']} runs of the kernel gave wrong sums")
    if equal is False:
        return 1
    card = options.build / "card.elf"
    swipe = run(QEMU + [str(card)]) if card.exists() else {}
    wrong = [name for name, value in swipe.items() if name.endswith("_wrong") and value]
    if wrong:
        sys.exit(f"device: Mbed TLS on the Cortex-M4 gives something else than the vectors and the golden card: {', '.join(wrong)}")
    if options.check and swipe:
        print(f"{sum(name.endswith('_wrong') for name in swipe)} checks of the card's cryptography, none wrong")
    if options.check:
        return 0 if equal else 1

    rows = []

    def figure(name, value, unit, goal=None, compared_with=""):
        rows.append({"name": name, "value": round(value, 2), "unit": unit, "goal": goal,
                     "met": None if goal is None else value <= goal, "compared_with": compared_with})

    samples = here["current_samples"]

    def per_sample(name):
        return here[name] * INSTRUCTIONS_PER_TICK / samples

    unit = "instructions"
    # Where the processor has no detector in it yet, the detector's time and RAM are added.
    missing = not here["processor_has_detector"]
    whole = here["processor_20_ticks"] + (here["detector_20_ticks"] if missing else 0)
    here["rest_20_ticks"] = max(0, whole - here["metering_20_ticks"] - here["detector_20_ticks"])
    figure("device sample path, per channel and sample", whole * INSTRUCTIONS_PER_TICK / here["channel_samples"], unit, 30, EMON32)
    figure("device sample path, spread over the current channels", whole * INSTRUCTIONS_PER_TICK / samples, unit, None,
           "39 of the 42 channels, as the figures below")
    figure("device sums over 20 samples of a circuit, per sample", here["kernel_20_ticks"] * INSTRUCTIONS_PER_TICK / 20, unit, None,
           "8 exact products a sample, two an instruction; beginning and end of a run in it")
    figure("device metering in blocks of 20", per_sample("metering_20_ticks"), unit, None, "samples to windows, without detector and link")
    figure("device metering in blocks of 80", per_sample("metering_80_ticks"), unit, None, "the same in blocks of a mains cycle")
    figure("device ends of windows, of the above", per_sample("metering_20_window_ticks"), unit, None, "five a second, 39 circuits")
    for name, label, what in (("detector_20_ticks", "device step detector", "added to the metering, two steps a second"),
                              ("rest_20_ticks", "device overcurrent, totals, pulses and link", "added to metering and detector")):
        if name in here:
            figure(label, per_sample(name), unit, None, what)
    if "detector_20_longest_ticks" in here:
        figure("device longest work on one block, detector", here["detector_20_longest_ticks"] * INSTRUCTIONS_PER_TICK, unit, None,
               f"a step is judged; a block is 5 ms; usual blocks {here['detector_20_usual_ticks'] * INSTRUCTIONS_PER_TICK / samples * 780:.0f}")
    if equal is not None:
        figure("device registers that differ from this machine's", 0, "of " + str(sum(n.endswith(("_digest", "_joules")) for n in here)), 0,
               "the same samples, windows and joules, bit by bit")

    for name, label, what in (("card_cmac_48_ticks", "device card, CMAC of 48 bytes", "Mbed TLS, key set up each time"),
                              ("card_sector_key_ticks", "device card, key of a sector", "a swipe needs about six"),
                              ("card_open_ticks", "device card, open a record", "tag and key stream; a swipe opens four"),
                              ("card_seal_ticks", "device card, seal a record", "a swipe seals one")):
        if name in swipe:
            figure(label, swipe[name] * INSTRUCTIONS_PER_TICK, unit, None, what)
    if swipe:
        code, ram = sizes(options.build / "card.map").get("Mbed TLS", (0, 0))
        own_code, own_ram = sizes(options.build / "card.map").get("card/mbedtls", (0, 0))
        figure("device card, Mbed TLS code", code + own_code, "bytes", None, f"AES and CMAC with tables; RAM {ram + own_ram}, the pool of two pieces")
        figure("device card, stack of a swipe's cryptography", swipe["card_stack_used"], "bytes", None, "deepest of all of the above")
    elif not options.json:
        print("card's cryptography: skipped, cmake --preset arm could not fetch Mbed TLS")

    metering = sizes(options.build / "metering.map")
    meter = sizes(options.build / "linkgate.map")
    reserved = here.get("stack_reserved", 0)
    data = sum(ram for _, ram in metering.values()) + (here["sizeof_detector"] if missing else 0)
    figure("device metering processor RAM", data + reserved, "bytes", 32 * 1024,
           f".data and .bss {data}, stack {reserved} in it")
    # What an interrupt pushes, with the registers of the FPU, and its handler.
    figure("device stack that was touched", here["stack_used"], "bytes", reserved - 512, f"of {reserved}; 512 are for interrupts, of which the trial has none")
    figure("device metering processor code", sum(code for code, _ in metering.values()), "bytes", None, "with the trial that feeds it")
    figure("device whole meter, code", sum(code for code, _ in meter.values()), "bytes", 256 * 1024, "both processors on one")
    figure("device whole meter, RAM without stack", sum(ram for _, ram in meter.values()), "bytes", 192 * 1024, "both processors on one")
    wall = sizes(options.build / "linkgate_reader.map")
    figure("device shared reader, code", sum(code for code, _ in wall.values()), "bytes", None, "the whole reader of a line, its cryptography in it")
    figure("device shared reader, RAM without stack", sum(ram for _, ram in wall.values()), "bytes", None, "its longest frame and one card")
    rooms = [{"room": room, "code": code, "ram": ram} for room, (code, ram) in sorted(meter.items())]
    types = sizes_of_types(sorted(options.build.rglob("*sizes.cpp.obj")), "arm-none-eabi-nm")

    if options.json:
        print(json.dumps({"figures": rows, "rooms": rooms, "objects": types}, indent=2))
    else:
        for row in rows:
            verdict = "" if row["met"] is None else "met" if row["met"] else "MISSED"
            goal = "" if row["goal"] is None else f"<= {row['goal']}"
            print(f"{row['name']:<52} {row['value']:>10g} {row['unit']:<13} {goal:<9} {verdict:<7} {row['compared_with']}")
        print("\nwhole meter by room              code     RAM")
        for row in rooms:
            print(f"  {row['room']:<26} {row['code']:>8} {row['ram']:>7}")
        print("\nobjects in RAM                  bytes")
        for name, size in sorted(types.items(), key=lambda item: -item[1]):
            print(f"  {name:<26} {size:>8}")
    return 1 if options.strict and not all(row["met"] is not False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
