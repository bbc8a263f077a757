#!/usr/bin/env python3
"""The cards of a site without a network, told with the built program: an office (`prewatt serve`) whose only line is `card`, and a desk
(`prewatt card ...`) whose card is a file. No meter: what comes back on cards is proved in tests/desk and the store.

    python3 tests/scenario/card_test.py --program build/prewatt [TestName ...]
"""
import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

PROGRAM = "build/prewatt"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def blank(uid):
    """A card as from the factory: docs/formats/virtual-card.md."""
    data = bytearray(1024)
    data[0:4] = uid
    data[4] = uid[0] ^ uid[1] ^ uid[2] ^ uid[3]
    data[5:7] = b"\x08\x04"
    for sector in range(16):
        data[sector * 64 + 48:sector * 64 + 64] = bytes.fromhex("ffffffffffffff078069ffffffffffff")
    return bytes(data)


class CardStory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="prewatt-card-"))
        cls.port = free_port()
        (cls.folder / "owner-password").write_text("a long enough password\n")
        (cls.folder / "prewatt.toml").write_text(
            'site = "Hill"\nprice_e4 = 6400\ncard_base = 3\n[[building]]\nname = "3"\nline = "By card"\nurl = "card"\nfirst_box = 2026000001\nboxes = 1\n')
        with (cls.folder / "office.log").open("ab") as log:
            cls.office = subprocess.Popen([PROGRAM, "serve", "--data", str(cls.folder), "--listen", f"127.0.0.1:{cls.port}",
                                           "--owner-password-file", str(cls.folder / "owner-password")], stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{cls.port}/api/v1/health", timeout=1):
                    break
            except OSError:
                if time.monotonic() > deadline or cls.office.poll() is not None:
                    raise AssertionError((cls.folder / "office.log").read_text()) from None
                time.sleep(0.05)
        cls.token = cls.rest("POST", "/session", {"user": "owner", "password": "a long enough password"})["token"]
        (cls.folder / "token").write_text(cls.token)

    @classmethod
    def tearDownClass(cls):
        cls.office.terminate()
        cls.office.wait(20)
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def rest(cls, method, path, body=None, key=None):
        request = urllib.request.Request(f"http://127.0.0.1:{cls.port}/api/v1{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if getattr(cls, "token", None):
            request.add_header("Authorization", "Bearer " + cls.token)
        if key:
            request.add_header("Idempotency-Key", key)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def setUp(self):
        self.card = self.folder / (self._testMethodName + ".m1")

    def card_verb(self, verb, *arguments, model=True, expect=0):
        command = [PROGRAM, "card", verb, *arguments, "--server", f"http://127.0.0.1:{self.port}", "--token-file", str(self.folder / "token")]
        if model:
            command += ["--model", str(self.card), "--wait-card", "100ms"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ, HOME=str(self.folder)))
        self.assertEqual(done.returncode, expect, f"{command}\n{done.stdout}{done.stderr}")
        return done

    def household(self, room):
        return next(h for h in self.rest("GET", "/households?limit=100")["households"] if h["room"] == room)

    def test_a_card_from_its_making_to_its_end(self):
        """A clerk with nothing but the command makes a card, sells onto it, loses it and cannot go on."""
        self.card.write_bytes(blank(b"\xa1\xb2\xc3\xd4"))
        self.assertIn("empty", self.card_verb("read", expect=5).stdout)
        self.assertIn("card 1", self.card_verb("issue", "3-0101").stdout)
        household = self.household("3-0101")
        self.assertTrue(household["by_card"])
        sold = self.card_verb("sell", "3-0101", "--yuan", "20", "--yes").stdout
        self.assertIn("sold 20.00 yuan", sold)
        self.assertIn("credited 31.25 kWh in all", sold)
        looked = json.loads(self.card_verb("read", "-o", "json").stdout)
        self.assertEqual((looked["finding"], looked["card"]["carries"]["credited"]), ("up_to_date", 3125))
        sale = self.rest("GET", f"/households/{household['id']}/sales")["sales"][0]
        self.assertIn("card", [step["step"] for step in sale["steps"]])
        inspected = self.card_verb("inspect").stdout
        self.assertIn("16 ours", inspected)
        self.assertIn("a1b2c3d4", self.card_verb("dump").stdout.lower())
        # The site's cards begin at sector 3 (identity; ticket of generation 1 in slot 1); those before belong to nobody, though their keys are ours.
        sectors = json.loads(self.card_verb("dump", "-o", "json").stdout)["sectors"]
        self.assertEqual([s["sector"] for s in sectors[1:] if s["data"].strip("0")], [3, 5])

        lost = self.card.read_bytes()
        self.card.write_bytes(blank(b"\x11\x22\x33\x44"))
        refused = self.card_verb("issue", "3-0101", expect=5)
        self.assertIn("has card", refused.stderr)
        self.card_verb("replace", "3-0101", "--reason", "lost", "--yes")
        second = self.card.read_bytes()
        self.card.write_bytes(lost)
        self.assertIn("dead (lost)", self.card_verb("read", expect=5).stdout)
        self.assertIn("nothing was sold", self.card_verb("sell", "--yuan", "5", "--yes", expect=5).stderr)
        self.card_verb("format")
        self.assertEqual(self.card.read_bytes()[64:], blank(b"\xa1\xb2\xc3\xd4")[64:])
        self.card.write_bytes(second)
        self.assertIn("31.25", self.card_verb("read").stdout)
        self.assertIn("in use", self.card_verb("format", expect=5).stderr)
        self.card_verb("take-back", "--reason", "moves out", "--yes")
        self.assertIn("taken_back", self.card_verb("list", "3-0101", model=False).stdout)

    def test_b_torn_cards_are_made_good(self):
        """A card is torn away while it is made and while a sale is written onto it; the clerk sells twice, or gives up on the card."""
        self.card.write_bytes(blank(b"\x0a\x0b\x0c\x0d"))
        torn = self.card_verb("issue", "3-0102", "--tear", "5:3", expect=4)
        self.assertIn("card repair", torn.stderr)
        self.card_verb("repair")
        torn = self.card_verb("sell", "--yuan", "10", "--yes", "--tear", "2:7", expect=4)
        self.assertIn("the sale is booked", torn.stderr)
        self.assertIn("broken off", self.card_verb("read").stdout)
        self.card_verb("repair")
        self.assertIn("in order", self.card_verb("read").stdout)
        household = self.household("3-0102")
        self.assertEqual(len(self.rest("GET", f"/households/{household['id']}/sales")["sales"]), 1)
        self.assertIn("done", str(self.rest("GET", "/cards/" + str(self.rest("GET", f"/households/{household['id']}/cards")["cards"][0]["id"]))["writes"][0]))

    def test_c_words_and_exit_codes(self):
        """A script cannot tell a card that is not there from one that was refused."""
        waited = self.card_verb("read", expect=4)
        self.assertIn("there is no file " + str(self.card), waited.stderr.splitlines()[0])
        self.assertIn("Ctrl-C ends it", waited.stderr.splitlines()[0])
        self.card.write_bytes(b"no card")
        self.card_verb("read", expect=3)
        self.card.write_bytes(blank(b"\x08\x01\x02\x03"))
        self.assertIn("telephone", self.card_verb("read", expect=5).stderr)
        self.card.write_bytes(blank(b"\x21\x22\x23\x24"))
        self.card_verb("issue", "9-9999", expect=3)
        self.card_verb("sell", "--yuan", "x", expect=2)
        self.card_verb("sell", "--yuan", "5", expect=5)
        self.card_verb("read", "--tear", "x", expect=2)
        self.card_verb("read", "-o", "csv", expect=2)
        self.card_verb("lost", "999", "--reason", "gone", model=False, expect=3)
        self.assertNotIn("waiting", self.card_verb("repair", expect=5).stderr)

    def test_e_rules_of_a_swipe(self):
        """The owner allows that a swipe forgets a lock-out, and finds no command that shows or takes it back."""
        def rule():
            return json.loads(self.card_verb("rules", "-o", "json", model=False).stdout)["swipe_after_lockout"]
        self.assertEqual(rule(), "refused")
        said = self.card_verb("rules", "--swipe-after-lockout", "releases", "--reason", "dormitories", model=False).stdout
        self.assertIn("releases", said)
        self.assertEqual((rule(), self.rest("GET", "/card-rules")["may_release_lockout"]), ("releases", True))
        self.card_verb("rules", "--swipe-after-lockout", "refused", model=False)
        self.assertEqual(rule(), "refused")
        self.card_verb("rules", "--swipe-after-lockout", "perhaps", model=False, expect=2)

    def test_f_cards_with_rights(self):
        """The technician has no card that lets a locked room be switched on again, or two for one box, of which the box refuses one."""
        self.card.write_bytes(blank(b"\x31\x32\x33\x34"))
        restore = ("issue", "--kind", "restore", "--box", "2026000001", "--restores", "overload", "--reason", "kettle is gone")
        torn = self.card_verb(*restore, "--tear", "9:3", expect=4)
        self.assertIn("card repair", torn.stderr)
        self.card_verb("issue", "--warrant", "1")
        self.assertIn("in order", self.card_verb("read").stdout)
        read = self.card_verb("read").stdout
        self.assertIn("restore, written", read)
        self.assertIn("has not said anything", read)
        other = self.folder / "other.m1"
        first, self.card = self.card, other
        self.card.write_bytes(blank(b"\x35\x36\x37\x38"))
        self.assertIn("with a right for box 2026000001 is out", self.card_verb(*restore, expect=5).stderr)
        self.assertIn("agreed, not on a card yet", self.card_verb("warrants", model=False).stdout)
        self.card_verb("withdraw", "2", "--reason", "not needed", model=False)
        self.card_verb("issue", "--warrant", "2", expect=5)
        self.card_verb("issue", "--kind", "reader-test", "--reason", "new reader", "--valid", "48h")
        self.assertIn("reader_test of every box", self.card_verb("read").stdout)
        self.assertIn("nothing was sold", self.card_verb("sell", "--yuan", "5", "--yes", expect=5).stderr)
        self.card = first
        self.assertIn("Name the boxes", self.card_verb("issue", "--kind", "clear", "--reason", "x", expect=2).stderr)
        self.card_verb("issue", "--kind", "clear", "--box", "2026000009", "--reason", "x", expect=3)
        self.card_verb("issue", expect=2)
        self.card_verb("take-back", "--reason", "done", "--yes")
        self.assertEqual(self.card.read_bytes()[64:], blank(b"\x31\x32\x33\x34")[64:])

    def test_d_the_line_is_said_to_be_cards(self):
        """A site without a network shows all its boxes as silent and its line as broken."""
        line = self.rest("GET", "/lines")["lines"][0]
        self.assertEqual((line["state"], line["silent_boxes"], line["problem"]), ("card", [], ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=PROGRAM)
    options, rest = parser.parse_known_args()
    PROGRAM = os.path.abspath(options.program)
    unittest.main(argv=[sys.argv[0], *rest])
