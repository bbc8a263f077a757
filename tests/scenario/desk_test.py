#!/usr/bin/env python3
"""A cashier's, a technician's and an auditor's day through the command, at an office with a building: right words and wrong ones.

What would go wrong: a script takes a refund that waits for a second person for one that was paid, or one that was refused for one that waits.

    python3 tests/scenario/desk_test.py --program build/prewatt [TestName ...]
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import office_test

WRONG_USE, NOT_FOUND, REFUSED, NO_RIGHT = 2, 3, 5, 8
PASSWORD = "long enough for all"


class Desk(unittest.TestCase):
    """One office for the whole day; each person has a session of his own."""

    @classmethod
    def setUpClass(cls):
        cls.site = office_test.Site()
        cls.addClassCleanup(cls.site.stop)
        cls.site.start_sim()
        cls.site.start_office()
        cls.site.wait_answering()
        cls.server = f"http://127.0.0.1:{cls.site.port}"
        for user, role in (("li", "cashier"), ("wang", "cashier"), ("tan", "technician"), ("hu", "auditor")):
            status, answer = cls.site.call("POST", "/users", {"user": user, "name": user, "role": role, "password": PASSWORD})
            assert status == 201, answer
        for user in ("owner", "li", "wang", "tan", "hu"):
            password = "a long enough password" if user == "owner" else PASSWORD
            code, out, err = cls.run_as(user, "login", "--user", user, stdin=password + "\n")
            assert code == 0, err

    @classmethod
    def run_as(cls, user, *words, stdin=""):
        home = cls.site.folder / ("home-" + user)
        home.mkdir(exist_ok=True)
        server = [] if words[0] in ("db", "audit") else ["--server", cls.server]
        run = subprocess.run([office_test.PROGRAM, *map(str, words), *server], input=stdin, capture_output=True, text=True, timeout=60,
                             env={**os.environ, "NO_COLOR": "1", "XDG_CONFIG_HOME": str(home), "HOME": str(home)})
        return run.returncode, run.stdout, run.stderr

    def done(self, user, *words):
        code, out, err = self.run_as(user, *words)
        self.assertEqual(code, 0, (words, err))
        return out

    def rows(self, user, name, *words):
        return json.loads(self.done(user, *words, "-o", "json"))[name]

    def fails(self, exit_code, user, *words):
        code, out, err = self.run_as(user, *words)
        self.assertEqual((code, out), (exit_code, ""), (words, err))
        self.assertTrue(err.startswith("prewatt: ") or exit_code == WRONG_USE, err)
        return err

    def waits(self, user, *words):
        """The number of the request under which it waits for another person."""
        err = self.fails(REFUSED, user, *words)
        self.assertIn("nothing was done yet", err)
        self.assertIn("prewatt approvals approve", err)
        return re.search(r"request (\d+)", err).group(1)

    def sell(self, room, yuan, *more):
        sale = self.rows("li", "sales", "sell", room, "--yuan", yuan, "--yes", "--wait", "30s", *more)[0]
        self.assertEqual(sale["state"], "confirmed")
        return sale

    def test_who_is_dismissed_is_out_at_once_and_who_comes_gets_in(self):
        # The dismissed cashier has the page open, and a refund of his waits.
        code, out, err = self.run_as("owner", "users", "add", "zhou", "--role", "cashier", "--name", "Zhou", "-o", "json", stdin=PASSWORD + "\n")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out)["users"][0]["state"], "may sign in")
        self.assertEqual(self.run_as("owner", "users", "add", "zhou", "--role", "cashier", stdin=PASSWORD + "\n")[0], REFUSED)
        code, out, err = self.run_as("owner", "users", "add", "empty", "--role", "cashier")
        self.assertEqual(code, WRONG_USE, err)
        code, out, err = self.run_as("zhou", "login", "--user", "zhou", stdin=PASSWORD + "\n")
        self.assertEqual(code, 0, err)
        sale = self.sell("3-0106", "500")
        request = self.waits("zhou", "refund", sale["id"], "--yuan", "300", "--reason", "moved out", "--yes")
        self.fails(WRONG_USE, "owner", "users", "lock", "zhou", "--yes")
        self.fails(NO_RIGHT, "li", "users", "lock", "zhou", "--reason", "x", "--yes")
        self.fails(NOT_FOUND, "owner", "users", "lock", "nobody", "--reason", "x", "--yes")
        self.fails(NO_RIGHT, "owner", "users", "lock", "owner", "--reason", "x", "--yes")
        self.assertEqual(self.rows("owner", "users", "users", "lock", "zhou", "--reason", "dismissed", "--yes")[0]["state"], "locked")
        self.fails(NO_RIGHT, "zhou", "users", "list")
        self.assertIn("locked out", self.run_as("wang", "approvals", "approve", request, "--yes")[2])
        self.done("wang", "approvals", "refuse", request, "--reason", "he is dismissed")
        self.fails(WRONG_USE, "owner", "users", "set", "zhou")
        self.assertEqual(self.rows("owner", "users", "users", "unlock", "zhou")[0]["state"], "may sign in")
        self.assertEqual(self.rows("owner", "users", "users", "set", "zhou", "--role", "auditor")[0]["role"], "auditor")
        code, out, err = self.run_as("owner", "users", "password", "zhou", stdin="another long one\n")
        self.assertEqual(code, 0, err)
        self.assertNotEqual(self.run_as("zhou", "login", "--user", "zhou", stdin=PASSWORD + "\n")[0], 0)
        self.assertEqual(self.run_as("zhou", "login", "--user", "zhou", stdin="another long one\n")[0], 0)
        self.assertIn("zhou", [row["user"] for row in self.rows("owner", "users", "users", "list")])

    def test_a_sale_names_who_pays_and_the_drawer(self):
        # In the evening nobody knows whose drawer the fifty yuan should be in.
        room = self.site.room(1)
        status, resident = self.site.call("POST", f"/households/{room}/residents", {"name": "Han Meimei"}, Idempotency_Key="r-1")
        self.assertEqual(status, 201, resident)
        status, drawer = self.site.call("POST", "/drawers", {"name": "Desk 1"})
        self.assertEqual(status, 201, drawer)
        sell = ("sell", "3-0101", "--yuan", "20", "--yes", "--payer", "Han Meimei", "--drawer", "Desk 1")
        self.assertIn("not open", self.fails(REFUSED, "li", *sell))
        status, opened = self.site.call("POST", f"/drawers/{drawer['id']}/open", {"counted_fen": 10000, "reason": "morning"}, Idempotency_Key="d-1")
        self.assertLess(status, 300, opened)
        self.assertIn("Han Meimei", self.fails(NOT_FOUND, "li", "sell", "3-0101", "--yuan", "20", "--yes", "--payer", "Nobody"))
        self.assertIn("Desk 1", self.fails(NOT_FOUND, "li", "sell", "3-0101", "--yuan", "20", "--yes", "--drawer", "Desk 2"))
        self.done("li", *sell)
        sale = self.site.call("GET", f"/households/{room}/sales")[1]["sales"][0]
        self.assertEqual((sale["payer_id"], sale["drawer_id"], sale["amount_fen"]), (resident["id"], drawer["id"], 2000))
        self.fails(NO_RIGHT, "hu", "sell", "3-0101", "--yuan", "20", "--yes")

    def test_a_refund_above_the_limit_waits_and_is_paid_once(self):
        # "It said 5, so I sent it again": twice the money, or none.
        sale = self.sell("3-0102", "500")
        number = sale["id"]
        for words in (["--yuan", "0"], ["--yuan", "much"], ["-o", "xml"]):
            self.fails(WRONG_USE, "li", "refund", number, "--reason", "moves out", "--yes", *words)
        self.fails(WRONG_USE, "li", "refund", number, "--yes")
        self.fails(NOT_FOUND, "li", "refund", 999999, "--reason", "x", "--yes")
        self.fails(NO_RIGHT, "hu", "refund", number, "--reason", "x", "--yes")
        self.fails(NO_RIGHT, "tan", "refund", number, "--reason", "x", "--yes")
        refund = ("refund", number, "--yuan", "300", "--reason", "moves out", "--yes", "--idempotency-key", "refund-1")
        request = self.waits("li", *refund)
        self.assertEqual(self.waits("li", *refund), request)
        self.fails(REFUSED, "li", "refund", number, "--yuan", "301", "--reason", "moves out", "--yes", "--idempotency-key", "refund-1")
        waiting = self.rows("wang", "approvals", "approvals", "list")
        mine = [row for row in waiting if str(row["id"]) == request]
        self.assertEqual(len(mine), 1)
        self.assertEqual((mine[0]["kind"], mine[0]["asked_by"], mine[0]["reason"]), ("refund", "li", "moves out"))
        self.assertIn("300.00 yuan", mine[0]["subject"])
        for user in ("li", "hu", "tan"):
            code, out, err = self.run_as(user, "approvals", "approve", request, "--yes")
            self.assertEqual(code, NO_RIGHT, (user, err))
        kinds = [row["kind"] for row in self.rows("li", "bookings", "ledger", "show", "3-0102")]
        self.assertEqual(kinds, ["sale"])
        code, out, err = self.run_as("wang", "approvals", "approve", request, "--yes", "-o", "csv")
        self.assertEqual(code, 0, err)
        self.assertIn("done", out)
        code, out, err = self.run_as("wang", "approvals", "approve", request, "--yes")
        self.assertEqual(code, REFUSED, err)
        again = self.rows("li", "bookings", *refund)
        self.assertEqual((again[0]["kind"], again[0]["amount_yuan"], again[0]["operator"]), ("refund", "-300.00", "li"))
        kinds = [row["kind"] for row in self.rows("li", "bookings", "ledger", "show", "3-0102")]
        self.assertEqual(kinds, ["refund", "sale"])
        self.fails(NOT_FOUND, "li", "ledger", "show", "9-9999")
        self.fails(WRONG_USE, "li", "ledger", "show", "3-0102", "--limit", "0")

    def test_a_request_is_refused_with_its_reason(self):
        # Whoever asked waits for a week, and nobody has told him why.
        number = self.sell("3-0103", "400")["id"]
        request = self.waits("li", "refund", number, "--reason", "wrong room", "--yes")
        self.fails(WRONG_USE, "wang", "approvals", "refuse", request)
        self.fails(NOT_FOUND, "wang", "approvals", "approve", "999999", "--yes")
        self.done("wang", "approvals", "refuse", request, "--reason", "ask the owner")
        refused = self.rows("li", "approvals", "approvals", "list", "--state", "refused")
        self.assertEqual([row["outcome"] for row in refused if str(row["id"]) == request], ["ask the owner"])
        self.assertEqual([row["kind"] for row in self.rows("li", "bookings", "ledger", "show", "3-0103")], ["sale"])

    def test_a_meter_is_cleared_by_two(self):
        # The credit of the wrong room is gone for good.
        clear = ("clear", "3-0105", "--reason", "for sale", "--yes", "--idempotency-key", "clear-1")
        self.fails(WRONG_USE, "tan", "clear", "3-0105", "--yes")
        self.fails(NOT_FOUND, "tan", "clear", "9-9999", "--reason", "x", "--yes")
        self.fails(NO_RIGHT, "li", *clear)
        request = self.waits("tan", *clear)
        code, out, err = self.run_as("tan", "approvals", "approve", request, "--yes")
        self.assertEqual(code, NO_RIGHT, err)
        self.done("owner", "approvals", "approve", request, "--yes")
        self.assertEqual(self.rows("tan", "jobs", *clear)[0]["kind"], "clear")

    def test_a_campaign_of_many_waits_and_one_of_few_does_not(self):
        # The limit is 50 households, this building has 39: the owner lowers it, with the consent of nobody, for he is alone with that right.
        rules = {"two_people": "auto", "refund_max_fen": 20000, "households_max": 10, "valid_min": 60, "reason": "small site"}
        self.assertEqual(self.site.call("PUT", "/approval_rules", rules)[0], 200)
        self.fails(WRONG_USE, "tan", "campaign", "start", "all", "clock")
        self.fails(WRONG_USE, "tan", "campaign", "preview", "floor 5", "clock")
        self.fails(WRONG_USE, "tan", "campaign", "preview", "all", "explode")
        self.fails(NOT_FOUND, "tan", "campaign", "show", 999)
        self.fails(NO_RIGHT, "li", "campaign", "start", "all", "clock", "--reason", "x", "--yes")
        code, out, err = self.run_as("tan", "campaign", "preview", "price_group 0", "alarms 1000 200 0")
        self.assertEqual(code, 0, err)
        self.assertIn("two people are needed", err)
        few = self.rows("tan", "campaigns", "campaign", "start", "list 5 6", "alarms 1000 200 0", "--reason", "winter", "--yes")
        self.assertEqual(few[0]["state"], "scheduled")
        start = ("campaign", "start", "price_group 0", "alarms 1100 200 0", "--reason", "winter", "--yes", "--idempotency-key", "camp-1")
        request = self.waits("tan", *start)
        self.done("owner", "approvals", "approve", request, "--yes")
        begun = self.rows("tan", "campaigns", *start)[0]
        self.assertEqual((begun["selection"], begun["operator"]), ("price_group 0", "tan"))
        office_test.wait_for("all to be reached", lambda: self.rows("tan", "campaigns", "campaign", "show", begun["id"])[0]["members"] == 39)
        self.done("tan", "campaign", "pause", few[0]["id"]) if few[0]["state"] == "running" else None
        self.assertGreaterEqual(len(self.rows("hu", "campaigns", "campaign", "list")), 2)

    def test_the_auditor_sees_all_and_changes_nothing(self):
        # An auditor who can switch a light off is none; one who cannot read the journal is none either.
        self.sell("3-0104", "10")
        db = ("--data", self.site.folder)
        verified = json.loads(self.done("hu", "audit", "verify", *db, "--json"))
        self.assertTrue(verified["whole"], verified)
        head = json.loads(self.done("hu", "audit", "head", *db, "--json"))
        self.done("hu", "audit", "verify", *db, "--expect", f"{head['number']}:{head['chain']}")
        code, out, err = self.run_as("hu", "audit", "verify", *db, "--expect", f"{head['number']}:{'0' * 64}")
        self.assertEqual(code, 1, err)
        self.assertEqual(self.run_as("hu", "audit", "show", "999999", *db)[0], NOT_FOUND)
        self.assertIn("user.create", self.done("hu", "audit", "show", *db, "--action", "user", "--limit", "3"))
        self.assertEqual(self.run_as("hu", "audit", "show", *db, "--limit", "0")[0], WRONG_USE)
        month = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).strftime("%Y-%m")
        self.assertEqual(len(self.rows("hu", "consumption", "report", "consumption", "--month", month)), 39)
        self.assertEqual(len(self.rows("hu", "consumption", "report", "consumption", "--month", month, "--level", "site")), 1)
        self.fails(WRONG_USE, "hu", "report", "consumption")
        self.fails(WRONG_USE, "hu", "report", "consumption", "--month", "last")
        self.assertIsInstance(self.rows("hu", "items", "work", "list"), list)
        self.fails(NOT_FOUND, "hu", "work", "show", 999999)
        self.fails(NO_RIGHT, "hu", "reconcile")
        self.done("owner", "reconcile", "--json")
        statement = self.site.folder / "september.csv"
        statement.write_text("time,reference,order_id,amount_yuan,kind\n2026-09-23 14:05:09,42,,50.00,payment\n")
        days = ("--from", "2026-09-01", "--to", "2026-09-30")
        self.fails(NO_RIGHT, "hu", "statement", "transfer", statement, *days)
        self.fails(NOT_FOUND, "li", "statement", "transfer", self.site.folder / "none.csv", *days)
        self.done("li", "statement", "transfer", statement, *days)
        statement.write_text("time,amount\n")
        self.fails(WRONG_USE, "li", "statement", "transfer", statement, *days)
        self.fails(NO_RIGHT, "hu", "relay", "3-0104", "off", "--reason", "x", "--yes")

    def test_the_administrator_checks_and_copies_the_office_while_it_works(self):
        # A backup that cannot be read back is found on the day that it is needed.
        found = [file for file in self.site.folder.glob("*.db")]
        self.assertEqual(len(found), 1, found)
        before = self.rows("owner", "findings", "db", "check", found[0])
        self.assertTrue(before and all(finding["sound"] for finding in before), before)
        file = self.site.folder / "copy.backup"
        self.done("owner", "db", "backup", found[0], file)
        self.assertEqual(self.run_as("owner", "db", "backup", found[0], file)[0], REFUSED)
        (self.site.folder / "restored").mkdir()
        self.done("owner", "db", "restore", file, self.site.folder / "restored" / "office.db")
        self.done("owner", "db", "check", self.site.folder / "restored" / "office.db")
        self.assertEqual(self.run_as("owner", "db", "check", self.site.folder / "no.db")[0], NOT_FOUND)
        self.assertEqual(self.run_as("owner", "db", "check", "mysql://x/y")[0], WRONG_USE)
        copy = self.site.folder / "restored" / "office.db"
        shown = {row["name"]: row["value"] for row in self.rows("owner", "settings", "db", "settings", found[0])}
        self.assertEqual((shown["raw_days"], shown["close_day"]), (35, 1))
        self.assertEqual(self.run_as("owner", "db", "settings", found[0], "raw_days=90", "--reason", "x")[0], REFUSED)
        for words in (["raw_days=90"], ["raw_days", "--reason", "x"], ["raw_days=1", "--reason", "x"], ["days=3", "--reason", "x"]):
            self.assertEqual(self.run_as("owner", "db", "settings", copy, *words)[0], WRONG_USE, words)
        changed = {row["name"]: row["value"] for row in self.rows("owner", "settings", "db", "settings", copy, "raw_days=90", "close_hour=6", "--reason", "disk")}
        self.assertEqual((changed["raw_days"], changed["close_hour"], changed["hour_days"]), (90, 6, 400))
        self.assertIn("archive.set", self.done("hu", "audit", "show", "--db", copy, "--action", "archive"))
        self.assertEqual(self.run_as("owner", "db", "migrate", self.site.folder / "restored" / "office.db")[0], 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=office_test.PROGRAM)
    options, rest = parser.parse_known_args()
    office_test.PROGRAM = str(pathlib.Path(options.program).resolve())
    unittest.main(argv=[sys.argv[0], *rest], verbosity=1)
