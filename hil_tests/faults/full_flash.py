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
HOUR_US = 3_600_000_000


class FullFlash:
    """Fills the file system of a board that is off but for some blocks; `empty()` undoes it.

    Args:
        board: it must be off.
        free_blocks: what is left free.
        by_statvfs: as the unit's `statvfs` tells it. MicroPython's littlefs counts the two blocks
            of each folder below the root twice; they are added here.
    """

    def __init__(self, board: VirtualBoard, free_blocks: int, by_statvfs: bool = False) -> None:
        self.board = board
        partition = find(board.hardware.table, "vfs")
        assert partition is not None and board.state == "off"
        self.offset, self.size = partition.offset, partition.size
        fs = self._mount()
        if by_statvfs:
            free_blocks += 2 * sum(len(folders) for _, folders, _ in fs.walk("/"))
        blocks = _free(fs) - free_blocks - 4  # the list of a file's blocks takes some, too
        with fs.open(NAME, "wb") as file:
            file.write(bytes(SECTOR * blocks))
        while _free(fs) > free_blocks:
            with fs.open(NAME, "ab") as file:
                file.write(bytes(SECTOR))
        self._store(fs)
        self._full = False
        self._next_look_us = 0
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
        """Whether the unit took the last block: the next one that it wanted was not there."""
        return self._full

    def _look(self, op: FlashOp) -> None:
        # Once an hour: to mount takes longer than what the unit does meanwhile.
        now_us = self.board.world.now_us
        inside = self.offset <= op.address < self.offset + self.size
        if op.kind == "erase" and inside and not self._full and now_us >= self._next_look_us:
            self._full = _free(self._mount()) <= 1
            self._next_look_us = now_us + HOUR_US
        if self._before is not None:
            self._before(op)

    def _mount(self) -> LittleFS:
        fs = LittleFS(block_size=SECTOR, block_count=self.size // SECTOR, mount=False)
        fs.context.buffer[:] = self.board.flash.read(self.offset, self.size)
        fs.mount()
        return fs

    def _store(self, fs: LittleFS) -> None:
        self.board.flash.load(self.offset, bytes(fs.context.buffer))


def _free(fs: LittleFS) -> int:
    return fs.block_count - fs.used_block_count
