"""The supply of a virtual board."""

from __future__ import annotations

from ..virtual.board import VirtualBoard
from . import waiting


class VirtualPower:
    """Implements `Power`; `cycle` stays off for `off_s`, `close` leaves the board `after_on`."""

    def __init__(self, board: VirtualBoard, off_s: float = 2.0, after_on: bool = True) -> None:
        self.board = board
        self.off_s = off_s
        self.after_on = after_on

    def on(self) -> None:
        self.board.power_on()

    def off(self) -> None:
        self.board.power_off()

    def cycle(self) -> None:
        self.off()
        waiting.run_for(self.board.world, self.off_s)
        self.on()

    def is_on(self) -> bool:
        return self.board.state != "off"

    def close(self) -> None:
        self.on() if self.after_on else self.off()
