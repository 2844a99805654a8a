"""The two buttons of a virtual board."""

from __future__ import annotations

from ..virtual.board import VirtualBoard


class VirtualLines:
    """Implements `Lines`."""

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board

    def reset(self) -> None:
        self.board.reset()

    def bootloader(self) -> None:
        self.board.download()
