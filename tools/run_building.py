#!/usr/bin/env python3
"""Runs the simulated building and its office side by side; called by ./start.

Four real processes: `prewatt sim` is the building (meters on one RS-485 line behind a TCP port), `prewatt reader` the card
reader in its hall, on the same line, `prewatt serve` the office, `prewatt desk-agent` the card reader on its desk. A card is
a file: it lies on the desk or in the hall, wherever it is moved to.
With --check: in a temporary folder, sells to a dark room over HTTP, waits until the meter has taken the ticket and its
relay is closed and until the reader in the hall has answered the office, prints the times as JSON, exits 0; or says what
failed and exits 1.
"""
import argparse
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid


class Failed(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_is_taken(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


class Child:
    def __init__(self, name, command, log):
        self.name, self.log = name, log
        self.file = open(log, "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.file, stderr=self.file)

    def check(self):
        code = self.process.poll()
        if code is not None:
            lines = pathlib.Path(self.log).read_text(errors="replace").splitlines()[-8:]
            raise Failed(f"the {self.name} ended with code {code}; its last words ({self.log}):\n  " + "\n  ".join(lines))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.file.close()


class Office:
    """A client of the REST interface, as any program would be one."""

    def __init__(self, base):
        self.base, self.token = base, None

    def call(self, method, path, body=None, **headers):
        request = urllib.request.Request(self.base + "/api/v1" + path, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path} answered {error.code}: {error.read().decode(errors='replace')[:300]}") from None


def wait_for(what, seconds, children, question):
    deadline = time.monotonic() + seconds
    problem = ""
    while time.monotonic() < deadline:
        for child in children:
            child.check()
        try:
            answer = question()
            if answer:
                return answer
        except (OSError, Failed) as error:
            problem = f" ({error})"
        time.sleep(0.05)
    raise Failed(f"waited {seconds} s for {what} in vain{problem}")


class Places:
    """Where things lie in the folder of the office."""

    def __init__(self, data):
        self.desk, self.hall = data / "desk" / "card.m1", data / "hall" / "card.m1"
        self.pairing, self.reader_keys = data / "desk.code", data / "reader.key"


def blank_card(number):
    """A card as from the factory (docs/formats/virtual-card.md)."""
    check = number[0] ^ number[1] ^ number[2] ^ number[3]
    trailer = b"\xff" * 6 + bytes.fromhex("ff078069") + b"\xff" * 6
    sector = bytes(48) + trailer
    first = (number + bytes([check, 0x08, 0x04, 0x00])).ljust(16, b"\0") + bytes(32) + trailer
    return first + sector * 15


def lay_out_a_card(places):
    for place in (places.desk, places.hall):
        place.parent.mkdir(exist_ok=True)
    if not places.desk.exists() and not places.hall.exists():
        places.desk.write_bytes(blank_card(secrets.token_bytes(4)))


def bring_up(options, data, port, children):
    line_port, hall_port = free_port(), free_port()
    program = str(options.root / "build" / "prewatt")
    data.mkdir(parents=True, exist_ok=True)
    password_file = data / "owner-password"
    if not password_file.exists():
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(9) + "\n")
    key = data / "prewatt.key"
    children.append(Child("building", [program, "sim", "--boxes", str(options.boxes), "--listen", f"127.0.0.1:{line_port}",
                                       "--store", str(data / "building"), "--key", str(key)], data / "building.log"))

    def line_is_up():
        with socket.create_connection(("127.0.0.1", line_port), 1):
            return True
    wait_for("the building's line", 20, children, line_is_up)
    places = Places(data)
    lay_out_a_card(places)
    if not places.reader_keys.exists():
        made = subprocess.run([program, "reader", "--make-keys", str(key), "--key-file", str(places.reader_keys)], capture_output=True, text=True)
        if made.returncode != 0:
            raise Failed(f"the keys of the card reader could not be made: {made.stderr.strip()}")
    children.append(Child("reader in the hall", [program, "reader", "--number", "1", "--line", f"tcp://127.0.0.1:{line_port}", "--tcp", f"127.0.0.1:{hall_port}",
                                                 "--card", str(places.hall), "--key-file", str(places.reader_keys)], data / "reader.log"))
    children.append(Child("office", [program, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}", "--ui-dir", str(options.root / "web" / "dist"),
                                     "--demo", str(options.boxes), "--demo-line", f"tcp://127.0.0.1:{hall_port}?readers=1",
                                     "--owner-password-file", str(password_file)], data / "office.log"))
    office = Office(f"http://127.0.0.1:{port}")
    wait_for("the office", 30, children, lambda: office.call("GET", "/health"))
    children.append(Child("desk agent", [program, "desk-agent", "--office", office.base.replace("127.0.0.1", "localhost"), "--port", str(options.agent_port),
                                         "--pairing-file", str(places.pairing), "--model", str(places.desk), "--exchange-ms", "10"], data / "desk-agent.log"))
    return office, password_file.read_text().strip()


def sell_and_wait(office, password, children):
    """Sells 20 yuan to the first dark room; returns the room and the seconds of each step."""
    office.token = office.call("POST", "/session", {"user": "owner", "password": password})["token"]

    def dark_room():
        rooms = office.call("GET", "/households?limit=100")["households"]
        return next((r for r in rooms if r["answering"] and r["relay_closed"] is False), None)
    room = wait_for("a dark room whose meter answers", 60, children, dark_room)
    began = time.monotonic()
    sale = office.call("POST", "/sales", {"household_id": room["id"], "amount_fen": 2000, "channel": "cash"}, Idempotency_Key=str(uuid.uuid4()))
    accepted = time.monotonic() - began

    def step(name):
        def reached():
            nonlocal sale
            sale = office.call("GET", f"/sales/{sale['id']}")
            return any(s["step"] == name for s in sale["steps"])
        wait_for(f"step '{name}' of sale {sale['receipt']} to room {room['room']}", 30, children, reached)
        return time.monotonic() - began
    confirmed = step("confirmed")
    lit = step("lit")
    after = office.call("GET", f"/households/{room['id']}")
    if after["relay_closed"] is not True:
        raise Failed(f"room {room['room']} is said to be lit, but its relay is not closed: holds {after['holds']}")
    return room["room"], {"sale_accepted": accepted, "sale_confirmed_by_meter": confirmed, "light_on": lit}


def check(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="prewatt-check-"))
    children = []
    try:
        started = time.time()
        office, password = bring_up(options, folder, free_port(), children)
        with urllib.request.urlopen(office.base + "/", timeout=10) as page:
            if b"<html" not in page.read().lower():
                raise Failed("the page at / is no HTML")
        ready = time.time()
        room, steps = sell_and_wait(office, password, children)
        done = time.time()
        wait_for("the card reader in the hall", 20, children,
                 lambda: any(r["state"] == "answering" for line in office.call("GET", "/lines")["lines"] for r in line["readers"]))
        print(json.dumps({
            "ok": True, "room": room, "boxes": options.boxes, "built_before": options.built_before == "true",
            "seconds": {"install_and_build": round(options.built - options.began, 3), "office_ready": round(ready - started, 3),
                        **{name: round(value, 3) for name, value in steps.items()}, "start_to_first_lit_room": round(done - options.began, 3)}}, indent=2))
        return 0
    except Failed as failure:
        print(json.dumps({"ok": False, "failed": str(failure)}, indent=2))
        return 1
    finally:
        for child in reversed(children):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


