"""EN and IO0 of a real board by DTR and RTS, through the two transistors of its USB circuit.

The circuit pulls EN low while RTS alone is asserted and IO0 while DTR alone is; both asserted, as
after opening the port, is the same as none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..benches.blocked import Blocked
from .serial_line import LOST, SerialLine

NO_LINES = ("socket://", "loop://", "spy://")


class SerialLines:
    """Implements `Lines` by esptool's own sequences."""

    def __init__(self, line: SerialLine) -> None:
        self.line = line

    def reset(self) -> None:
        from esptool.reset import HardReset

        def pulse(port: Any) -> None:
            port.dtr = False
            HardReset(port).reset()

        self._drive(pulse)

    def bootloader(self) -> None:
        from esptool.reset import ClassicReset, UnixTightReset

        # Over a network the lines change one by one, 50 ms apart: its server has to allow for it.
        remote = "://" in self.line.url
        self._drive(lambda port: (ClassicReset if remote else UnixTightReset)(port).reset())

    def _drive(self, sequence: Callable[[Any], object]) -> None:
        port = self.line.port
        try:
            if self.line.url.startswith(NO_LINES):
                raise OSError("no such lines")
            sequence(port)
        except LOST as error:
            if self.line.lost:
                raise self.line.lost from None
            reason = f"{self.line.url} cannot drive DTR and RTS ({error})"
            step = "write lines = false for this board, or use a port that has them (rfc2217://)"
            raise Blocked(reason, step) from None
