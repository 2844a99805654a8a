"""Boards on a desk, without a site around them: what tests of ports and pins stand on."""

from __future__ import annotations

from .virtual.board import VirtualBoard
from .virtual.world import World


class BareDesk:
    """A world and the boards in it; a test module says in its own `Desk` what they are.

    The fixture `desk` makes `Desk(folder)` of the module that asks for it, and closes it.
    """

    def __init__(self, world: World, *boards: VirtualBoard) -> None:
        self.world = world
        self.boards = boards
        self.board = boards[0]

    def close(self) -> None:
        """Ends boards and world; no process stays behind."""
        self.world.stop_real()
        for board in self.boards:
            board.close()
        self.world.close()
