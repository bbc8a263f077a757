#!/usr/bin/env python3
"""Reads every tracked text file: formatted C++ (clang-format-19 when it is there), no leftovers, no traces of a machine.

What would go wrong: a half-done change, or a path of somebody's machine, reaches a release.
"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORBIDDEN = [(re.compile(r"\b(" + "TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b"), "leftover"),
             (re.compile(r"^#if 0\b"), "dead code"),
             (re.compile(r"(?<![\w.])/(?:home|work|Users)/[a-z]"), "a machine's path")]
TEXT = {".cpp", ".hpp", ".py", ".md", ".txt", ".cmake", ".json", ".toml", ".ts", ".vue", ".css", ".html", ".sh", ".yml", ".yaml", ".S", ".ld"}


def main():
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True).stdout.decode().split("\0")
    problems = []
    read = 0
    sources = []
    for name in filter(None, files):
        path = ROOT / name
        if not path.is_file() or (path.suffix not in TEXT and path.suffix != "") or name.endswith("package-lock.json") or name == "tests/text_test.py":
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        read += 1
        if path.suffix in (".cpp", ".hpp"):
            sources.append(path)
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, what in FORBIDDEN:
                if pattern.search(line):
                    problems.append(f"{name}:{number}: {what}: {line.strip()[:100]}")
    formatter = shutil.which("clang-format-19")
    if formatter and sources:
        run = subprocess.run([formatter, "--dry-run", "--Werror", "--ferror-limit=1", *sources], capture_output=True, text=True, cwd=ROOT)
        problems += sorted({line for line in run.stderr.splitlines() if "error:" in line})
    else:
        print("formatting: skipped, clang-format-19 is not installed")
    for problem in problems:
        print(problem)
    print(f"{read} files read, {len(problems)} problems")
    return 1 if problems or read == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
