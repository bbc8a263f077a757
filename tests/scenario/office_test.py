#!/usr/bin/env python3
"""Stories of the office, told with the built program: a building (`prewatt sim`) and an office (`prewatt serve`) as two processes
on this machine, asked over HTTP as any program would; what a meter holds is read over its line, not believed.

    python3 tests/scenario/office_test.py --program build/prewatt [TestName ...]
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid

PROGRAM = "build/prewatt"
BOX = "2026000001"
PATIENCE = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, question, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.03)
    raise AssertionError(f"waited {seconds} s for {what} in vain")


class Site:
    """A folder with a building and an office; each can be killed and started again."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="prewatt-office-"))
        self.port, self.line_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}/api/v1"
        self.token = None
        self.sim = self.office = None
        (self.folder / "owner-password").write_text("a long enough password\n")

    def launch(self, command, log):
        with (self.folder / log).open("ab") as words:
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=words)

    def start_sim(self):
        self.sim = self.launch([PROGRAM, "sim", "--boxes", "1", "--listen", f"127.0.0.1:{self.line_port}", "--store", self.folder / "building",
                                "--key", self.folder / "prewatt.key"], "sim.log")

        def up():
            assert self.sim.poll() is None, (self.folder / "sim.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.line_port), 1).close()
                return True
            except OSError:
                return False
        wait_for("the building's line", up)

    def serve_command(self, **more):
        options = {"--data": self.folder, "--listen": f"127.0.0.1:{self.port}", "--demo": 1, "--demo-line": f"tcp://127.0.0.1:{self.line_port}",
                   "--owner-password-file": self.folder / "owner-password"} | {"--" + k.replace("_", "-"): v for k, v in more.items()}
        return [PROGRAM, "serve"] + [str(word) for pair in options.items() for word in pair]

    def start_office(self):
        self.office = self.launch(self.serve_command(), "office.log")

        def up():
            assert self.office.poll() is None, (self.folder / "office.log").read_text()
            try:
                return self.call("GET", "/health")[0] == 200
            except OSError:
                return False
        wait_for("the office", up)
        if self.token is None:
            status, session = self.call("POST", "/session", {"user": "owner", "password": "a long enough password"})
            assert status == 201, session
            self.token = session["token"]

    def kill(self, name):
        process = getattr(self, name)
        process.kill()
        process.wait()

    def stop(self):
        for process in (self.office, self.sim):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def raw(self, method, path, data=None, token=True, **headers):
        request = urllib.request.Request(self.base + path, method=method, data=data)
        request.add_header("Content-Type", "application/json")
        bearer = self.token if token is True else token
        if bearer:
            request.add_header("Authorization", "Bearer " + bearer)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def call(self, method, path, body=None, token=True, **headers):
        return self.raw(method, path, None if body is None else json.dumps(body).encode(), token, **headers)

    def sell(self, room, fen, key=None, token=True):
        return self.call("POST", "/sales", {"household_id": room, "amount_fen": fen, "channel": "cash"}, token, Idempotency_Key=key or str(uuid.uuid4()))

    def room(self, number):
        """The household of this number in the box."""
        status, wall = self.call("GET", f"/boxes/{BOX}/wall")
        assert status == 200, wall
        return wall["windows"][number - 1]["household_id"]

    def household(self, room):
        return self.call("GET", f"/households/{room}")[1]

    def wait_answering(self):
        wait_for("the box to answer", lambda: self.household(self.room(1))["answering"])

    def wait_confirmed(self, sale):
        def confirmed():
            status, now = self.call("GET", f"/sales/{sale['id']}")
            assert status == 200, now
            return now if now["state"] == "confirmed" else None
        return wait_for(f"sale {sale['receipt']} to be confirmed", confirmed)

    def on_the_meter(self, number):
        """(epoch, ticket, credited in hundredths) as the meter says it over its line; the office must not be talking."""
        run = subprocess.run([PROGRAM, "read", f"{BOX}:{number}", "--bus", f"tcp://127.0.0.1:{self.line_port}", "--item", "EC000200", "-o", "json"],
                             capture_output=True, text=True, timeout=30)
        assert run.returncode == 0, run.stderr
        items = {item["name"]: item["value"] for item in json.loads(run.stdout)["items"]}
        return int(items["epoch"]), int(items["ticket"]), round(float(items["credited so far"]) * 100)

    def terminate_office(self):
        self.office.terminate()
        return self.office.wait(15)


class Story(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.stop)
        self.site.start_sim()
        self.site.start_office()
        self.site.wait_answering()


class ADayAtTheDesk(unittest.TestCase):
    """What does not need a crash: one building for all."""

    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.addClassCleanup(cls.site.stop)
        cls.site.start_sim()
        cls.site.start_office()
        cls.site.wait_answering()

    def refused(self, answer, status, code):
        self.assertEqual(answer[0], status, answer)
        self.assertEqual(answer[1]["error"]["code"], code)
        self.assertGreater(len(answer[1]["error"]["message"]), 10)

    def test_wrong_amounts_are_refused_and_nothing_is_booked(self):
        # A slip of the finger sells for ten million yuan, or takes energy away.
        room = self.site.room(20)
        self.refused(self.site.sell(room, 0), 422, "amount_not_positive")
        self.refused(self.site.sell(room, -2000), 422, "amount_not_positive")
        self.refused(self.site.sell(room, 10**9), 422, "amount_too_large")
        self.refused(self.site.sell(room, 2**63), 400, "bad_field")
        self.refused(self.site.sell(999999, 2000), 404, "not_found")
        self.assertEqual(self.site.call("GET", f"/households/{room}/sales")[1]["sales"], [])
        self.assertEqual(self.site.household(room)["credited_ckwh"], 0)

    def test_a_double_click_sells_once(self):
        # The student pays twice because the Enter key bounced.
        room, key = self.site.room(21), str(uuid.uuid4())
        with concurrent.futures.ThreadPoolExecutor(8) as desk:
            answers = list(desk.map(lambda _: self.site.sell(room, 2000, key), range(8)))
        self.assertEqual({status for status, _ in answers}, {201})
        self.assertEqual(len({sale["id"] for _, sale in answers}), 1)
        self.refused(self.site.sell(room, 3000, key), 409, "order_id_reused")
        self.site.wait_confirmed(answers[0][1])
        self.assertEqual(self.site.household(room)["credited_ckwh"], answers[0][1]["energy_ckwh"])

    def test_two_desks_sell_to_one_room_at_once(self):
        # One of two sales at the same instant is lost, or overwrites the other's total on the meter.
        room = self.site.room(22)
        with concurrent.futures.ThreadPoolExecutor(10) as desks:
            answers = list(desks.map(lambda k: self.site.sell(room, 1000 + k), range(10)))
        self.assertEqual({status for status, _ in answers}, {201})
        self.assertEqual(sorted(sale["ticket_number"] for _, sale in answers), list(range(1, 11)))
        for _, sale in answers:
            self.site.wait_confirmed(sale)
        household = self.site.household(room)
        self.assertEqual(household["credited_ckwh"], sum(sale["energy_ckwh"] for _, sale in answers))
        self.assertEqual(household["confirmed_ticket_number"], 10)
        entries = self.site.call("GET", f"/households/{room}/entries?limit=100")[1]["entries"]
        self.assertEqual(entries[0]["paid_total_fen"], sum(1000 + k for k in range(10)))

    def test_a_sale_makes_the_room_lit_and_the_meter_can_be_asked_at_once(self):
        # The ticket is confirmed, but the student still sits in the dark.
        room = self.site.room(23)
        _, sale = self.site.sell(room, 2000)
        wait_for("the light", lambda: any(s["step"] == "lit" for s in self.site.call("GET", f"/sales/{sale['id']}")[1]["steps"]))
        household = self.site.household(room)
        self.assertIs(household["relay_closed"], True)
        self.assertEqual(household["holds"], [])
        status, live = self.site.call("GET", f"/households/{room}/live")
        self.assertEqual(status, 200, live)
        self.assertGreater(live["voltage_mv"], 150_000)
        self.assertTrue(live["circuits"][0]["relay_closed"])

    def test_switching_off_is_confirmed_by_the_meter(self):
        # The page says "off" while the room still draws power.
        room = self.site.room(24)
        self.site.wait_confirmed(self.site.sell(room, 2000)[1])
        status, job = self.site.call("POST", f"/households/{room}/relay", {"action": "off", "reason": "works on the riser"}, Idempotency_Key=str(uuid.uuid4()))
        self.assertEqual(status, 202, job)
        wait_for("the job", lambda: self.site.call("GET", f"/jobs/{job['id']}")[1]["state"] == "confirmed")
        wait_for("the dark", lambda: self.site.household(room)["relay_closed"] is False)
        self.assertIn("remote", self.site.household(room)["holds"])

    def test_nobody_does_what_the_role_does_not_allow(self):
        # An auditor's account sells, a cashier's switches rooms off.
        tokens = {}
        for role in ("cashier", "technician", "auditor"):
            status, answer = self.site.call("POST", "/users", {"user": role + "1", "name": "N", "role": role, "password": "another long one"})
            self.assertEqual(status, 201, answer)
            tokens[role] = self.site.call("POST", "/session", {"user": role + "1", "password": "another long one"})[1]["token"]
        room = self.site.room(25)
        off = {"action": "off", "reason": "spite"}
        self.refused(self.site.sell(room, 2000, token=tokens["auditor"]), 403, "no_right")
        self.refused(self.site.sell(room, 2000, token=tokens["technician"]), 403, "no_right")
        self.refused(self.site.call("POST", f"/households/{room}/relay", off, tokens["cashier"], Idempotency_Key="k"), 403, "no_right")
        self.refused(self.site.call("POST", "/users", {}, tokens["cashier"]), 403, "no_right")
        self.refused(self.site.sell(room, 2000, token=None), 401, "not_signed_in")
        self.refused(self.site.sell(room, 2000, token="made-up"), 401, "not_signed_in")
        self.assertEqual(self.site.sell(room, 2000, token=tokens["cashier"])[0], 201)

    def test_what_is_no_json_is_refused_in_words(self):
        # A program's mistake is taken for an order.
        for body in (b"", b"{", b"[]", b'{"household_id":1,"amount_fen":20.5,"channel":"cash"}', b'{"household_id":1,"amount_fen":"20","channel":"cash"}',
                     b'{"household_id":1,"amount_fen":1,"amount_fen":2,"channel":"cash"}', b"\xff\xfe", b"[" * 100_000):
            status, answer = self.site.raw("POST", "/sales", body, Idempotency_Key=str(uuid.uuid4()))
            self.assertIn(status, (400, 413), body[:40])
            self.assertIn("nothing was done", answer["error"]["message"])

    def test_the_stream_tells_each_step_and_resumes(self):
        # The page waits for a confirmation that has long come.
        def stream(last=None):
            request = urllib.request.Request(self.site.base + "/live", headers={"Authorization": "Bearer " + self.site.token} | ({"Last-Event-ID": last} if last else {}))
            return urllib.request.urlopen(request, timeout=30)

        def events(source):
            event = {}
            for line in source:
                line = line.decode().rstrip("\n")
                if not line:
                    yield event
                    event = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
        with stream() as first:
            begin = next(events(first))
        _, sale = self.site.sell(self.site.room(26), 2000)
        with stream(begin["id"]) as second:
            for event in events(second):
                if event.get("event") == "sale":
                    shown = json.loads(event["data"])
                    if shown["id"] == sale["id"] and shown["state"] == "confirmed":
                        break
        with stream("1") as unknown:
            self.assertEqual([e.get("event") for e, _ in zip(events(unknown), range(2))], [None, "reset"])

    def test_a_port_that_is_taken_is_said_and_nothing_is_started(self):
        # The second start damages the running office, or dies without a word.
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(self.site.serve_command(data=folder), capture_output=True, text=True, timeout=30)
            self.assertEqual(run.returncode, 9, run.stderr)
            self.assertIn("is taken", run.stderr)
            self.assertEqual(list(pathlib.Path(folder).glob("prewatt.db*")), [])

    def test_two_offices_never_share_one_database(self):
        # Two offices reserve the same command counters, and meters refuse.
        run = subprocess.run(self.site.serve_command(listen=f"127.0.0.1:{free_port()}"), capture_output=True, text=True, timeout=30)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("prewatt.db", run.stderr)

    def test_the_command_line_sells_and_says_what_happened(self):
        # A script branches on the exit code and repeats a sale that was booked.
        home = self.site.folder / "home"
        env = os.environ | {"XDG_CONFIG_HOME": str(home), "PREWATT_SERVER": self.site.base.removesuffix("/api/v1")}
        env.pop("PREWATT_TOKEN", None)

        def prewatt(*words, text=""):
            return subprocess.run([PROGRAM, *words], input=text, capture_output=True, text=True, timeout=60, env=env)
        room = self.site.household(self.site.room(27))["room"]
        self.assertEqual(prewatt("sell", room, "--yuan", "20", "--yes").returncode, 8)
        self.assertEqual(prewatt("login", "--user", "owner", text="wrong password\n").returncode, 8)
        login = prewatt("login", "--user", "owner", text="a long enough password\n")
        self.assertEqual(login.returncode, 0, login.stderr)
        self.assertEqual((home / "prewatt" / "session.json").stat().st_mode & 0o777, 0o600)
        self.assertEqual(prewatt("sell", room, "--yuan", "20").returncode, 2)
        self.assertEqual(prewatt("sell", room, "--yuan", "2o", "--yes").returncode, 2)
        self.assertEqual(prewatt("sell", "no such room", "--yuan", "20", "--yes").returncode, 3)
        self.assertEqual(prewatt("sell", room, "--yuan", "999999", "--yes").returncode, 5)
        sold = [prewatt("sell", room, "--yuan", "20.00", "--yes", "--idempotency-key", "script-1", "-o", "json") for _ in range(2)]
        self.assertEqual([run.returncode for run in sold], [0, 0], sold[0].stderr)
        receipts = [json.loads(run.stdout)["sales"][0] for run in sold]
        self.assertEqual(receipts[0]["receipt"], receipts[1]["receipt"])
        self.assertEqual(receipts[0]["amount_yuan"], "20.00")
        switched = prewatt("relay", room, "off", "--reason", "test", "--yes", "-o", "json")
        self.assertEqual(switched.returncode, 0, switched.stderr)
        top = prewatt("top")
        self.assertEqual(top.returncode, 0, top.stderr)
        self.assertIn(BOX, top.stdout)
        self.assertEqual(prewatt("login", "--out").returncode, 0)
        self.assertEqual(prewatt("top").returncode, 8)
        self.assertEqual(prewatt("top", "--server", f"http://127.0.0.1:{free_port()}").returncode, 9)


class AnOfficeIsKilled(Story):
    def test_a_sale_between_accept_and_confirm_is_confirmed_exactly_once(self):
        # The machine of the office loses its supply in the second after the receipt was printed.
        room = self.site.room(3)
        expected = 0
        for turn in range(3):
            self.site.sim.send_signal(signal.SIGSTOP)  # the meter cannot confirm meanwhile
            status, sale = self.site.sell(room, 2000 + turn)
            self.assertEqual(status, 201, sale)
            expected += sale["energy_ckwh"]
            time.sleep(0.2 * turn)  # killed before, while and after the ticket went out
            self.site.kill("office")
            self.site.sim.send_signal(signal.SIGCONT)
            self.site.start_office()
            self.assertEqual(self.site.sell(room, 2000 + turn, sale["order_id"])[1]["id"], sale["id"])
            confirmed = self.site.wait_confirmed(sale)
            self.assertEqual(confirmed["ticket_number"], turn + 1)
        self.assertEqual(self.site.household(room)["credited_ckwh"], expected)
        self.assertEqual(self.site.terminate_office(), 0)
        self.assertEqual(self.site.on_the_meter(3), (1, 3, expected))

    def test_sales_that_were_answered_are_there_and_the_others_are_whole_or_not_at_all(self):
        # After the crash a receipt has no sale, or a sale has no ticket.
        keys = [str(uuid.uuid4()) for _ in range(40)]

        rooms = {k: self.site.room(1 + k % 8) for k in range(40)}
        with concurrent.futures.ThreadPoolExecutor(8) as desks:
            running = [desks.submit(lambda k=k: self.try_sell(rooms[k], 1000 + k, keys[k])) for k in range(40)]
            time.sleep(0.05)
            self.site.kill("office")
            answers = [one.result() for one in running]
        self.site.start_office()
        for k, answer in enumerate(answers):
            again = self.site.sell(rooms[k], 1000 + k, keys[k])
            self.assertEqual(again[0], 201, again)
            if answer:
                self.assertEqual(answer[1]["id"], again[1]["id"])
        sales = self.site.call("GET", "/sales?limit=1000")[1]["sales"]
        self.assertEqual(sorted(sale["order_id"] for sale in sales), sorted(keys))
        for sale in sales:
            self.site.wait_confirmed(sale)
        totals = [self.site.household(self.site.room(n))["credited_ckwh"] for n in range(1, 9)]
        self.assertEqual(sum(totals), sum(sale["energy_ckwh"] for sale in sales))
        self.site.terminate_office()
        self.assertEqual([self.site.on_the_meter(n)[2] for n in range(1, 9)], totals)

    def try_sell(self, room, fen, key):
        try:
            return self.site.sell(room, fen, key)
        except (OSError, ValueError):
            return None

    def test_a_database_of_a_newer_version_is_left_alone(self):
        # The old program, started by mistake, writes into the new one's books.
        self.assertEqual(self.site.terminate_office(), 0)
        database = self.site.folder / "prewatt.db"
        with sqlite3.connect(database) as connection:
            connection.execute("PRAGMA user_version = 999")
        connection.close()
        before = database.read_bytes()
        run = subprocess.run(self.site.serve_command(), capture_output=True, text=True, timeout=30)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertRegex(run.stderr, re.compile("newer", re.I))
        self.assertEqual(database.read_bytes(), before)


class AMeterIsAway(Story):
    def test_a_killed_meter_keeps_its_credit_and_takes_the_next_ticket(self):
        # The box loses its supply; when it comes back the student has paid for nothing.
        room = self.site.room(5)
        first = self.site.wait_confirmed(self.site.sell(room, 2000)[1])
        self.site.kill("sim")
        self.site.start_sim()
        second = self.site.wait_confirmed(self.site.sell(room, 3000)[1])
        self.assertEqual(second["ticket_number"], first["ticket_number"] + 1)
        total = first["energy_ckwh"] + second["energy_ckwh"]
        self.assertEqual(self.site.household(room)["credited_ckwh"], total)
        self.site.terminate_office()
        self.assertEqual(self.site.on_the_meter(5), (1, 2, total))

    def test_a_sale_while_the_line_is_cut_is_delivered_when_it_is_back(self):
        # The cashier is told "failed", sells again, and the student has double.
        room = self.site.room(6)
        self.site.kill("sim")
        status, sale = self.site.sell(room, 2000)
        self.assertEqual(status, 201, sale)
        self.assertEqual(sale["state"], "pending")
        wait_for("the page to know", lambda: self.site.call("GET", "/lines")[1]["lines"][0]["state"] != "up")
        status, live = self.site.call("GET", f"/households/{room}/live")
        self.assertIn(status, (503, 504), live)
        self.assertEqual(self.site.household(room)["pending"], ["ticket"])
        self.site.start_sim()
        self.site.wait_confirmed(sale)
        self.assertEqual(self.site.household(room)["pending"], [])
        self.site.terminate_office()
        self.assertEqual(self.site.on_the_meter(6), (1, 1, sale["energy_ckwh"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=PROGRAM)
    options, rest = parser.parse_known_args()
    PROGRAM = str(pathlib.Path(options.program).resolve())
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
