"""The unit's littlefs as bytes: packed for an image, and read back."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import CannotTry
from .language import tr

BLOCK_SIZE = 4096  # bytes: the erase sector of the flash
LITTLEFS_VERSION = 0x00020000  # what MicroPython 1.25 reads; newer ones upgrade no older disk

# MicroPython's VfsLfs2 uses these sizes, and a first mount that finds others rewrites metadata.
LITTLEFS_SIZES = {"read_size": 32, "prog_size": 32, "cache_size": 128, "lookahead_size": 32}


class FileSystemError(CannotTry):
    """Files that do not fit, or a file system that cannot be read."""


class Memory:
    """What littlefs stands on. The library's own makes a line for a log of every access.

    That takes half of the time of an image.
    """

    def __init__(self, buffer: bytearray) -> None:
        self.buffer = buffer
        self.blocks_read: set[int] = set()

    def read(self, config: Any, block: int, offset: int, size: int) -> bytearray:
        """Return some bytes."""
        self.blocks_read.add(block)
        start = block * config.block_size + offset
        return self.buffer[start : start + size]

    def prog(self, config: Any, block: int, offset: int, data: bytes) -> int:
        """Write into an erased block; 0 is success."""
        start = block * config.block_size + offset
        self.buffer[start : start + len(data)] = data
        return 0

    def erase(self, config: Any, block: int) -> int:
        """Set a block to ones; 0 is success."""
        size = config.block_size
        self.buffer[block * size : (block + 1) * size] = b"\xff" * size
        return 0

    def sync(self, config: Any) -> int:
        """Nothing is held back."""
        return 0


def pack(content: dict[str, bytes], size: int) -> bytes:
    """Return a littlefs image of `size` bytes that holds these files.

    Raises:
        FileSystemError: they do not fit.
    """
    from littlefs import LittleFS, LittleFSError

    memory = Memory(bytearray(b"\xff" * size))
    disk = LittleFS(
        context=memory,
        block_size=BLOCK_SIZE,
        block_count=size // BLOCK_SIZE,
        disk_version=LITTLEFS_VERSION,
        **LITTLEFS_SIZES,
    )
    try:
        for path, data in sorted(content.items()):
            if "/" in path:
                disk.makedirs(path.rpartition("/")[0], exist_ok=True)
            with disk.open(path, "wb") as file:
                file.write(data)
    except LittleFSError as error:
        total = sum(map(len, content.values()))
        message = tr(
            "{total} bytes of files do not fit in {size} bytes of littlefs: {error}"
        ).format(total=total, size=size, error=error)
        raise FileSystemError(message, tr("use a board with a bigger 'vfs' partition")) from None
    return bytes(memory.buffer)


def unpack(content: bytes, names: tuple[str, ...], source: str) -> dict[str, bytes]:
    """Return some of the files of a littlefs image.

    Raises:
        FileSystemError: the file system or one of the files cannot be read.
    """
    with _mounted(content, source) as disk:
        return {name: disk.open(name, "rb").read() for name in names}


def used(content: bytes, source: str) -> int:
    """Return how many bytes of a littlefs image are taken, in whole blocks.

    Raises:
        FileSystemError: the file system cannot be read.
    """
    with _mounted(content, source) as disk:
        return disk.used_block_count * BLOCK_SIZE


def blocks_in_use(content: bytes, source: str) -> set[int]:
    """Return the numbers of the blocks that a littlefs looks into before it erases them.

    That is what is read when all of it is read: files, and both blocks of each pair of metadata.
    Every other block is erased by littlefs before it is used, whatever it holds.

    Raises:
        FileSystemError: the file system or one of the files cannot be read.
    """
    with _mounted(content, source) as disk:
        for folder, _, names in disk.walk("/"):
            for name in names:
                disk.open(f"{folder.rstrip('/')}/{name}", "rb").read()
        return set(disk.context.blocks_read)


@contextmanager
def _mounted(content: bytes, source: str) -> Iterator[Any]:
    from littlefs import LittleFS, LittleFSError

    try:
        disk = LittleFS(
            context=Memory(bytearray(content)),
            block_size=BLOCK_SIZE,
            block_count=len(content) // BLOCK_SIZE,
            disk_version=LITTLEFS_VERSION,
            mount=False,  # with True it would format what it cannot mount
            **LITTLEFS_SIZES,
        )
        disk.mount()
        yield disk
    except (LittleFSError, OSError) as error:
        message = tr("{source}: its file system cannot be read ({error})").format(
            source=source, error=error
        )
        raise FileSystemError(message, tr("build the image again")) from None
