#!/usr/bin/env python3
"""Each of the 33 abuse cases of the card has its row in docs/abuse-cases.md, and each row tests that exist and name the case.

What would go wrong: a case is thought to be proved, and its test was renamed, deleted, or tests something else by now.
A test names a case in its own name, in the comment above it, or in the first comment inside it.

    tests/abuse_cases_test.py          exit 0: all 33 are there
    tests/abuse_cases_test.py --list   which tests name which case, for whoever writes a row
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = [f"AC{k:02}" for k in range(1, 34)]
CASE = re.compile(r"AC(?:0[1-9]|[12][0-9]|3[0-3])(?![0-9])")
# The comment above, the line that opens the test, and the first comment inside.
TEST = re.compile(r"((?:^//[^\n]*\n)*)^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)\s*\{\n((?:\s*//[^\n]*\n)*)", re.M)


def tests_of_sources():
    """Suite.Name -> the cases that it names."""
    found = {}
    for source in ROOT.glob("[!.]*/**/*_test.cpp"):
        if source.parts[len(ROOT.parts)].startswith("build") or "node_modules" in source.parts:
            continue
        for above, suite, name, inside in TEST.findall(source.read_text(encoding="utf-8")):
            found[f"{suite}.{name}"] = set(CASE.findall(f"{above} {name} {inside}"))
    for source in (ROOT / "tests").glob("*_test.py"):
        head = re.match(r'#![^\n]*\n"""(.*?)"""', source.read_text(encoding="utf-8"), re.S)
        found[f"tests/{source.name}"] = set(CASE.findall(head.group(1))) if head else set()
    return found


def main():
    tests = tests_of_sources()
    if "--list" in sys.argv[1:]:
        for case in CASES:
            print(case, *sorted(name for name, cases in tests.items() if case in cases), sep="\n    ")
        return 0
    problems = []
    rows = re.findall(r"^\| (AC\d\d) \|([^|]*)\|([^|]*)\|([^|]*)\|$", (ROOT / "docs/abuse-cases.md").read_text(encoding="utf-8"), re.M)
    if [case for case, *_ in rows] != CASES:
        problems.append(f"the rows are {', '.join(case for case, *_ in rows)}; there must be one for each of AC01 to AC33, in order")
    named = 0
    for case, abuse, outcome, proof in rows:
        if not abuse.strip() or not outcome.strip():
            problems.append(f"{case} says nothing")
        names = re.findall(r"`([^`]+)`", proof)
        if not names:
            problems.append(f"{case} has no test")
        for name in names:
            named += 1
            if name not in tests:
                problems.append(f"{case}: {name} does not exist")
            elif case not in tests[name]:
                problems.append(f"{case}: {name} does not name it")
    for problem in problems:
        print(f"docs/abuse-cases.md: {problem}")
    print(f"{len(rows)} cases, {named} tests named, {len(problems)} problems")
    return 1 if problems or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
