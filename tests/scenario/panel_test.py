#!/usr/bin/env python3
"""The front of a virtual meter as a verifier meets it: on a terminal with keys, and as JSON over HTTP.

    python3 tests/scenario/panel_test.py --program build/prewatt [TestName ...]
"""
import argparse
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import urllib.error
import urllib.request

PROGRAM = "build/prewatt"
PATIENCE = 30


class Screen:
    """As much of a terminal as the panel uses: home, clear to the end of the line, line ends."""

    def __init__(self):
        self.text = ""

    def feed(self, received):
        self.text = (self.text + received)[-20000:]

    def picture(self):
        """The last whole picture without colours."""
        pictures = self.text.split("\033[H")
        for picture in reversed(pictures):
            if picture.endswith("\033[J") or "\033[J" in picture:
                return re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", picture).replace("\r", "")
        return ""


class Panel(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="prewatt-panel-"))
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        shutil.rmtree(self.folder)

    def command(self, *more):
        return [PROGRAM, "meter", "--store", str(self.folder / "store"), "--key", str(self.folder / "key"), *more]

    def start(self, *more, **streams):
        process = subprocess.Popen(self.command(*more), **streams)
        self.processes.append(process)
        return process

    # --- HTTP

    def start_http(self, *more):
        log = open(self.folder / "log", "w")
        process = self.start("--panel-port", "0", *more, stdout=subprocess.DEVNULL, stderr=log)
        log.close()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = re.search(r"panel on (http://\S+/)", (self.folder / "log").read_text())
            if found and "meter 2026000001" in (self.folder / "log").read_text():
                return process, found.group(1)
            time.sleep(0.02)
        self.fail("no panel: " + (self.folder / "log").read_text())

    def ask(self, url, method="GET", headers=None):
        request = urllib.request.Request(url, method=method, headers=headers or {})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())

    def until(self, what, question):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = question()
            if answer:
                return answer
            time.sleep(0.02)
        self.fail("it never came: " + what)

    def test_a_verifier_plugs_in_holds_and_releases_over_http(self):
        # A program on the bench must see the display stay and the energy in place of what remains.
        _, url = self.start_http("--speed", "20")
        state = self.ask(url)
        self.assertEqual(state["format"], 1)
        self.assertEqual(state["box"], 2026000001)
        self.assertEqual(len(state["households"]), 39)
        self.assertFalse(state["households"][0]["relay_closed"])
        self.assertIn("not_opened", state["households"][0]["holds"])
        self.assertFalse(state["socket"]["plugged"])
        self.until("dashes of an account that is not open",
                   lambda: "----" in self.ask(url)["display"]["lower"])

        self.assertTrue(self.ask(url + "plug", "POST")["socket"]["plugged"])
        self.until("energy used", lambda: re.fullmatch(r" *\d+\.\d", self.ask(url)["display"]["lower"]))
        self.assertTrue(self.ask(url + "hold", "POST")["socket"]["hold"])
        held = self.until("two decimals", lambda: re.fullmatch(r" *\d+\.\d\d", self.ask(url)["display"]["lower"]) and
                          self.ask(url)["display"]["upper"])
        begun = self.ask(url)["virtual_ms"]
        while self.ask(url)["virtual_ms"] < begun + 9000:
            self.assertEqual(self.ask(url)["display"]["upper"], held)
        self.assertFalse(self.ask(url + "release", "POST")["socket"]["hold"])
        self.until("the next household", lambda: self.ask(url)["display"]["upper"] == "  %04d" % (int(held) + 1))
        state = self.ask(url + "unplug", "POST")
        self.assertFalse(state["socket"]["plugged"])

        for path, method, code in (("nothing", "GET", 404), ("plug", "GET", 405), ("", "POST", 405)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.ask(url + path, method)
            self.assertEqual(refused.exception.code, code)
            refused.exception.close()

    def test_a_page_in_a_browser_does_not_get_at_the_socket(self):
        # Any page that is open on this machine could plug in and out.
        _, url = self.start_http()
        for headers in ({"Origin": "http://example.org"}, {"Sec-Fetch-Site": "cross-site"}):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.ask(url + "plug", "POST", headers)
            self.assertEqual(refused.exception.code, 403)
            refused.exception.close()
        self.assertFalse(self.ask(url)["socket"]["plugged"])

    def test_a_port_that_is_taken_is_said(self):
        # Two panels on one port: the second would show the first one's box.
        _, url = self.start_http()
        port = url.rstrip("/").rsplit(":", 1)[1]
        second = subprocess.run(
            [PROGRAM, "meter", "--store", str(self.folder / "other"), "--key", str(self.folder / "key"),
             "--panel-port", port], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(second.returncode, 9)
        self.assertIn("--panel-port", second.stderr)

    def test_it_ends_in_order_while_somebody_asks(self):
        # A bench program that polls must not keep the meter from ending.
        process, url = self.start_http()
        self.ask(url)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=PATIENCE), 0)

    # --- Terminal

    def start_terminal(self, *more):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        before = termios.tcgetattr(theirs)
        process = self.start("--panel", *more, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        return process, ours, theirs, before, Screen()

    def see(self, terminal, screen, what, pattern):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                screen.feed(os.read(terminal, 65536).decode())
            found = re.search(pattern, screen.picture())
            if found:
                return found
        self.fail("never seen: " + what + "\n" + screen.picture())

    def test_keys_do_at_the_terminal_what_a_hand_does_at_the_box(self):
        # A picture that nobody can act on, or a terminal that is left without echo.
        process, terminal, theirs, before, screen = self.start_terminal("--speed", "20")
        self.see(terminal, screen, "the box", r"box 2026000001")
        self.see(terminal, screen, "39 households", r"39\.")
        self.see(terminal, screen, "no plug", r"socket: no plug")
        self.see(terminal, screen, "household 1", r"household 1: relay open, held by not_opened")
        os.write(terminal, b"h")
        os.write(terminal, b"p")
        self.see(terminal, screen, "plug, not held", r"socket: plug in *\n")
        os.write(terminal, b"h")
        self.see(terminal, screen, "held", r"plug in, pins 4 and 6 joined")
        self.see(terminal, screen, "two decimals", r"\| +\d\.\d \d +\|")
        os.write(terminal, b"\033[C\033[C")
        self.see(terminal, screen, "household 3", r"household 3: ")
        os.write(terminal, b"\033[A")
        self.see(terminal, screen, "household 2", r"household 2: ")
        os.write(terminal, b"p")
        self.see(terminal, screen, "pulled", r"socket: no plug")
        os.write(terminal, b"q")
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                screen.feed(os.read(terminal, 65536).decode())
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.assertEqual(termios.tcgetattr(theirs)[:4], before[:4], "the terminal is as it was")

    def test_without_a_terminal_it_says_so_and_shows_lines(self):
        # In a log file: control characters and nothing to read.
        done = subprocess.run(self.command("--panel", "--speed", "max", "--for", "20"), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no terminal", done.stderr)
        self.assertNotIn("\033", done.stdout)
        self.assertRegex(done.stdout, r"2026 \| 000001")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=PROGRAM)
    known, rest = parser.parse_known_args()
    PROGRAM = str(pathlib.Path(known.program).resolve())
    unittest.main(argv=[sys.argv[0], *("Panel." + name for name in rest)], verbosity=2)
