"""Boards on a desk, without a site around them: what tests of ports and pins stand on."""

from __future__ import annotations

from .virtual.board import VirtualBoard
from .virtual.world import World

# How lines begin that the ROM and the REPL print.
OTHERS = ("rst:0x", "MicroPython ", 'Type "help()"', ">>> ")


class BareDesk:
    """A world and the boards in it; a test module says in its own `Desk` what they are.

    The fixture `desk` makes `Desk(folder)` of the module that asks for it, and closes it.
    """

    def __init__(self, world: World, *boards: VirtualBoard) -> None:
        self.world = world
        self.boards = boards
        self.board = boards[0]

    def printed(self) -> list[str]:
        """The lines that the board's programs have printed, without the ROM's and the REPL's."""
        lines = self.board.output.decode().replace("\r\n", "\n").split("\n")
        return [line for line in lines if line and not line.startswith(OTHERS)]

    def close(self) -> None:
        """Ends boards and world; no process stays behind."""
        self.world.stop_real()
        for board in self.boards:
            board.close()
        self.world.close()
