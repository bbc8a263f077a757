#!/usr/bin/env python3
"""Reads a running virtual meter with a DL/T 645-2007 client that shares no line with ours, the way a collector of somebody else would.

What would go wrong: both ends of our own code agree with each other and with no other tool in the world.
Usage: foreign_client_test.py PREWATT     Exit 0: all as the standard has it.
"""
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = None
BOX = "2026000001"


class Line:
    """The smallest possible master: sends bytes, returns the frames that come within a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.settimeout(0.05)

    def close(self):
        self.socket.close()

    @staticmethod
    def frame(address, control, data, bias=0x33):
        body = bytes([0x68]) + bytes.fromhex(address)[::-1] + bytes([0x68, control, len(data)]) + bytes((b + bias) % 256 for b in data)
        return body + bytes([sum(body) % 256, 0x16])

    def exchange(self, raw, seconds=1.0):
        self.socket.sendall(raw)
        sent = time.monotonic()
        got = b""
        first = None
        while time.monotonic() - sent < seconds:
            try:
                part = self.socket.recv(4096)
            except TimeoutError:
                if got:
                    break
                continue
            if not part:
                raise AssertionError("the meter closed the connection")
            if first is None:
                first = time.monotonic() - sent
            got += part
        return got, first

    def ask(self, address, control, data, **options):
        """The reply as (address, control, data), or None when the line stays silent."""
        got, _ = self.exchange(b"\xfe" * 4 + self.frame(address, control, data), **options)
        return self.parse(got)

    @staticmethod
    def parse(got):
        got = got.lstrip(b"\xfe")
        if not got:
            return None
        assert got[0] == 0x68 and got[7] == 0x68 and got[-1] == 0x16, got.hex(" ")
        length = got[9]
        assert len(got) == length + 12, f"L says {length}, the frame has {len(got)} bytes: {got.hex(' ')}"
        assert sum(got[:-2]) % 256 == got[-2], "check sum"
        return got[6:0:-1].hex(), got[8], bytes((b - 0x33) % 256 for b in got[10:10 + length])

    def read(self, address, item):
        """The value's bytes, most significant first, as a hex string; the reply must repeat the item."""
        asked = bytes.fromhex(item)[::-1]
        reply = self.ask(address, 0x11, asked)
        assert reply is not None, f"{address} is silent about {item}"
        who, control, data = reply
        assert who == address, f"asked {address}, {who} answered"
        assert control == 0x91, f"{item}: control {control:02X}, data {data.hex()}"
        assert data[:4] == asked, f"{item}: the reply is about {data[:4][::-1].hex()}"
        return data[4:][::-1].hex()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ForeignClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.folder.name)
        cls.port = free_port()
        cls.log = open(folder / "log", "w+")
        cls.meter = subprocess.Popen([PROGRAM, "meter", "--box", BOX, "--tcp", f"127.0.0.1:{cls.port}", "--store", folder / "meter.nvm",
                                      "--key", folder / "key", "--homes", "7"], stdin=subprocess.DEVNULL, stdout=cls.log, stderr=cls.log)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        time.sleep(1.5)  # a few measuring windows

    @classmethod
    def tearDownClass(cls):
        cls.meter.terminate()
        cls.meter.wait(10)
        cls.log.close()
        cls.folder.cleanup()

    def setUp(self):
        self.assertIsNone(self.meter.poll(), "the meter has ended")
        self.line = Line(self.port)

    def tearDown(self):
        self.line.close()

    def test_a_tool_that_asks_who_is_there_hears_the_box(self):
        who, control, data = self.line.ask("aa" * 6, 0x13, b"")
        self.assertEqual((who, control), (BOX + "00", 0x93))
        self.assertEqual(data[::-1].hex(), BOX + "00")

    def test_every_household_is_a_meter_of_its_own(self):
        for number in range(1, 40):
            address = f"{BOX}{number:02d}"
            self.assertRegex(self.line.read(address, "00010000"), r"^\d{8}$")
        self.assertIsNone(self.line.ask(BOX + "40", 0x11, bytes.fromhex("00000100"), seconds=0.7))

    def test_voltage_and_frequency_are_those_of_a_mains(self):
        voltage = self.line.read(BOX + "02", "02010100")
        self.assertEqual(len(voltage), 4)
        self.assertTrue(1980 <= int(voltage) <= 2420, voltage)
        self.assertTrue(4900 <= int(self.line.read(BOX + "02", "02800002")) <= 5100)

    def test_phases_that_a_household_has_not_got_are_ff(self):
        block = self.line.read(BOX + "05", "0201ff00")
        self.assertEqual(block[:8], "ffffffff")
        self.assertTrue(1980 <= int(block[8:]) <= 2420, block)

    def test_standard_items_have_their_standard_lengths(self):
        for item, digits in {"00000000": 8, "00010000": 8, "00020000": 8, "00900100": 8, "00900101": 8, "02020100": 6, "02030000": 6, "02030100": 6,
                             "02040000": 6, "02050000": 6, "02060000": 4, "02800002": 4, "04000101": 8, "04000102": 6, "04000401": 12,
                             "04000402": 12, "04000409": 6, "04000501": 4, "04000503": 4}.items():
            self.assertEqual(len(self.line.read(BOX + "01", item)), digits, item)
        self.assertEqual(self.line.read(BOX + "01", "04000401"), BOX + "01")
        self.assertEqual(self.line.read(BOX + "01", "04000409"), "001600")

    def test_the_relay_of_a_household_without_an_account_is_open_in_status_word_3(self):
        self.assertTrue(int(self.line.read(BOX + "01", "04000503"), 16) & 0x10)

    def test_an_unknown_item_is_answered_no_such_data(self):
        reply = self.line.ask(BOX + "01", 0x11, bytes.fromhex("0099eeff"))
        self.assertEqual(reply, (BOX + "01", 0xD1, b"\x02"))

    def test_silence_for_what_is_not_meant_for_us(self):
        good = Line.frame(BOX + "01", 0x11, bytes.fromhex("00000100"))
        bad_sum = good[:-2] + bytes([(good[-2] + 1) % 256]) + good[-1:]
        for name, raw in {"other box": Line.frame("2026000009" + "01", 0x11, bytes.fromhex("00000100")), "check sum": bad_sum,
                          "no end": good[:-1] + b"\x17", "somebody's reply": Line.frame(BOX + "01", 0x91, bytes.fromhex("0000010000000000")),
                          "unknown function": Line.frame(BOX + "01", 0x0A, b"")}.items():
            got, _ = self.line.exchange(raw, 0.7)
            self.assertEqual(got, b"", name)

    def test_a_good_frame_after_noise_and_a_torn_one_is_answered(self):
        good = Line.frame(BOX + "03", 0x11, bytes.fromhex("00000100"))
        for before in (b"\x00\xff\x68\x68\x12", good[:9], b"\xfe" * 40, b"\x68" * 7):
            got, _ = self.line.exchange(before + good)
            reply = Line.parse(got)
            self.assertIsNotNone(reply, before.hex())
            self.assertEqual(reply[0], BOX + "03")
            time.sleep(0.6)

    def test_the_answer_comes_between_20_and_500_ms(self):
        good = Line.frame(BOX + "01", 0x11, bytes.fromhex("00000100"))
        for _ in range(5):
            _, delay = self.line.exchange(good)
            self.assertTrue(0.018 <= delay <= 0.5, delay)

    def test_plain_writes_of_the_standard_are_not_authorised(self):
        write = bytes.fromhex("01 0f 00 04  02 00 00 00  00 00 00 00  00 10 00 00")
        self.assertEqual(self.line.ask(BOX + "01", 0x14, write), (BOX + "01", 0xD4, b"\x04"))
        trip = bytes.fromhex("02 00 00 00  00 00 00 00  1c 00  00 00 00 01 01 99")
        reply = self.line.ask(BOX + "01", 0x1C, trip)
        self.assertEqual((reply[1], reply[2][:1]), (0xDC, b"\x04"))

    def test_a_long_item_goes_on_in_a_following_frame(self):
        item = bytes.fromhex("000100ec")
        who, control, data = self.line.ask(BOX + "00", 0x11, item + bytes(4))
        self.assertEqual((who, control, data[:4], len(data)), (BOX + "00", 0xB1, item, 4 + 182))
        who, control, rest = self.line.ask(BOX + "00", 0x12, item + b"\x01")
        self.assertEqual((control, rest[:4], rest[-1]), (0x92, item, 1))
        self.assertEqual(len(data) - 4 + len(rest) - 5, 12 + 39 * 9)
        again = self.line.ask(BOX + "00", 0x12, item + b"\x01")
        self.assertEqual(again, (who, control, rest), "a lost reply must be had again")


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=1)
