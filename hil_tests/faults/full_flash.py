"""A file system without room: what others may have left on a unit's flash.

board.power_off()
full = FullFlash(board, free_blocks=6)
board.power_on()
...
assert full.was_full()
"""

from __future__ import annotations

from littlefs import LittleFS

from ..virtual.board import VirtualBoard
from ..virtual.flash import SECTOR, FlashOp
from ..virtual.partitions import find

NAME = "/filler"


class FullFlash:
    """Fills the file system of a board that is off but for some blocks; `empty()` undoes it."""

    def __init__(self, board: VirtualBoard, free_blocks: int) -> None:
        self.board = board
        partition = find(board.hardware.table, "vfs")
        assert partition is not None and board.state == "off"
        self.offset, self.size = partition.offset, partition.size
        fs = self._mount()
        with fs.open(NAME, "wb") as file:
            for _ in range(fs.block_count - fs.used_block_count - free_blocks):
                file.write(bytes(SECTOR))
        self._store(fs)
        self.least_free = fs.block_count - fs.used_block_count
        self._before = board.flash.before_op
        board.flash.before_op = self._look

    def empty(self) -> None:
        """Removes the file again; the board must be off."""
        assert self.board.state == "off"
        fs = self._mount()
        fs.remove(NAME)
        self._store(fs)
        self.board.flash.before_op = self._before

    def was_full(self) -> bool:
        """Whether it came to the last block: the next one that was wanted was not there."""
        return self.least_free <= 1

    def _look(self, op: FlashOp) -> None:
        if op.kind == "erase" and self.offset <= op.address < self.offset + self.size:
            fs = self._mount()
            self.least_free = min(self.least_free, fs.block_count - fs.used_block_count)

    def _mount(self) -> LittleFS:
        fs = LittleFS(block_size=SECTOR, block_count=self.size // SECTOR, mount=False)
        fs.context.buffer[:] = self.board.flash.read(self.offset, self.size)
        fs.mount()
        return fs

    def _store(self, fs: LittleFS) -> None:
        self.board.flash.load(self.offset, bytes(fs.context.buffer))
