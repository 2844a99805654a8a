"""Text-to-speech chips on a UART: SYN6288 and XFS5152CE at the level of their manuals.

They "speak" a tone for each character, of a pitch that depends on it, into the amplifier. Figures
are hypotheses: 10 ms to an answer, 220 ms a character. Not modelled: voices, speeds, tags other
than the volume `[v8]`, stored sounds, background music, I2C and SPI.
"""

from __future__ import annotations

import math
import re
from array import array

from ..world import Event, World
from .faults import Faults
from .i2s_sink import FULL_SCALE, RATE_HZ, I2sSink, Run
from .uart import UartDevice

HEAD = 0xFD
SPEAK, STOP, PAUSE, RESUME, QUERY, BAUD, SLEEP, WAKE = 1, 2, 3, 4, 0x21, 0x31, 0x88, 0xFF
STARTED, TAKEN, REFUSED, BUSY, IDLE = b"\x4a", b"\x41", b"\x45", b"\x4e", b"\x4f"
ENCODINGS = ("gb2312", "gbk", "big5", "utf-16-be")
START_US = 200_000
ANSWER_US = 10_000
PAUSE_US = 100_000  # a frame that stops for so long is none
CHARACTER_US = 220_000
SOUND_SHARE = 0.8  # of that, the rest is a pause
VOLUME_TAG = re.compile(r"\[v(\d+)\]")


class TtsChip(UartDevice):
    """Base of both. `spoken` lists (us, text) of what it began to say.

    Faults: `silent` (neither answers nor speaks), `busy` (never comes to an end), `refuse` (says
    that no frame is right), `mute` (answers, but nothing is heard), `never_idle` (does not tell
    its end by itself).
    """

    MAX_TEXT = 0
    MAX_VOLUME = 0
    COMMANDS: tuple[int, ...] = (SPEAK, STOP, PAUSE, RESUME, QUERY, SLEEP)

    def __init__(self, world: World, baud: int, sink: I2sSink) -> None:
        super().__init__(world, baud)
        self.sink = sink
        self.faults = Faults(silent=False, busy=False, refuse=False, mute=False, never_idle=False)
        self.spoken: list[tuple[int, str]] = []
        self.volume = self.MAX_VOLUME // 2
        self.voice: Run | None = None
        self._end: Event | None = None
        self._buffer = b""
        self._heard_us = 0
        world.call_after(START_US, lambda: self._answer(STARTED))

    @property
    def speaks(self) -> bool:
        """True until it has come to its end."""
        return self._end is not None

    # The line

    def hear(self, data: bytes) -> None:
        now_us = self.world.now_us
        begun_us = now_us - self.duration_us(len(data))
        if begun_us - self._heard_us > PAUSE_US:
            self._buffer = b""
        self._heard_us = now_us
        self._buffer += data
        while True:
            at = self._buffer.find(HEAD)
            self._buffer = self._buffer[at:] if at >= 0 else b""
            if len(self._buffer) < 3:
                return
            size = 3 + int.from_bytes(self._buffer[1:3], "big")
            if len(self._buffer) < size:
                return
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            self._take(frame)

    def body(self, frame: bytes) -> bytes | None:
        """The command and what follows it; None if the frame is wrong."""
        raise NotImplementedError

    def _take(self, frame: bytes) -> None:
        body = self.body(frame)
        if body is None or not self._is_right(body) or self.faults.take("refuse"):
            self._answer(REFUSED)
            return
        self._answer(TAKEN)
        command = body[0]
        if command == SPEAK:
            self._speak(body[1] & 0b111, body[2:])
        elif command in (STOP, SLEEP):
            self._hush()
        elif command == QUERY:
            self._answer(BUSY if self.speaks or self.faults.take("busy") else IDLE)

    def _is_right(self, body: bytes) -> bool:
        if not body or body[0] not in self.COMMANDS:
            return False
        if body[0] != SPEAK:
            return True
        return (
            len(body) > 2 and body[1] & 0b111 < len(ENCODINGS) and len(body) - 2 <= self.MAX_TEXT
        )

    def _answer(self, byte: bytes) -> None:
        if not self.faults.take("silent"):
            self.transmit(byte, ANSWER_US)

    # The voice

    def _speak(self, encoding: int, data: bytes) -> None:
        if self.faults.take("silent"):
            return
        self._hush(tell=False)
        text = data.decode(ENCODINGS[encoding], "replace")
        for volume in VOLUME_TAG.findall(text):
            self.volume = min(int(volume), self.MAX_VOLUME)
        text = VOLUME_TAG.sub("", text)
        begin_us = self.world.now_us + ANSWER_US
        self.spoken.append((begin_us, text))
        if not self.faults.take("mute"):
            level = FULL_SCALE // 2 * self.volume // self.MAX_VOLUME
            self.voice = self.sink.speak(begin_us, sound(text, level))
        if not self.faults.take("busy"):
            self._end = self.world.call_at(begin_us + len(text) * CHARACTER_US, self._ended)

    def _ended(self) -> None:
        self._end = self.voice = None
        if not self.faults.take("never_idle"):
            self._answer(IDLE)

    def _hush(self, tell: bool = True) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self.voice is not None:
            self.sink.hush(self.voice)
            self.voice = None
        if tell:
            self._answer(IDLE)


class SYN6288(TtsChip):
    """Frames with an XOR over all bytes before it."""

    MAX_TEXT = 200
    MAX_VOLUME = 16
    COMMANDS = (*TtsChip.COMMANDS, BAUD)

    def body(self, frame: bytes) -> bytes | None:
        check = 0
        for byte in frame:
            check ^= byte
        return frame[3:-1] if check == 0 else None


class XFS5152(TtsChip):
    """Frames without a checksum, of up to 4 KiB."""

    MAX_TEXT = 4092
    MAX_VOLUME = 10
    COMMANDS = (*TtsChip.COMMANDS, WAKE)

    def body(self, frame: bytes) -> bytes | None:
        return frame[3:]


def pitch_hz(character: str) -> int:
    """The tone that stands for a character."""
    return 300 + ord(character) % 32 * 20


def sound(text: str, level: int) -> array[int]:
    """A tone for each character; a space is a pause."""
    size = CHARACTER_US * RATE_HZ // 1_000_000
    sounds = int(size * SOUND_SHARE)
    samples = array("h", bytes(2 * size * len(text)))
    for place, character in enumerate(text):
        step = 2 * math.pi * pitch_hz(character) / RATE_HZ
        for i in range(0 if character == " " else sounds):
            samples[place * size + i] = int(level * math.sin(step * i))
    return samples