def pairing_code(log):
    said = [line for line in pathlib.Path(log).read_text(errors="replace").splitlines() if line.startswith("pairing code: ")]
    return said[-1].removeprefix("pairing code: ") if said else None


def run(options):
    if port_is_taken(options.port):
        say(f"prewatt: port {options.port} is taken by another program; nothing was started. Try: ./start --port {options.port + 1}")
        return 9
    children = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        office, password = bring_up(options, options.data, options.port, children)
        code = wait_for("the desk agent", 20, children, lambda: pairing_code(options.data / "desk-agent.log"))
        say(f"""
Prewatt is running: a simulated building of {options.boxes} boxes x 39 households, and its office.

  Open        {office.base.replace('127.0.0.1', 'localhost')}
  Sign in as  owner
  Password    {password}      (kept in {options.data / 'owner-password'})

  What to look at
    1. The meter wall: every room that has no account yet is dark.
    2. The selling desk: type a room, 3-0101 say, then 20 and Enter twice. The steps of the sale appear as they happen;
       within seconds the meter has taken the ticket and the wall shows the room lit.
    3. The room's page: what its appliances draw at this moment.
    4. Cards: open Cards, pair with the desk reader (address http://127.0.0.1:{options.agent_port}, code {code}). A blank card lies
       on the desk: make it the card of a room, sell onto it, then carry it to the reader in the hall:
         mv {options.data}/desk/card.m1 {options.data}/hall/
       and back, to see what the meter wrote onto it. Lines shows what the reader in the hall did.

  On the command line   build/prewatt --help        build/prewatt login --server {office.base} --user owner
  Data and logs         {options.data}
  Stop                  Ctrl-C
""")
        while True:
            for child in children:
                child.check()
            time.sleep(0.5)
    except Failed as failure:
        say(f"prewatt: {failure}")
        return 1
    except (KeyboardInterrupt, SystemExit):
        say("\nprewatt: stopping; everything sold and measured is kept in " + str(options.data))
        return 0
    finally:
        for child in reversed(children):
            child.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--boxes", type=int, default=2)
    parser.add_argument("--began", type=float, default=time.time())
    parser.add_argument("--built", type=float, default=time.time())
    parser.add_argument("--built-before", default="true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    # The pages look for a desk agent at 8086 first.
    options.agent_port = free_port() if options.check or port_is_taken(8086) else 8086
    os.umask(0o077)
    return check(options) if options.check else run(options)


if __name__ == "__main__":
    sys.exit(main())
