#!/usr/bin/env python3
"""Every test and file that docs/PROOF.md names exists.

What would go wrong: a promise whose proof was renamed or deleted goes on looking proved.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    named = re.findall(r"`([^`]+)`", (ROOT / "docs/PROOF.md").read_text(encoding="utf-8"))
    tests = set()
    for source in ROOT.glob("[!.]*/**/*_test.cpp"):
        if not source.parts[len(ROOT.parts)].startswith("build"):
            tests |= {f"{suite}.{name}" for suite, name in re.findall(r"\bTEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", source.read_text(encoding="utf-8"))}
    missing = []
    for name in named:
        if re.fullmatch(r"[A-Z]\w+\.[A-Z]\w+", name):
            if name not in tests:
                missing.append(f"test {name}")
        elif re.match(r"(tests|tools|docs)/", name) and not (ROOT / name.split()[0]).exists():
            missing.append(f"file {name}")
    for name in missing:
        print(f"docs/PROOF.md names {name}, which does not exist")
    print(f"{len(named)} names, {len(missing)} missing")
    return 1 if missing or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
