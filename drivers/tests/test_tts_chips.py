# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import DriverError
from drivers.syn6288 import SYN6288
from drivers.tests.support import UART, Clock, fails, on_stream, run
from drivers.tts_chip import cut
from drivers.xfs5152 import XFS5152

# The text of the manual, and of its users, in GB2312.
YUTONE = bytes.fromhex("D3EED2F4CCECCFC2")
HELLO = bytes.fromhex("C4E3BAC3")
# Golden frames of the SYN6288's manual.
GOLDEN = (
    ("FD000B0100D3EED2F4CCECCFC2C1", (0x01, 0, YUTONE)),
    ("FD00070100C4E3BAC3A5", (0x01, 0, HELLO)),
    ("FD000202FD", (0x02,)),
    ("FD000203FC", (0x03,)),
    ("FD000204FB", (0x04,)),
    ("FD000221DE", (0x21,)),
    ("FD00028877", (0x88,)),
    ("FD00033100CF", (0x31, 0)),
)
TAKEN, REFUSED, BUSY, IDLE, STARTED = b"\x41", b"\x45", b"\x4e", b"\x4f", b"\x4a"
QUERY, STOP = b"\x21", b"\x02"


class Chip:
    # Answers each command with what `answers` has for its byte, [(delay in ms, bytes), ...].
    def __init__(self, kind, **answers):
        self.clock = Clock()
        self.answers = {
            0x01: [(300, TAKEN), (2000, IDLE)],
            0x02: [(10, TAKEN)],
            0x21: [(20, BUSY)],
        }
        for name in answers:
            self.answers[{"speak": 0x01, "stop": 0x02, "query": 0x21}[name]] = answers[name]
        self.frames = []
        self.uart = UART(self.clock, self._answer)
        self.tts = on_stream(kind, self.uart)

    def _answer(self, frame):
        self.frames.append(frame)
        answer = self.answers[frame[3]]
        return answer(self) if callable(answer) else answer

    def spoken(self):
        return [frame for frame in self.frames if frame[3] == 0x01]

    def run(self, coroutine):
        return run(self.clock, coroutine)

    def reason(self, coroutine):
        return fails(DriverError, self.clock, coroutine).reason


def test_golden_frames():
    chip = Chip(SYN6288)
    for expected, arguments in GOLDEN:
        assert chip.tts.frame(*arguments) == bytes.fromhex(expected)


def test_frames_without_a_checksum():
    frame = Chip(XFS5152).tts.frame
    assert frame(0x01, 1, HELLO) == bytes.fromhex("FD00060101C4E3BAC3")
    assert frame(0x02) == bytes.fromhex("FD000102")
    assert frame(0x21) == bytes.fromhex("FD000121")
    assert frame(0x01, 3, bytes(4092))[:5] == bytes.fromhex("FD0FFE0103")


def test_it_speaks_until_it_says_that_it_is_idle():
    for kind in (SYN6288, XFS5152):
        chip = Chip(kind)
        chip.run(chip.tts.say(0, HELLO))
        assert chip.frames[0] == chip.tts.frame(1, 0, HELLO)
        assert chip.clock.elapsed_ms == 2000


def test_a_chip_that_does_not_tell_its_end_is_asked():
    states = [BUSY, BUSY, IDLE]
    chip = Chip(SYN6288, speak=[(300, TAKEN)], query=lambda chip: [(20, states.pop(0))])
    chip.run(chip.tts.say(0, HELLO))
    assert chip.frames[1:] == [chip.tts.frame(0x21)] * 3 and states == []


def test_long_text_goes_in_pieces_of_whole_characters():
    text = b"A" + HELLO * 60  # 241 bytes; the piece of 200 would tear a character
    chip = Chip(SYN6288)
    chip.run(chip.tts.say(1, text))
    pieces = [frame[5:-1] for frame in chip.spoken()]
    assert [len(piece) for piece in pieces] == [199, 42] and b"".join(pieces) == text
    chip = Chip(XFS5152)
    chip.run(chip.tts.say(1, text))
    assert [frame[5:] for frame in chip.spoken()] == [text]


