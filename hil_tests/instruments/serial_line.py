"""A serial port that console, lines and flasher of a real board share.

A thread reads it all the time, so that nothing is lost while a test does something else and a
port that disappears is noticed at once. esptool gets the port for itself by `released()`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import serial
from fieldbeat.host_tools import serial_port
from fieldbeat.host_tools.serial_port import PortError

from ..benches.blocked import Blocked

BACK_S = 15.0  # how long the system takes to find a USB device that got its supply again
READ_S = 0.1  # how long the reader needs at most to notice that it shall end
UNREAD_LIMIT = 1 << 20  # bytes kept for a reader that never comes

# pyserial's own, the system's, and what it makes of a port that is closed while it is read
LOST = (serial.SerialException, OSError, TypeError)


class SerialLine:
    """An open port; `url` is a device or anything that pyserial opens.

    Raises:
        Blocked: it is absent, busy or forbidden; later also that it was lost.
    """

    def __init__(self, url: str, baud: int = serial_port.CONSOLE_BAUD) -> None:
        self.url = url
        self.baud = baud
        self.callbacks: list[Callable[[bytes], object]] = []
        self.lost: Blocked | None = None
        self.may_vanish = False  # its supply is off, which takes a USB port away
        self._unread = bytearray()
        self._came = threading.Condition()
        self._port: Any = None
        self._thread: threading.Thread | None = None
        self._ending = False
        self.open()

    @property
    def port(self) -> Any:
        """pyserial's object, for the lines."""
        if self.lost or self._port is None:
            raise self.lost or Blocked(f"{self.url} is not open", "open the bench again")
        return self._port

    def open(self) -> None:
        """Opens the port and reads it from now on."""
        try:
            self._port = serial_port.open_port(self.url, self.baud, READ_S)
        except PortError as error:
            raise Blocked(error.message, error.next_step) from None
        self.lost = None
        self._ending = False
        self._thread = threading.Thread(target=self._pump, name=f"read {self.url}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Sends characters; none of them arrive while the supply is off."""
        if self.lost and self.may_vanish:
            return
        try:
            self.port.write(data)
        except LOST as error:
            refusal = self._lose(error)
            if not self.may_vanish:
                raise refusal from None

    def take(self, timeout_s: float) -> bytes:
        """What has come; waits for the first of it. Raises Blocked once the port is lost."""
        with self._came:
            self._came.wait_for(lambda: self._unread or self._missed, timeout_s)
            data = bytes(self._unread)
            self._unread.clear()
        if not data and self._missed:
            raise self._missed
        return data

    @property
    def _missed(self) -> Blocked | None:
        return None if self.may_vanish else self.lost

    def check(self) -> None:
        """Raises Blocked once the port is lost, unless its supply is off."""
        if self._missed:
            raise self._missed

    def come_back(self, wait_s: float = BACK_S) -> None:
        """Opens a port again that vanished with its supply, as soon as it is there."""
        self.may_vanish = False
        end_s = time.monotonic() + wait_s
        while self.lost:
            self.close()
            try:
                self.open()
            except Blocked:
                if time.monotonic() >= end_s:
                    raise
                time.sleep(READ_S)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Closes the port while the block runs, so that another program may have it."""
        self.close()
        try:
            yield
        except BaseException:
            try:
                self.open()
            except Blocked as blocked:  # what went wrong first is what counts
                self.lost = blocked
            raise
        self.open()

    def close(self) -> None:
        """Closes the port and ends the thread; may be called twice."""
        self._ending = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._port is not None:
            port, self._port = self._port, None
            try:
                port.close()
            except LOST:
                pass  # the cable was pulled

    def _pump(self) -> None:
        port = self._port
        while not self._ending:
            try:
                data = port.read(port.in_waiting or 1)
            except LOST as error:
                self._lose(error)
                return
            if data:
                self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        with self._came:
            self._unread += data
            del self._unread[:-UNREAD_LIMIT]
            self._came.notify_all()
        for callback in list(self.callbacks):
            callback(data)

    def _lose(self, error: Exception) -> Blocked:
        with self._came:
            if self.lost is None:
                reason = f"{self.url} was lost while in use ({' '.join(str(error).split())})"
                self.lost = Blocked(reason, "see to cable, hub and power, then run it again")
            self._came.notify_all()
            return self.lost
