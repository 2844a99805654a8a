"""Says AT commands to a modem: at a serial port of its own, or by way of a unit's shell.

Source: ITU-T V.250 (lines and final results), 3GPP TS 27.007, 9.2 (numbers of errors).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from . import serial_port
from .errors import CannotTry
from .language import tr
from .unit_words import in_words

if TYPE_CHECKING:
    from .smp_link import SmpLink

LOOK_S = 0.01  # between two looks at a port
ANSWER_S = 2.0
SYNC_S = 3.0  # for each speed: the first lines only wake a modem, or tell it the speed
IN_USE_S, BETWEEN_S = 120.0, 5.0  # while a unit itself is on the air
BOOT_S = 12.0  # a modem that got its supply with this port boots first
FINALS = ("OK", "ERROR", "+CME ERROR", "+CMS ERROR")


@dataclass(frozen=True)
class Clock:
    """The time of day, Unix seconds, and a way to let it pass."""

    now_s: Callable[[], float] = field(default=time.time)
    sleep: Callable[[float], object] = field(default=time.sleep)


WALL = Clock()


class Reply(NamedTuple):
    """What a modem said to a command; `final` is '' where it said nothing in time."""

    lines: tuple[str, ...]
    final: str

    @property
    def done(self) -> bool:
        return self.final == "OK"

    def row(self, name: str) -> list[str]:
        """Return the fields of the last line that begins with a name; [] without one."""
        found = [line for line in self.lines if line.startswith(name)]
        return fields(found[-1].removeprefix(name)) if found else []


class Line(Protocol):
    """Says a command and returns what came back."""

    def ask(self, text: str, timeout_s: float = ANSWER_S) -> Reply: ...


def fields(text: str) -> list[str]:
    """Return what stands between commas, without quotes and a leading colon."""
    values, quoted, value = [], False, ""
    for character in text.lstrip(": "):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            values.append(value.strip())
            value = ""
        else:
            value += character
    return [*values, value.strip()]


def is_final(line: str) -> bool:
    """Whether a line ends the reply to a command."""
    return any(line == final or line.startswith(f"{final}:") for final in FINALS)


class PortLine:
    """A modem at a serial port; a context manager that opens and closes it.

    Args:
        port: serial device, PTY or pyserial URL.
        bauds: speeds at which it may answer, the likeliest first.
        clock: default: the wall clock.

    Raises:
        CannotTry: the port cannot be opened, or no modem answers there.
    """

    def __init__(self, port: str, bauds: Sequence[int], clock: Clock | None = None) -> None:
        self.port, self._bauds = port, tuple(bauds)
        self._clock = clock or WALL
        self._text = ""
        self._serial: Any = None

    def __enter__(self) -> Self:
        self._serial = serial_port.open_port(self.port, self._bauds[0], timeout_s=0)
        try:
            self._sync()
        except BaseException:
            self._serial.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._serial.close()

    def _sync(self) -> None:
        """Find the speed at which it answers."""
        begin_s = self._clock.now_s()
        while True:
            for baud in self._bauds:
                self._serial.baudrate = baud
                end_s = self._clock.now_s() + SYNC_S
                while self._clock.now_s() < end_s:
                    if self.ask("AT", 0.5).done:
                        return
            if self._clock.now_s() - begin_s > BOOT_S:
                break
        tried = ", ".join(map(str, self._bauds))
        message = tr("the modem at {port} is silent: no answer to AT at {bauds} baud")
        raise CannotTry(
            message.format(port=self.port, bauds=tried),
            tr("see its supply, TX and RX crossed, ground, its power key; or try another port"),
        )

    def ask(self, text: str, timeout_s: float = ANSWER_S) -> Reply:
        """Say a command; lines that belong to nothing are among those that are returned."""
        try:
            self._serial.reset_input_buffer()
            self._text = ""
            self._serial.write(f"{text}\r\n".encode("ascii"))
            return self._reply(text, timeout_s)
        except OSError:  # SerialException is one
            message = tr("{port} was lost").format(port=self.port)
            step = tr("plug the modem in again; another program may have taken the port")
            raise CannotTry(message, step) from None

    def _reply(self, text: str, timeout_s: float) -> Reply:
        lines: list[str] = []
        end_s = self._clock.now_s() + timeout_s
        while True:
            for line in self._lines():
                if is_final(line):
                    return Reply(tuple(lines), line)
                if line != text:  # its echo
                    lines.append(line)
            if self._clock.now_s() >= end_s:
                return Reply(tuple(lines), "")
            self._clock.sleep(LOOK_S)

    def _lines(self) -> list[str]:
        """Return the lines that are complete."""
        came = self._serial.read(self._serial.in_waiting or 1)
        self._text += came.decode("ascii", "replace").replace("\r", "\n")
        *whole, self._text = self._text.split("\n")
        return [line.strip() for line in whole if line.strip()]


class UnitLine:
    """The modem of a unit, spoken to with the verb `at` of its shell.

    Args:
        link: the unit, which answers and is not locked.
        clock: default: the wall clock.
    """

    def __init__(self, link: SmpLink, clock: Clock | None = None) -> None:
        self._link = link
        self._clock = clock or WALL

    def ask(self, text: str, timeout_s: float = ANSWER_S) -> Reply:
        """Say a command; the unit waits for its end itself, and this waits until it has time.

        Raises:
            CannotTry: it does not pass it on, and why.
        """
        end_s = self._clock.now_s() + IN_USE_S
        while True:
            told, failed = self._link.run(["at", text])
            if not failed:
                break
            if "in use" not in told or self._clock.now_s() >= end_s:
                message = tr("the unit's modem cannot be asked: {told}").format(
                    told=in_words(told)
                )
                raise CannotTry(message, tr("see the modem's supply, plug and antenna"))
            self._clock.sleep(BETWEEN_S)
        lines = [line.strip() for line in told.splitlines() if line.strip()]
        final = lines.pop() if lines and is_final(lines[-1]) else ""
        return Reply(tuple(lines), final.partition(" (")[0])  # it tells what an error means
