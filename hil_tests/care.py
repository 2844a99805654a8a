"""Brings a board into a known state as seldom as possible: flash, boot, reset, each counted.

A flash wears with each write and a boot takes seconds, so a session flashes once, a module boots
once, and a test resets. A board that does not come back climbs the ladder.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .ladder import Ladder

if TYPE_CHECKING:
    from .rig import RigBoard


class Care:
    """One board's care; `counts` has flash, boot, reset."""

    def __init__(self, name: str, board: RigBoard, prompt: bytes = b"fieldbeat> ") -> None:
        self.name = name
        self.board = board
        self.ladder = Ladder(name, board.console, board.lines, board.power, prompt)
        self.counts: Counter[str] = Counter()

    def flash(self, image: bytes, secrets: bytes | None = None) -> None:
        """Fills the flash; the board boots afterwards."""
        self.ladder.check()
        self.counts["flash"] += 1
        self.board.flasher.flash(image, secrets)

    def boot(self) -> None:
        """From no supply to the prompt, and makes sure that this is the board that was named."""
        self.ladder.check()
        self.counts["boot"] += 1
        self.board.power.cycle()
        self._come_back()
        self.board.check_identity()

    def reset(self) -> None:
        """From wherever the last test left it to the prompt."""
        self.ladder.check()
        self.counts["reset"] += 1
        self.board.lines.reset()
        self._come_back()

    def _come_back(self) -> None:
        if not self.ladder.boots():
            self.ladder.climb()