def test_characters_are_not_torn():
    assert cut(0, b"ab", 0, 1) == 1 and cut(0, HELLO, 0, 3) == 2
    assert cut(2, b"a" + HELLO, 0, 3) == 3 and cut(2, b"a" + HELLO, 0, 2) == 1
    assert cut(3, b"\0a\0b\0c", 0, 5) == 4 and cut(3, b"\0a\0b\0c", 2, 200) == 6
    assert cut(1, HELLO[:3], 0, 200) == 3  # the second half of the last one is missing


def test_the_volume_stands_before_the_first_piece():
    chip = Chip(SYN6288)
    chip.run(chip.tts.say(1, HELLO * 60, 80))
    assert [frame[5:-1] for frame in chip.spoken()] == [
        b"[v13]" + HELLO * 48 + HELLO[:2],
        HELLO[2:] + HELLO * 11,
    ]
    chip = Chip(XFS5152)
    chip.run(chip.tts.say(3, b"\x4f\x60", 100))
    assert chip.frames[0][5:] == b"\0[\0v\0001\0000\0]\x4f\x60"


def test_a_silent_chip():
    chip = Chip(SYN6288, speak=(), query=())
    assert chip.reason(chip.tts.say(0, HELLO)) == "tts_silent"
    assert len(chip.frames) == 2 and chip.clock.elapsed_ms < 1200
    assert chip.reason(chip.tts.probe()) == "tts_silent"


def test_one_that_refuses_and_one_that_takes_it_the_second_time():
    chip = Chip(SYN6288, speak=[(300, REFUSED)])
    assert chip.reason(chip.tts.say(0, HELLO)) == "tts_busy"
    tries = [[(300, REFUSED)], [(300, TAKEN), (900, IDLE)]]
    chip = Chip(SYN6288, speak=lambda chip: tries.pop(0))
    chip.run(chip.tts.say(0, HELLO))
    assert len(chip.frames) == 2


def test_one_that_never_ends_is_stopped():
    chip = Chip(SYN6288, speak=[(300, TAKEN)], query=[(20, BUSY)])
    assert chip.reason(chip.tts.say(0, HELLO)) == "tts_busy"
    assert chip.frames[-1] == chip.tts.frame(0x02)


def test_one_that_falls_silent_or_starts_anew_while_it_speaks():
    chip = Chip(SYN6288, speak=[(300, TAKEN)], query=())
    assert chip.reason(chip.tts.say(0, HELLO)) == "tts_silent"
    chip = Chip(SYN6288, speak=[(300, TAKEN), (800, STARTED)])
    assert chip.reason(chip.tts.say(0, HELLO)) == "tts_silent"


def test_what_it_said_before_does_not_count():
    chip = Chip(SYN6288, query=[(20, BUSY)])
    chip.uart.arrive(0, IDLE + STARTED)
    assert chip.run(chip.tts.is_busy())
    chip.uart.answer = lambda data: [
        (20, b"\xff\x00" + TAKEN),
        (60, IDLE),
    ]  # noise, and a 41 first
    assert not chip.run(chip.tts.is_busy())


def test_a_line_that_babbles_ends():
    chip = Chip(SYN6288, query=())
    for ms in range(0, 6000, 40):
        chip.uart.arrive(ms, b"\x55")
    assert chip.reason(chip.tts.is_busy()) == "tts_silent"


def test_cancelled_speech_can_be_stopped():
    chip = Chip(SYN6288)
    speaking = chip.tts.say(0, HELLO)
    chip.clock.cancel = True
    try:
        chip.run(speaking)
    except asyncio.CancelledError:
        pass
    chip.run(chip.tts.stop())
    assert chip.frames[-1] == chip.tts.frame(0x02)
