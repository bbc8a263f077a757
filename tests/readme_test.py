#!/usr/bin/env python3
"""Runs every command of README.md: the ones of a session against a building of its own, one after the other.

What would go wrong: the first thing that a new user types does not work.
Usage: readme_test.py PREWATT session|figures|check|all    Exit 0: each ended as it should; 77: skipped (pages are not built).
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True
import run_building  # noqa: E402


def commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [line[2:] for block in re.findall(r"```console\n(.*?)```", text, re.S) for line in block.splitlines() if line.startswith("$ ")]


def group_of(command):
    if command in ("./start", "./test"):
        return "two"      # ./test is what runs this; ./start is run as ./start --check
    if command.startswith("./start"):
        return "check"
    return "figures" if re.search(r" (bench|verify|simulate|evaluate|torture) ", command) else "session"


def main():
    which = sys.argv[2]
    listed = commands()
    if {c for c in listed if group_of(c) == "two"} != {"./start", "./test"}:
        print("README.md does not name the two commands")
        return 1
    if not (ROOT / "web/dist/index.html").exists() and which != "figures":
        print("skipped: the pages are not built (web/build.sh)")
        return 77
    folder = pathlib.Path(tempfile.mkdtemp(prefix="prewatt-readme-"))
    environment = dict(os.environ, HOME=str(folder), XDG_CONFIG_HOME=str(folder / "config"))
    children, background, failed, run = [], [], 0, 0
    try:
        password = ""
        if which == "session":
            options = argparse.Namespace(root=ROOT, boxes=2, agent_port=run_building.free_port())
            office, password = run_building.bring_up(options, folder / "data", run_building.free_port(), children)
            environment["PREWATT_SERVER"] = office.base
            office.token = office.call("POST", "/session", {"user": "owner", "password": password})["token"]
            run_building.wait_for("answers of the boxes", 60, children,
                                  lambda: all(h["answering"] for h in office.call("GET", "/households?limit=100")["households"]))
        for command in listed:
            if group_of(command) != which:
                continue
            run += 1
            line = command.replace("/tmp/readme.", str(folder / "readme.")).replace(" data/", f" {folder}/data/")
            if line.endswith(" &"):
                background.append(subprocess.Popen(line[:-2], shell=True, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                                                   stdout=subprocess.DEVNULL, start_new_session=True))
                subprocess.run(["sleep", "2"], check=True)
                continue
            done = subprocess.run(line, shell=True, cwd=ROOT, env=environment, input=password + "\n", capture_output=True, text=True, timeout=900)
            print(f"$ {command}\n{done.stdout}{done.stderr}", flush=True)
            if done.returncode != 0:
                print(f"FAILED with {done.returncode}: {command}")
                failed += 1
    finally:
        for process in background:
            os.killpg(process.pid, signal.SIGTERM)  # the shell and what it runs
            process.wait(10)
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{run} commands, {failed} failed")
    return 1 if failed or not run else 0


if __name__ == "__main__":
    sys.exit(main())
