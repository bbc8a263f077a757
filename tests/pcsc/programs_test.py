#!/usr/bin/env python3
"""The built programs on a real card service: `prewatt card`, `prewatt desk-agent` and `prewatt reader --pcsc`, with an office (`prewatt serve`)
behind them. The card is `prewatt card-sim` on the virtual reader; its first slot is the desk, its second the wall.

    tests/pcsc/run_pcscd python3 tests/pcsc/programs_test.py --program build/prewatt [TestName ...]
"""
import argparse
import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scenario"))
import office_test
from office_test import free_port, wait_for

DONE, WRONG_USE, NOT_FOUND, NO_ANSWER, REFUSED, NOT_REACHABLE, INTERRUPTED = 0, 2, 3, 4, 5, 9, 130
SLOT = int(os.environ.get("PREWATT_VPCD_PORT", "0"))
READER = os.environ.get("PREWATT_READER", "")
DESK, WALL = READER + " 00 00", READER + " 00 01"
NO_SERVICE = {"PCSCLITE_CSOCK_NAME": "/nonexistent/pcscd.comm"}


class Program:
    """A program that goes on; what it says is kept line by line."""

    def __init__(self, words, **more):
        self.lines = []
        self.process = subprocess.Popen([office_test.PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent"}, **more)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def said(self, pattern, since=0):
        """The first line from `since` on that fits, or None."""
        return next((found for found in (re.search(pattern, line) for line in self.lines[since:]) if found), None)

    def wait_for(self, pattern, since=0, seconds=30):
        def look():
            found = self.said(pattern, since)
            assert found or self.process.poll() is None, "\n".join(self.lines)
            return found
        try:
            return wait_for(f"'{pattern}'", look, seconds)
        except AssertionError as missed:
            raise AssertionError(f"{missed}; it said:\n" + "\n".join(self.lines)) from None

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        self.thread.join(5)
        self.process.stdout.close()
        return code


class OnTheService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert SLOT and READER, "run it as tests/pcsc/run_pcscd python3 " + sys.argv[0]
        cls.site = office_test.Site()
        cls.addClassCleanup(cls.site.stop)

    def setUp(self):
        self.cards = []
        self.addCleanup(self.take_away)

    def put(self, name, *more, slot=0):
        """The card of this name onto a reader; a new one when there was none."""
        file = self.site.folder / (name + ".card")
        new = [] if file.exists() else ["--new", name]
        card = Program(["card-sim", file, *new, "--port", SLOT + slot, *more])
        self.cards.append(card)
        return card

    def take_away(self):
        for card in self.cards:
            self.assertIn(card.end(), (DONE, INTERRUPTED), card.lines)
        self.cards = []

    def run_verb(self, *words, expect=DONE, reader=DESK, wait="20s", **environment):
        command = [office_test.PROGRAM, "card", *map(str, words), "--server", f"http://127.0.0.1:{self.site.port}", "--token-file", self.site.folder / "token",
                   "--wait-card", wait, *(["--reader", reader] if reader else [])]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": str(self.site.folder), **environment})
        self.assertEqual(done.returncode, expect, f"{command}\n{done.stdout}{done.stderr}")
        if expect not in (DONE, REFUSED):
            self.assertTrue(done.stderr.startswith("prewatt: "), done.stderr)
        return done.stdout if expect == DONE else done.stdout + done.stderr

    def call(self, method, path, body=None, **headers):
        status, answer = self.site.call(method, path, body, **headers)
        self.assertLess(status, 300, answer)
        return answer


class AtTheDesk(OnTheService):
    """No line: what the desk does is the same with one and without."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site.serve_command = functools.partial(cls.site.serve_command, demo_line="card")
        cls.site.start_office()
        (cls.site.folder / "token").write_text(cls.site.token)

    def test_a_card_is_made_sold_onto_torn_repaired_and_taken_back(self):
        # All that the command does with a card in a file must be so with one on a reader, also when it is torn away in a write.
        self.put("A1B2C3D4")
        self.assertIn("empty", self.run_verb("read", expect=REFUSED))
        self.assertIn("card 1", self.run_verb("issue", "3-0101"))
        self.assertIn("credited 31.25 kWh in all", self.run_verb("sell", "3-0101", "--yuan", "20", "--yes"))
        looked = json.loads(self.run_verb("read", "-o", "json"))
        self.assertEqual((looked["finding"], looked["card"]["carries"]["credited"], looked["card"]["uid"]), ("up_to_date", 3125, "A1B2C3D4"))
        self.assertIn("16 ours", self.run_verb("inspect"))
        self.assertIn("number A1B2C3D4", self.run_verb("dump"))
        self.take_away()

        torn = self.put("A1B2C3D4", "--tear", "2:7:weak")
        words = self.run_verb("sell", "--yuan", "10", "--yes", expect=NO_ANSWER)
        self.assertIn("the sale is booked", words)
        self.assertIn("prewatt card repair", words)
        self.assertEqual(torn.end(), DONE)
        self.cards = []
        self.put("A1B2C3D4", "--exchange-ms", "2")
        self.assertIn("broken off", self.run_verb("read"))
        self.assertIn("credited 46.87 kWh in all", self.run_verb("repair"))
        self.assertIn("in order", self.run_verb("read"))
        household = self.call("GET", "/households?limit=100")["households"][0]
        self.assertEqual(len(self.call("GET", f"/households/{household['id']}/sales")["sales"]), 2, "nothing was sold twice")
        self.assertIn("in use", self.run_verb("format", expect=REFUSED))
        self.run_verb("take-back", "--reason", "moves out", "--yes")
        self.assertIn("empty", self.run_verb("read", expect=REFUSED))

    def test_what_is_missing_is_said(self):
        # A clerk hears "error" and calls somebody who hears "error".
        several = self.run_verb("read", expect=WRONG_USE, reader=None)
        self.assertIn(DESK, several)
        self.assertIn("--reader", several)
        self.assertIn(DESK, self.run_verb("read", expect=NOT_FOUND, reader="ACR122"))
        self.assertIn("no card", self.run_verb("read", expect=NO_ANSWER, wait="300ms").lower())
        self.assertIn("pcscd", self.run_verb("read", expect=NOT_REACHABLE, **NO_SERVICE))
        for words in (["desk-agent", "--office", "http://127.0.0.1:1", "--port", "0", "--pairing-file", self.site.folder / "none.code"],
                      ["reader", "--tcp", f"127.0.0.1:{free_port()}", "--key-file", self.reader_keys()]):
            name = "--pcsc" if words[0] == "reader" else "--reader"
            for value, environment, exits, said in (("ACR122", {}, (NOT_FOUND, NOT_REACHABLE), DESK), (DESK, NO_SERVICE, (NOT_REACHABLE,), "pcscd")):
                done = subprocess.run([office_test.PROGRAM, *map(str, words), name, value], capture_output=True, text=True, timeout=30, env={**os.environ, **environment})
                self.assertIn(done.returncode, exits, (words, value, done.stderr))
                self.assertIn(said, done.stderr, (words, value))

    def reader_keys(self):
        file = self.site.folder / "reader.key"
        if not file.exists():
            made = subprocess.run([office_test.PROGRAM, "reader", "--make-keys", self.site.folder / "prewatt.key", "--key-file", file], capture_output=True, text=True, timeout=30)
            self.assertEqual(made.returncode, DONE, made.stderr)
        return file

    # --- The desk agent, asked as the page asks it

    def agent(self, method, path, body=None, origin=None, code=None):
        request = urllib.request.Request(self.agent_url + path, method=method, data=None if body is None else json.dumps(body).encode())
        request.add_header("Origin", origin or f"http://127.0.0.1:{self.site.port}")
        request.add_header("X-Prewatt-Desk", code or self.code)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def lies_there(self, uid):
        def look():
            status, state = self.agent("GET", "/v1/state")
            self.assertEqual(status, 200, state)
            self.assertEqual(state["reader"], DESK)
            return state if (state["card"] or {}).get("uid") == uid else None
        return wait_for(f"{uid} on the reader", look)

    def test_the_agent_brings_a_page_the_reader_of_its_machine(self):
        # The page says "done" of a card that left, or writes onto whatever lies there now.
        agent = Program(["desk-agent", "--office", f"http://127.0.0.1:{self.site.port}", "--port", 0, "--reader", DESK,
                         "--pairing-file", self.site.folder / "agent.code"])
        self.addCleanup(agent.end)
        self.agent_url = agent.wait_for(r"(http://127\.0\.0\.1:\d+)").group(1)
        self.code = agent.wait_for(r"pairing code: (\S+)").group(1)
        self.assertEqual(self.agent("GET", "/v1/state", origin="https://elsewhere.example")[1]["error"]["code"], "other_origin")
        self.assertEqual(self.agent("GET", "/v1/state", code="WRONG")[0], 401)
        self.lies_there(None)

        uid = "51525354"
        self.put(uid)
        self.lies_there(uid)
        keys = self.call("POST", "/desk/keys", {"uid": uid})
        status, sight = self.agent("POST", "/v1/read", {"uid": uid, "keys": keys, "depth": "all"})
        self.assertEqual(status, 200, sight)
        household = next(h for h in self.call("GET", "/households?limit=100")["households"] if h["room"] == "3-0102")
        order = {"kind": "issue", "household_id": household["id"], "replaces": 0, "reason": "moved in", **sight}
        plan = self.call("POST", "/desk/orders", order, Idempotency_Key="agent-1")
        self.assertEqual(self.agent("POST", "/v1/write", {**plan, "uid": "01020304", "keys": keys})[1]["error"]["code"], "swapped")
        status, read_back = self.agent("POST", "/v1/write", {**plan, "uid": uid, "keys": keys})
        self.assertEqual(status, 200, read_back)
        self.assertEqual(self.call("POST", f"/desk/writes/{plan['write_id']}/done", read_back)["card"]["state"], "written")

        self.call("POST", "/sales", {"household_id": household["id"], "amount_fen": 6400, "channel": "cash"}, Idempotency_Key="agent-sale")
        self.take_away()
        self.lies_there(None)
        status, gone = self.agent("POST", "/v1/read", {"uid": uid, "keys": keys})
        self.assertEqual((status, gone["error"]["code"]), (409, "no_card"))

        self.put(uid, "--tear", "2:9:ones")
        self.lies_there(uid)
        status, sight = self.agent("POST", "/v1/read", {"uid": uid, "keys": keys})
        self.assertEqual(status, 200, sight)
        plan = self.call("POST", "/desk/orders", {"kind": "ticket", "household_id": 0, "replaces": 0, "reason": "", **sight}, Idempotency_Key="agent-2")
        status, torn = self.agent("POST", "/v1/write", {**plan, "uid": uid, "keys": keys})
        self.assertEqual((status, torn["error"]["code"], torn["error"]["details"]["begun"]), (409, "no_card", True))
        self.take_away()
        self.put(uid)
        self.lies_there(uid)
        status, sight = self.agent("POST", "/v1/read", {"uid": uid, "keys": keys})
        self.assertEqual(self.call("POST", "/desk/look", sight)["finding"], "unfinished")
        plan = self.call("POST", "/desk/orders", {"kind": "ticket", "household_id": 0, "replaces": 0, "reason": "", **sight}, Idempotency_Key="agent-2")
        status, read_back = self.agent("POST", "/v1/write", {**plan, "uid": uid, "keys": keys})
        self.assertEqual(status, 200, read_back)
        card = self.call("POST", f"/desk/writes/{plan['write_id']}/done", read_back)["card"]
        self.assertEqual(card["carries"]["credited"], 10000)


class OnTheWall(OnTheService):
    """A building, its line, a shared reader on it over PC/SC, and the office behind the reader."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site.start_sim()
        cls.key_file = cls.site.folder / "reader.key"
        subprocess.run([office_test.PROGRAM, "reader", "--make-keys", cls.site.folder / "prewatt.key", "--key-file", cls.key_file], check=True, timeout=30)
        port = free_port()
        cls.reader = Program(["reader", "--number", 7, "--pcsc", WALL, "--tcp", f"127.0.0.1:{port}", "--line", f"tcp://127.0.0.1:{cls.site.line_port}",
                              "--key-file", cls.key_file])
        cls.addClassCleanup(cls.reader.end)
        cls.reader.wait_for("card reader 7")
        cls.site.serve_command = functools.partial(cls.site.serve_command, demo_line=f"tcp://127.0.0.1:{port}?readers=7,8")
        cls.site.start_office()
        (cls.site.folder / "token").write_text(cls.site.token)
        cls.site.wait_answering()

    def test_a_the_card_service_that_fell_over_is_found_again(self):
        # It is started anew at night; in the morning the reader in the corridor is dark until somebody starts its program. First of all, and
        # with no card before it: vpcd cannot have its port again for a minute after it has closed a connection. The next test taps a card.
        service = int(pathlib.Path("/run/pcscd/pcscd.pid").read_text().rstrip("\n\0"))
        command = pathlib.Path(f"/proc/{service}/cmdline").read_text().split("\0")[:-1]
        os.kill(service, signal.SIGKILL)
        self.reader.wait_for("does not work")
        wait_for("the service's end", lambda: not pathlib.Path(f"/proc/{service}").exists())
        anew = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addClassCleanup(lambda: (anew.kill(), anew.wait(20)))
        listens = re.compile(rf": [0-9A-F]*:{SLOT + 1:04X} [0-9A-F:]* 0A ")
        wait_for("the virtual reader", lambda: listens.search(pathlib.Path("/proc/net/tcp").read_text()))
        broken = max(n for n, line in enumerate(self.reader.lines) if "does not work" in line)
        self.reader.wait_for("ready", broken)

    def test_b_card_from_the_desk_is_tapped_on_the_wall_and_read_again(self):
        # Everything between a clerk's reader and a resident's light, as it is installed; the card leaves too early once.
        uid = "61626364"
        self.put(uid)
        self.run_verb("issue", "3-0101")
        self.run_verb("sell", "3-0101", "--yuan", "64", "--yes")
        self.take_away()
        self.put(uid, "--tear", "2:5:zeros", slot=1)
        self.reader.wait_for("come again")
        self.take_away()
        since = len(self.reader.lines)
        self.put(uid, slot=1)
        done = self.reader.wait_for(r"done: household 1, bought (\S+), remaining (\S+)", since)
        self.assertGreater(float(done.group(2)), 90)
        self.take_away()
        self.reader.wait_for("ready", since + 1)
        self.site.wait_confirmed(self.call("GET", f"/households/{self.site.room(1)}/sales")["sales"][0])
        self.put(uid)
        came_back = self.run_verb("read")
        self.assertIn("in order", came_back)
        self.assertRegex(came_back, r"came back remaining (9\d|100)\.\d\d kWh.*ticket 1, swiped just now")
        line = self.call("GET", "/lines")["lines"][0]
        self.assertEqual(line["state"], "up")
        wall, missing = line["readers"]
        self.assertEqual((missing["number"], missing["state"], missing["answered"], missing["heard_at"]), (8, "not_heard", 0, None))
        self.assertGreater(missing["polls"], 0)
        self.assertEqual((wall["number"], wall["state"]), (7, "answering"))
        self.assertGreaterEqual(wall["taps"], 2)
        self.assertTrue(wall["polls"] >= wall["answered"] > 0 and wall["heard_at"] >= wall["tapped_at"] > 0, wall)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=office_test.PROGRAM)
    options, rest = parser.parse_known_args()
    office_test.PROGRAM = os.path.abspath(options.program)
    unittest.main(argv=[sys.argv[0], *rest])
