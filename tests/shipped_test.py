#!/usr/bin/env python3
"""What is installed and started is the product alone: nothing through which anybody on the network could be the card (AC33).

What would go wrong: the virtual reader of the tests (vpcd) listens on all interfaces, and whoever connects to it is the card on
the desk's reader. It comes with the packages of the tests and is started by the tests alone; nothing that ./start installs or
starts may bring it, pcscd with it, or anything else that a card can be sent to over a network.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORBIDDEN = re.compile(r"vpcd|vsmartcard|pcscd", re.I)
# Who may name it: the tests, the model of the card, and the verb with which a developer becomes the card (a client, it opens
# no port).
TEST_ONLY = ("tests/", "sim/card/", "cli/card_sim.", "cli/main.cpp", "docs/", ".ci/")


def main():
    problems = []
    sets = dict(re.findall(r"^(\w+)=\((.*?)\)$", (ROOT / "tools/install-packages").read_text(encoding="utf-8"), re.M | re.S))
    if "vsmartcard-vpcd" not in sets.get("test", "").split():
        problems.append("tools/install-packages: the set 'test' does not hold vsmartcard-vpcd, so this test looks at nothing")
    for name, packages in sets.items():
        if name != "test":
            problems += [f"tools/install-packages: the set '{name}' brings {package}" for package in packages.split() if FORBIDDEN.search(package)]
    started = (ROOT / "start").read_text(encoding="utf-8")
    asked = set(" ".join(re.findall(r"install-packages\"?\s+([\w ]+)", started)).split())
    if asked != {"build"}:
        problems.append(f"start: installs the sets {sorted(asked)}, not 'build' alone")
    for name in ("start", "tools/run_building.py", "tools/build"):
        if FORBIDDEN.search((ROOT / name).read_text(encoding="utf-8")):
            problems.append(f"{name}: names the virtual reader or pcscd")
    # No room of the product calls the model's link, and the link is no server.
    link = (ROOT / "sim/card/vpcd_link.cpp").read_text(encoding="utf-8")
    if re.search(r"\b(listen|accept|bind)\s*\(", link):
        problems.append("sim/card/vpcd_link.cpp: opens a port")
    looked = 0
    for source in sorted(ROOT.glob("[!.]*/**/*.[ch]pp")):
        path = source.relative_to(ROOT).as_posix()
        if path.startswith("build") or "node_modules" in source.parts:
            continue
        looked += 1
        if not path.startswith(TEST_ONLY) and '#include "sim/card/vpcd_link.hpp"' in source.read_text(encoding="utf-8"):
            problems.append(f"{path}: includes the link to the virtual reader")
    for problem in problems:
        print(problem)
    print(f"{looked} sources, {len(sets)} sets of packages, {len(problems)} problems")
    return 1 if problems or not looked or len(sets) < 4 else 0


if __name__ == "__main__":
    sys.exit(main())
