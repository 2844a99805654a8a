# SPDX-License-Identifier: Apache-2.0
import json

from drivers.errors import DriverError
from drivers.tests.support import UART, Clock, fails, on_stream, run
from drivers.tests.test_camera import everything, jpeg
from drivers.vc0706 import VC0706

with open("drivers/maps/vc0706_ptc08.json") as file:
    DATA = json.load(file)
# The commands of a picture of 160 x 120, as public drivers have them.
RESET, SIZE, RESUME = "56002600", "5600540122", "5600360102"
COMPRESSION, STOP, LENGTH = "560031050101120436", "5600360100", "5600340100"


# Answers as the data sheet has it; `change(command, answer)` may give another answer.
class Rig:
    def __init__(self, picture, change=None):
        self.clock = Clock()
        self.picture = picture
        self.change = change
        self.log = []
        self.uart = UART(self.clock, self.answer)
        self.camera = on_stream(VC0706, self.uart, DATA)

    def answer(self, data):
        command = data[2]
        if command != 0x32:
            self.log.append(data.hex())
        reply = bytes((0x76, 0, command, 0, 0))
        if command == 0x34:
            reply = b"\x76\x00\x34\x00\x04" + len(self.picture).to_bytes(4, "big")
        elif command == 0x11:
            reply = b"\x76\x00\x11\x00\x0bVC0703 1.00"
        elif command == 0x32:
            assert data[3:6] == b"\x0c\x00\x0a" and data[14:] == b"\x00\x0a", data.hex()
            at, n = int.from_bytes(data[6:10], "big"), int.from_bytes(data[10:14], "big")
            self.log.append((at, n))
            reply = reply + self.picture[at : at + n] + reply
        if self.change:
            reply = self.change(command, reply)
        return [(5, reply)] if reply else []

    def capture(self, budget=4000):
        return run(self.clock, self.camera.capture(budget))

    def reason(self):
        return fails(DriverError, self.clock, self.camera.capture(4000)).reason


PICTURE = jpeg(3001)


def test_the_transcript_of_a_picture():
    rig = Rig(PICTURE)
    shot = rig.capture()
    asked = [RESET, SIZE, RESUME, COMPRESSION, STOP, LENGTH, (0, 8), (2944, 57)]
    assert rig.log == asked
    assert rig.clock.elapsed_ms >= DATA["reset_ms"] + DATA["shutter_ms"]
    assert (shot.size, shot.width, shot.height, shot.quality) == (3001, 160, 120, 54)
    rig.log.clear()
    assert run(rig.clock, everything(shot, 512)) == PICTURE
    assert rig.log[:2] == [(0, 256), (256, 256)] and rig.log[-2:] == [(2816, 185), RESUME]


def test_a_camera_says_its_version_when_it_is_probed():
    rig = Rig(PICTURE)
    run(rig.clock, rig.camera.probe())
    assert rig.log == ["56001100"]
    assert fails(DriverError, rig.clock, Rig(b"", lambda *_: b"").camera.probe())


def test_a_silent_one():
    rig = Rig(PICTURE, lambda command, reply: b"")
    assert rig.reason() == "camera_silent" and rig.log == [RESET]
    rig = Rig(PICTURE, lambda command, reply: b"" if command == 0x32 else reply)
    assert rig.reason() == "camera_silent" and rig.log[-1] == RESUME


def test_garbage_before_an_answer_costs_nothing():
    for junk in (b"\x00", b"\xff\xff\x76", b"Init end\r\n"):
        rig = Rig(PICTURE, lambda command, reply, junk=junk: junk + reply)
        assert run(rig.clock, everything(rig.capture())) == PICTURE


def test_garbage_in_a_piece_is_asked_for_again():
    asked = []

    def change(command, reply):
        if command == 0x32:
            asked.append(command)
            if len(asked) % 2:
                return reply[:-6]  # a byte is missing, and what ends it comes too early
        return reply

    rig = Rig(PICTURE, change)
    assert run(rig.clock, everything(rig.capture(), 256)) == PICTURE
    assert [entry for entry in rig.log if entry == (0, 256)] == [(0, 256)] * 2


def test_one_that_only_babbles():
    rig = Rig(PICTURE, lambda command, reply: b"\x55" * 200)
    assert rig.reason() == "camera_garbled"
    rig = Rig(PICTURE, lambda command, reply: reply[:3] + b"\x03" + reply[4:])
    assert rig.reason() == "camera_garbled"  # it tells an error


def test_wrong_lengths():
    for told, expected in (
        (0, "picture_bad"),
        (1 << 21, "picture_bad"),
        (2000, "picture_cut"),
    ):

        def change(command, reply, told=told):
            return reply[:5] + told.to_bytes(4, "big") if command == 0x34 else reply

        assert Rig(PICTURE, change).reason() == expected

    def shorter(command, reply):
        return b"\x76\x00\x34\x00\x02\x0b\xb9" if command == 0x34 else reply

    assert Rig(PICTURE, shorter).reason() == "camera_garbled"


def test_half_a_picture():
    assert Rig(PICTURE[:1500] + bytes(1501)).reason() == "picture_cut"
