"""VC0706, a JPEG camera on a UART, at the level of its public command set.

Commands `56 serial command length arguments`, answers `76 serial command status length data`. A
frozen frame keeps its size and its compression until it is released. Figures are hypotheses: 5 ms
to an answer, 1.5 s to start, the relation of compression values and bytes. Not modelled: colours
on a monitor, motion detection, the EEPROM, other baud rates, commands to stop a transfer.
"""

from __future__ import annotations

from ..river_view import RiverView
from ..world import World
from .faults import Faults
from .uart import UartDevice

COMMAND, ANSWER = 0x56, 0x76
VERSION, RESET, WRITE, READ, LENGTH, FREEZE, SIZE = 0x11, 0x26, 0x31, 0x32, 0x34, 0x36, 0x54
FBUF_FREEZE, FBUF_RESUME = (0, 1), (2, 3)
SIZES = {0x00: (640, 480), 0x11: (320, 240), 0x22: (160, 120)}
COMPRESSION_REGISTER = b"\1\1\x12\4"
OK, UNKNOWN, BAD_LENGTH, BAD_FORMAT, CANNOT = range(5)
ANSWER_US = 5_000
START_US = 1_500_000
GREETING = b"VC0703 1.00\r\n3o \r\nInit end\r\n"


class VC0706(UartDevice):
    """Faults:

    `silent`; `half` (the end of a picture is missing, zeros take its place); `length_off` (so many
    bytes more, or fewer, than there are); `no_frame` (a length of 0); `garbage` (bytes before an
    answer); `drop` (a byte of a piece is lost), `refuse` (a status of an error).
    """

    def __init__(self, world: World, view: RiverView, baud: int = 38400, serial: int = 0) -> None:
        super().__init__(world, baud)
        self.view = view
        self.serial = serial
        self.faults = Faults(
            silent=False, half=False, length_off=0, no_frame=False, garbage=b"", drop=False,
            refuse=False,
        )  # fmt: skip
        self.taken = 0  # pictures
        self._on = True
        self._restart()

    def supplied(self, on: bool) -> None:
        """Its supply comes or goes."""
        self._restart()
        self._on = on
        if on:
            self._ready_us = self.world.now_us + START_US
            self.transmit(GREETING, START_US)

    def _restart(self) -> None:
        self.size = SIZES[0x11]
        self.compression = 54
        self.frame: bytes | None = None
        self._buffer = b""
        self._ready_us = 0

    @property
    def quality(self) -> int:
        """What a JPEG encoder calls it."""
        return max(2, min(95, round(95 - 0.38 * self.compression)))

    # The line

    def hear(self, data: bytes) -> None:
        if not self._on or self.world.now_us < self._ready_us:
            return
        self._buffer += data
        while True:
            at = self._buffer.find(COMMAND)
            self._buffer = self._buffer[at:] if at >= 0 else b""
            if len(self._buffer) < 4 or len(self._buffer) < 4 + self._buffer[3]:
                return
            size = 4 + self._buffer[3]
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            if frame[1] == self.serial and not self.faults.take("silent"):
                self._obey(frame[2], frame[4:])

    def _say(self, command: int, status: int = OK, data: bytes = b"") -> None:
        head = bytes((ANSWER, self.serial, command, status, len(data)))
        self.transmit(self.faults.take("garbage") + head + data, ANSWER_US)

    # Commands

    def _obey(self, command: int, arguments: bytes) -> None:
        if command != READ and self.faults.take("refuse"):
            self._say(command, CANNOT)
            return
        obey = {
            VERSION: self._version,
            RESET: self._reset,
            WRITE: self._write,
            FREEZE: self._control,
            LENGTH: self._length,
            READ: self._read,
            SIZE: self._choose,
        }.get(command)
        if obey is None:
            self._say(command, UNKNOWN)
        else:
            obey(arguments)

    def _version(self, _arguments: bytes) -> None:
        self._say(VERSION, OK, GREETING[:11])

    def _reset(self, _arguments: bytes) -> None:
        self._say(RESET)
        self._restart()
        self._ready_us = self.world.now_us + START_US
        self.transmit(GREETING, START_US)

    def _write(self, arguments: bytes) -> None:
        if arguments[:4] != COMPRESSION_REGISTER or len(arguments) != 5:
            self._say(WRITE, BAD_FORMAT)
            return
        self.compression = arguments[4]
        self._say(WRITE)

    def _choose(self, arguments: bytes) -> None:
        size = SIZES.get(arguments[0]) if arguments else None
        if size is None:
            self._say(SIZE, BAD_FORMAT)
            return
        self.size = size
        self._say(SIZE)

    def _control(self, arguments: bytes) -> None:
        if not arguments:
            self._say(FREEZE, BAD_LENGTH)
            return
        if arguments[0] in FBUF_FREEZE and self.frame is None:
            self.frame = self._expose()
            self.taken += 1
        elif arguments[0] in FBUF_RESUME:
            self.frame = None
        self._say(FREEZE)

    def _expose(self) -> bytes:
        data = self.view.jpeg(self.size, self.quality)
        if self.faults.take("half"):
            data = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
        return data + bytes(-len(data) % 8)  # it counts in eights

    def _length(self, _arguments: bytes) -> None:
        size = 0 if self.frame is None or self.faults.take("no_frame") else len(self.frame)
        if size:
            size = max(0, size + self.faults.take("length_off"))
        self._say(LENGTH, OK, size.to_bytes(4, "big"))

    def _read(self, arguments: bytes) -> None:
        if len(arguments) != 12 or arguments[:2] != b"\0\x0a" or self.frame is None:
            self._say(READ, BAD_FORMAT)
            return
        at, size = (int.from_bytes(arguments[i : i + 4], "big") for i in (2, 6))
        delay_us = int.from_bytes(arguments[10:], "big") * 10
        data = self.frame[at : at + size]
        data += b"\xff" * (size - len(data))  # whatever lies behind it
        if self.faults.take("drop"):
            data = data[:-1]
        self._say(READ)
        head = bytes((ANSWER, self.serial, READ, OK, 0))
        self.transmit(data + head, delay_us)
