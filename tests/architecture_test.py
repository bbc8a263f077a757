#!/usr/bin/env python3
"""Compares every #include of the project, and every USES of a CMake room, with the table in docs/ARCHITECTURE.md.

What would go wrong: the meter grows a line of server code, and one day its image pulls in a database.
Exit 0: all agree. Exit 1: each disagreement on a line of its own.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = {".hpp", ".cpp", ".h", ".cc"}
PORTABLE = ("base", "settings", "protocols/dlt645", "protocols/interlink", "card", "card/mbedtls", "reader", "meter", "meter/core", "meter/metrology", "meter/node", "firmware")
# Standard headers that would bring a heap, a clock, exceptions' machinery or an operating system into the meter.
NOT_PORTABLE = {"chrono", "ctime", "time.h", "thread", "mutex", "iostream", "fstream", "sstream", "string", "vector", "map", "set",
                "unordered_map", "unordered_set", "deque", "list", "memory", "functional", "stdexcept", "filesystem", "random", "regex",
                "future", "condition_variable", "locale", "any", "memory_resource", "unistd.h", "sys/time.h", "stdlib.h", "cstdlib"}


def table():
    text = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    block = re.search(r"```deps\n(.*?)```", text, re.S)
    if not block:
        sys.exit("docs/ARCHITECTURE.md has no ```deps table")
    allowed = {}
    for line in block.group(1).splitlines():
        if line.strip():
            room, _, uses = line.partition("->")
            allowed[room.strip()] = set(uses.split())
    return allowed


def room_of(path, rooms):
    """The longest room that is a prefix of the folder of path."""
    folder = path.rsplit("/", 1)[0] if "/" in path else ""
    best = ""
    for room in rooms:
        if (folder == room or folder.startswith(room + "/")) and len(room) > len(best):
            best = room
    return best


def is_test_support(path):
    name = path.rsplit("/", 1)[-1]
    return name.endswith("_test.cpp") or name.startswith("fake_") or "/testing/" in path or path == "firmware/linkgate/planted.cpp"


def main():
    allowed = table()
    tops = {room.split("/")[0] for room in allowed}
    problems = []
    count = 0
    for file in sorted(p for top in tops for p in (ROOT / top).rglob("*")
                       if p.suffix in SOURCE and "node_modules" not in p.parts):
        path = file.relative_to(ROOT).as_posix()
        room = room_of(path, allowed)
        if not room:
            problems.append(f"{path}: in no room of docs/ARCHITECTURE.md")
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            count += 1
            kind, target = match.groups()
            where = f"{path}:{number}"
            if ".." in target.split("/"):
                problems.append(f"{where}: '{target}' climbs out of its room")
            used = room_of(target, allowed) if target.split("/")[0] in tops else ""
            if used:
                extra = {"card/openssl", "sim/card", "meter", "base"} if is_test_support(path) else set()
                if used != room and used not in allowed[room] | extra and "*" not in allowed[room]:
                    problems.append(f"{where}: {room} may not include {used} ('{target}')")
            elif kind == '"':
                problems.append(f"{where}: '{target}' is not written from the root, or its room is unknown")
            elif room in PORTABLE and target in NOT_PORTABLE and not is_test_support(path):
                problems.append(f"{where}: <{target}> does not belong in portable code")
    for cmake in sorted(p for top in tops for p in (ROOT / top).rglob("CMakeLists.txt") if "node_modules" not in p.parts):
        text = re.sub(r"#.*", "", cmake.read_text(encoding="utf-8"))
        for room, arguments in re.findall(r"prewatt_room\(\s*([\w/]+)([^)]*)\)", text):
            uses = re.search(r"\bUSES\b(.*?)(?:\bSOURCES\b|\bLIBRARIES\b|\bPRIVATE_LIBRARIES\b|\bNAME\b|\bPORTABLE\b|$)", arguments, re.S)
            for used in (uses.group(1).split() if uses else []):
                if room in allowed and used != room and "*" not in allowed[room] and used in allowed and used not in allowed[room]:
                    problems.append(f"{cmake.relative_to(ROOT)}: {room} may not use {used}")
            if room not in allowed and not room_of(room + "/x", allowed):
                problems.append(f"{cmake.relative_to(ROOT)}: room {room} is not in docs/ARCHITECTURE.md")
    for problem in problems:
        print(problem)
    print(f"{count} includes read, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
