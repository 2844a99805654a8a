"""The unit's littlefs as bytes: packed for an image, and read back."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from .errors import CannotTry

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

    def read(self, config: Any, block: int, offset: int, size: int) -> bytearray:
        """Return some bytes."""
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
        message = f"{total} bytes of files do not fit in {size} bytes of littlefs: {error}"
        raise FileSystemError(message, "use a board with a bigger 'vfs' partition") from None
    return bytes(memory.buffer)


def unpack(content: bytes, names: tuple[str, ...], source: str) -> dict[str, bytes]:
    """Return some of the files of a littlefs image.

    Raises:
        FileSystemError: the file system or one of the files cannot be read.
    """
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
        return {name: disk.open(name, "rb").read() for name in names}
    except (LittleFSError, OSError) as error:
        message = f"{source}: its file system cannot be read ({error})"
        raise FileSystemError(message, "build the image again") from None
