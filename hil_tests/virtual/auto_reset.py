"""The circuit between DTR, RTS and a board's EN and IO0: two transistors, as on most ESP32 boards.

    DTR  RTS   EN    IO0
    off  off   high  high
    on   on    high  high
    off  on    low   high   in reset
    on   off   high  low    a reset that ends now ends in the serial loader

A capacitor at EN lets IO0 be pulled a little after EN is let go. On a real board that is about
10 ms; a network port changes its lines one by one, 50 ms apart. So a reset that ends by DTR (both
on) waits for the line that must follow, however long the network takes, up to STRAP_US.
"""

from __future__ import annotations

from .board import VirtualBoard
from .world import Event

STRAP_US = 1_000_000


class AutoReset:
    """Turns the two modem lines into `hold`, `reset` and `download` of a board."""

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self.dtr = False
        self.rts = False
        self._in_reset = False
        self._waiting: Event | None = None  # both lines on after a reset: which goes first?

    def set(self, dtr: bool | None = None, rts: bool | None = None) -> None:
        """Sets one line or both; None leaves it."""
        before = self.dtr, self.rts
        self.dtr = self.dtr if dtr is None else dtr
        self.rts = self.rts if rts is None else rts
        if (self.dtr, self.rts) == before:
            return
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self.rts and not self.dtr:
            self._in_reset = True
            self.board.hold()
        elif self._in_reset and self.rts:
            self._waiting = self.board.world.call_after(STRAP_US, self._release)
        elif self._in_reset:
            self._release()

    def _release(self) -> None:
        self._in_reset = False
        self._waiting = None
        if self.dtr and not self.rts:
            self.board.download()
        else:
            self.board.reset()
