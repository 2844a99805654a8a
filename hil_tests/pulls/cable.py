"""A cable between a socket of a hub and a virtual board; it can be pulled at all that it carries.

What the host does at a port is an operation: it opens or closes it, moves a reset line, writes a
command to the loader or a line of SMP. In virtual time and in this process; a thread that reads
lets the board's world run.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, NamedTuple

import serial
from esp32_mock_bootloader.protocol import CMD
from fieldbeat.protocols import smp

from ..virtual.auto_reset import AutoReset
from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard
from . import clock

REQUEST, ANSWER, POWER = "request", "answer", "power"
KINDS = (REQUEST, ANSWER, POWER)
SETTLE_S = 3.0  # that a board on a supply of its own lives on, before somebody looks
# So esptool moves the two lines one by one, which needs no descriptor of a real port.
NAME = "rfc2217:hub"

_COMMANDS = {code: name for name, code in CMD.items()}
_GROUPS = {0: "os", 3: "settings", 8: "fs", 9: "shell"}


class Operation(NamedTuple):
    """One operation of a cable's life; `number` counts from 1."""

    number: int
    visit: int  # of the host: it opened the port so often
    kind: str  # open, close, reset line, loader, smp, console
    what: str  # the command


class Pull(NamedTuple):
    """At which operation, and what of it still happens.

    `request`: nothing; `answer`: all but the answer; `power`: the unit was powered through this
    cable, and is off after half of the first thing that the operation changes in its flash.
    """

    number: int
    kind: str

    def __str__(self) -> str:
        return f"{self.number}:{self.kind}"


class Cable:
    """One board's cable, from its first operation to its last one over all batches."""

    def __init__(self, bench: Bench, board: VirtualBoard) -> None:
        self.bench = bench
        self.board = board
        self.operations: list[Operation] = []
        self.pull: Pull | None = None
        self.fired: Operation | None = None  # that at which it was pulled
        self.settings: list[tuple[int, str, bytes]] = []  # SMP sequence, name, value: written
        self.loads = 0  # how often a tool has changed the flash
        self._visit = 0
        self._frames = smp.LineDecoder(4096)
        self._load = board.flash.load
        self._tear = False
        self._lines = AutoReset(board)
        self._line: Line | None = None
        board.flash.load = self._loading  # type: ignore[method-assign, assignment]
        board.unplug()  # its PTY: this cable takes its place
        board.ports.append(self)

    @property
    def is_in(self) -> bool:
        """Whether it is plugged in."""
        return self.fired is None

    def plug_in(self) -> None:
        """Plug it in again, with the power on."""
        self.pull = self.fired = None
        self.board.power_on()

    # The board's side

    def write(self, data: bytes) -> None:
        """Take what the board sends."""
        if self._line is not None:
            self._line.arrived += data

    def _loading(self, at: int, data: bytes) -> None:
        self.loads += 1
        if self._tear and self.board.flash.read(at, len(data)) != data:
            self._load(at, data[: len(data) // 2])
            raise _PowerLost
        self._load(at, data)

    # The host's side

    def open(self, line: Line) -> None:
        """The host opens the port."""
        if not self.is_in:
            raise serial.SerialException(errno.ENOENT, "there is no cable")
        self._visit += 1
        self._line = line
        self._do("open", "", lambda: None)

    def close(self) -> None:
        """The host closes it: no more is carried."""
        if self._line is not None and self.is_in:
            self._do("close", "", lambda: None, quiet=True)
        self._line = None

    def lines(self, dtr: bool, rts: bool) -> None:
        """The host moves DTR or RTS, which are inverted at the board."""
        what = f"dtr {dtr:d} rts {rts:d}"
        self._do("reset line", what, lambda: self._lines.set(dtr, rts))

    def send(self, data: bytes) -> None:
        """The host writes."""
        self._do(*self._named(data), lambda: self.board.serial_write(data))

    def wait(self, condition: Callable[[], object], seconds: float) -> None:
        """Let the board run until something has happened."""
        self.bench.world.run_until(condition, seconds)

    def must_be_in(self) -> None:
        """Refuse to carry anything once it is pulled."""
        if not self.is_in:
            raise serial.SerialException(errno.EIO, "the cable is out")

    def _do(self, kind: str, what: str, work: Callable[[], object], quiet: bool = False) -> None:
        self.must_be_in()
        done = Operation(len(self.operations) + 1, self._visit, kind, what)
        self.operations.append(done)
        pull = self.pull
        if pull is None or pull.number != done.number:
            work()
            return
        self.fired = done
        if pull.kind == ANSWER:
            work()
        elif pull.kind == POWER:
            self._half(work)
        if pull.kind != POWER:
            self.bench.run_for(SETTLE_S)
        if not quiet:
            self.must_be_in()

    def _half(self, work: Callable[[], object]) -> None:
        """Do it until it changes the flash, half of that, and cut the power."""
        board = self.board
        self._tear = True
        board.flash.cut_in(1, torn=True)
        try:
            work()
            self.bench.world.run_until(lambda: board.state == "off", SETTLE_S)
        except _PowerLost:
            pass
        finally:
            self._tear = False
            board.flash.faults.cut_at = 0
        board.power_off()

    def _named(self, data: bytes) -> tuple[str, str]:
        if data[:2] == b"\xc0\x00":
            return "loader", _COMMANDS.get(data[2], f"{data[2]:#x}").lower()
        if data[:1] == b"\xc0":
            return "loader", "acknowledge"
        if data[:2] not in (smp.FIRST, smp.NEXT):
            return "console", repr(data)
        frame = self._frames.feed(data)
        if frame is None:
            return "smp", "part of a request"
        op, group, sequence, command, body = smp.unpack(frame)
        name = body.get("name", "")
        if group == 3 and op == smp.WRITE and name:
            self.settings.append((sequence, name, bytes(body["val"])))
        verb = "write" if op == smp.WRITE else "read"
        return "smp", f"{_GROUPS.get(group, group)} {verb} {name or command}"


class _PowerLost(Exception):
    """The power went in the middle of a write."""


class Line(serial.SerialBase):
    """The host's end of a cable, as pyserial has it: for esptool and for SMP."""

    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        self._levels = True, True
        self.arrived = b""
        super().__init__()
        self.port = NAME

    def open(self) -> None:
        clock.use(self._cable.bench.world)
        self.is_open = True
        try:
            self._cable.open(self)
        except serial.SerialException:
            self.is_open = False
            raise

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._cable.close()

    def _reconfigure_port(self) -> None: ...
    def flush(self) -> None: ...
    def reset_output_buffer(self) -> None: ...

    def _update_dtr_state(self) -> None:
        self._move()

    def _update_rts_state(self) -> None:
        self._move()

    def _move(self) -> None:
        levels = bool(self.dtr), bool(self.rts)
        if self.is_open and levels != self._levels:
            self._levels = levels
            self._cable.lines(*levels)

    @property
    def in_waiting(self) -> int:
        self._cable.must_be_in()
        return len(self.arrived)

    def reset_input_buffer(self) -> None:
        self.arrived = b""

    def write(self, data: Any) -> int:
        self._cable.send(bytes(data))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        self._cable.must_be_in()
        if len(self.arrived) < size and self.timeout != 0:
            timeout_s = 60.0 if self.timeout is None else self.timeout
            self._cable.wait(lambda: len(self.arrived) >= size, timeout_s)
        data, self.arrived = self.arrived[:size], self.arrived[size:]
        return data
