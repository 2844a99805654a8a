"""A laptop's RS485 adapter as a Modbus RTU master: registers of one device, and who is there.

Frames are those of `protocols/modbus.py`, which the device uses as well.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import termios
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fieldbeat.protocols import modbus

from .errors import FieldbeatError
from .language import tr
from .serial_port import CONSOLE_BAUD, PortError, open_port

if TYPE_CHECKING:
    import serial

BAUDS = (9600, 4800, 19200, 2400, 38400, 115200, 57600, 1200)  # the likelier ones first
ADDRESSES = range(1, 248)
REPLY_S = 0.25  # probes answer within 50 to 200 ms; a slow one needs more
BITS = 11  # of a character at most
GAP_CHARACTERS = 3.5  # Modbus over serial line 1.02, 2.5.1.1
LEAST_GAP_S = 0.00175
READS = (modbus.HOLDING, modbus.INPUT)
EXCEPTIONS = {
    1: tr("it does not know this function: try the other one of 3 and 4"),
    2: tr("it has no such register: another map, or fewer registers"),
    3: tr("it does not give so many registers at once: ask for fewer"),
    4: tr("it has failed: look at its supply and its cable"),
    5: tr("it needs longer: ask again"),
    6: tr("it is busy: ask again"),
    10: tr("the gateway knows no way to it: look at the gateway's settings"),
    11: tr("the gateway got no answer of it: see to its supply, its cable and its address"),
}
# Ctrl-U drops a line that stands half typed on a unit's console, Return makes it show its prompt.
# On an RS485 line these are two bytes that belong to no frame: the silence after them ends them.
# A gateway behind a socket hears no silence and would take them for the begin of a request.
PROBE = b"\x15\r"
PROBE_S = 0.4
CONSOLE_WORDS = (b"fieldbeat> ", b">>> ", b"MicroPython", b"raw REPL", b"rst:0x")
GATEWAY = (10, 11)  # a gateway says so of a device that does not answer


class NoAnswer(FieldbeatError):
    """Nobody answered, or nothing that is an answer."""


class Refused(FieldbeatError):
    """The device answered with an exception, `code`."""

    def __init__(self, address: int, code: int) -> None:
        step = EXCEPTIONS.get(code, tr("look the code up in its manual"))
        super().__init__(
            tr("device {address} refused: exception {code}").format(address=address, code=code),
            step,
        )
        self.code = code


@dataclass(frozen=True)
class Found:
    """A device that answered, and how it was spoken to."""

    address: int
    baud: int
    framing: str


@dataclass(frozen=True)
class Heard:
    """Bytes that were no answer: at another speed, or two devices at once."""

    baud: int
    framing: str
    data: bytes


class ModbusLine:
    """One RS485 line.

    Args:
        url: the adapter, `/dev/ttyUSB0`, or any pyserial URL.
        baud: bits per second.
        framing: data bits, parity (N, E, O) and stop bits, as in "8N1".
        reply_s: how long a device may take until its answer begins.

    Raises:
        PortError: the port cannot be opened, or it is a unit's console.
    """

    def __init__(
        self, url: str, baud: int = 9600, framing: str = "8N1", reply_s: float = REPLY_S
    ) -> None:
        self.url = url
        self.reply_s = reply_s
        self._port: serial.SerialBase = open_port(url, baud, timeout_s=0)
        self.heard = b""  # of the last answer, or what was none
        if not url.startswith("socket://"):
            self._must_be_no_console()
        self.set_speed(baud, framing)

    def _must_be_no_console(self) -> None:
        """Raise PortError if a unit's console answers: a request's Ctrl-C would stop it."""
        self.set_speed(CONSOLE_BAUD, "8N1")
        heard = b""
        try:
            self._port.write(PROBE)
            end_s = time.monotonic() + PROBE_S
            while time.monotonic() < end_s and not _is_console(heard):
                time.sleep(0.01)
                heard += self._port.read(256)
        except OSError as error:
            self._port.close()
            raise self._lost(error) from None
        if _is_console(heard):
            self._port.close()
            raise PortError(
                tr("{url} is a unit's console and not an RS485 adapter").format(url=self.url),
                tr("give the adapter's port; the unit runs on"),
            )

    def _lost(self, error: OSError) -> PortError:
        step = tr("plug the adapter in again, and see its name in /dev")
        return PortError(tr("{url} is lost ({error})").format(url=self.url, error=error), step)

    def set_speed(self, baud: int, framing: str) -> None:
        """Go on with another speed and framing.

        Raises:
            PortError: the adapter cannot do that.
        """
        self.baud, self.framing = baud, framing
        try:
            self._port.baudrate = baud
            self._port.bytesize = int(framing[0])
            self._port.parity = framing[1]
            self._port.stopbits = int(framing[2])
        except (OSError, ValueError, termios.error):
            self._port.close()
            raise PortError(
                tr("{url} cannot do {baud} baud, {framing}").format(
                    url=self.url, baud=baud, framing=framing
                ),
                tr("leave that speed or framing out, or take another adapter"),
            ) from None

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def __enter__(self) -> ModbusLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, address: int, function: int, register: int, count: int) -> list[int]:
        """Return `count` registers, 0 to 65535 each.

        Raises:
            NoAnswer: nobody answered, or another one, or the answer was damaged.
            Refused: the device answered with an exception.
            PortError: the adapter is gone, or it is a unit's console.
        """
        try:
            return self._ask(address, function, register, count)
        except OSError as error:
            raise self._lost(error) from None

    def _ask(self, address: int, function: int, register: int, count: int) -> list[int]:
        self._send(modbus.read_request(address, function, register, count))
        self.heard = b""
        size = modbus.response_size(count)
        end_s = time.monotonic() + self.reply_s
        while time.monotonic() < end_s:
            data = self._port.read(256)
            if not data:
                time.sleep(0.001)
                continue
            self.heard += data
            # From now on only silence ends it, an adapter's own delay (16 ms) included.
            end_s = time.monotonic() + 0.05 + BITS * size / self.baud
            try:
                view = modbus.parse_response(self.heard, address, function, count)
            except modbus.ModbusError as error:
                if error.code is not None:
                    raise Refused(address, error.code) from None
                continue
            return [view[i] << 8 | view[i + 1] for i in range(0, 2 * count, 2)]
        if _is_console(self.heard):
            raise PortError(
                tr(
                    "{url} is a unit's console and not an RS485 adapter, and its program may "
                    "have been stopped"
                ).format(url=self.url),
                tr(
                    "start it again with 'mpremote connect {url} reset' or its button EN, "
                    "and give the adapter's port"
                ).format(url=self.url),
            )
        raise self._no_answer(address)

    def _send(self, request: bytes) -> None:
        time.sleep(max(LEAST_GAP_S, GAP_CHARACTERS * BITS / self.baud))
        while self._port.read(256):  # a late answer to an earlier request
            pass
        self._port.write(request)
        self._port.flush()

    def _no_answer(self, address: int) -> NoAnswer:
        how = tr("at {baud} baud, {framing}").format(baud=self.baud, framing=self.framing)
        if not self.heard:
            return NoAnswer(
                tr("device {address} does not answer {how}").format(address=address, how=how),
                tr(
                    "see to its supply, A and B (swapped?) and its address; 'fieldbeat "
                    "modbus scan --port {url}' looks for it"
                ).format(url=self.url),
            )
        return NoAnswer(
            tr("no answer of device {address} {how}, but {count} bytes: {value}").format(
                address=address, how=how, count=len(self.heard), value=self.heard[:16].hex(" ")
            ),
            tr("another speed or framing, two devices with one address, or another one answered"),
        )


def _is_console(heard: bytes) -> bool:
    return any(word in heard for word in CONSOLE_WORDS)


def blocks(numbers: Iterable[int], most: int = 32) -> Iterator[tuple[int, int]]:
    """Yield (first register, how many) for registers without gaps, in order."""
    first = count = 0
    for number in sorted(set(numbers)):
        if count and number == first + count and count < most:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count


def is_there(line: ModbusLine, address: int) -> bool:
    """Whether a device answers; a refusal is an answer, too."""
    for function in READS:
        try:
            line.read(address, function, 0, 1)
            return True
        except Refused as refusal:
            return refusal.code not in GATEWAY
        except NoAnswer:
            if not line.heard:
                return False
    return False


def scan(
    line: ModbusLine,
    addresses: Iterable[int] = ADDRESSES,
    bauds: Iterable[int] = BAUDS,
    framings: Iterable[str] = ("8N1",),
) -> Iterator[Found | Heard | None]:
    """Ask each address at each speed; yield who answers, what was heard else, or None for silence.

    One value comes for each question, so that a person can see how far it is.
    """
    addresses = list(addresses)
    for framing in framings:
        for baud in bauds:
            line.set_speed(baud, framing)
            for address in addresses:
                if is_there(line, address):
                    yield Found(address, baud, framing)
                elif line.heard:
                    yield Heard(baud, framing, line.heard)
                else:
                    yield None


def existing(line: ModbusLine, address: int, function: int, numbers: range) -> list[int]:
    """Return which registers of a range a device has: one question, or one each if it refuses.

    Raises:
        NoAnswer: it does not answer.
    """
    found: list[int] = []
    waiting = [numbers]
    while waiting:
        part = waiting.pop()
        try:
            line.read(address, function, part.start, len(part))
            found += part
        except Refused as refusal:
            if refusal.code not in (2, 3):
                raise
            if len(part) > 1:
                middle = part.start + len(part) // 2
                waiting += [range(middle, part.stop), range(part.start, middle)]
    return sorted(found)
