"""The flash image of a unit: base firmware, partition table and littlefs in one file.

The same inputs give the same bytes. There is nothing secret in an image: identity and keys go into
the `nvs` partition, which is left blank here (see `nvs_image.py`).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Any

from fieldbeat.protocols import cbor

from . import app_files, boards, esp_image, partition_table, profiles, standin
from .boards import Board
from .errors import FieldbeatError
from .node_config import NodeConfig
from .partition_table import Partition

BLANK = 0xFF
BLOCK_SIZE = 4096  # bytes: the erase sector of the flash
LITTLEFS_VERSION = 0x00020000  # what MicroPython 1.25 reads; newer ones upgrade no older disk

# MicroPython's VfsLfs2 uses these sizes, and a first mount that finds others rewrites metadata.
LITTLEFS_SIZES = {"read_size": 32, "prog_size": 32, "cache_size": 128, "lookahead_size": 32}


class ImageError(FieldbeatError):
    """An image that cannot be built or used."""


@dataclass(frozen=True)
class ImageInfo:
    """What an image says of itself."""

    board_id: str
    chip: str
    flash_bytes: int
    virtual: bool
    node: str
    app_version: str
    build_id: str
    micropython: str
    table: list[Partition]


def build(config: NodeConfig, base: bytes | None = None, base_name: str = "base") -> bytes:
    """Return the whole flash content for one node.

    Args:
        config: the checked configuration.
        base: an official MicroPython build for this board, beginning at its flash offset; None
        takes the stand-in for virtual boards. base_name: what to call the base in messages.

    Raises:
        ImageError: the base is of another chip, or something does not fit.
    """
    board = config.board
    version = board.micropython.version
    base = standin.base(board.chip, version) if base is None else base
    table = board.partition_table()
    _check_base(base, board, table, base_name)
    image = bytearray([BLANK]) * board.flash_bytes
    _put(image, board.micropython.offset, base)
    for part in table:  # a merged build fills the gaps between its parts; ours are blank
        if part.type == partition_table.DATA:
            _put(image, part.offset, bytes([BLANK]) * part.size)
    sector = partition_table.to_bytes(table).ljust(partition_table.SECTOR, bytes([BLANK]))
    _put(image, partition_table.TABLE_OFFSET, sector)
    vfs = partition_table.find(table, "vfs")
    _put(image, vfs.offset, file_system(files(config), vfs.size))
    return bytes(image)


def _put(image: bytearray, offset: int, data: bytes) -> None:
    image[offset : offset + len(data)] = data


def _check_base(base: bytes, board: Board, table: list[Partition], name: str) -> None:
    offset = board.micropython.offset
    app = next(part for part in table if part.type == partition_table.APP)
    remedy = f"give the merged build {board.micropython.build} for {board.chip}"
    for what, position in (("boot loader", offset), ("app", app.offset)):
        chip = esp_image.chip_of(base[position - offset :])
        if chip != board.chip:
            raise ImageError(f"{name} has no {what} for {board.chip} at {position:#x}", remedy)
    if offset + len(base) > app.end:
        over = offset + len(base) - app.end
        raise ImageError(f"{name} is {over} bytes too big for partition '{app.name}'", remedy)


def files(config: NodeConfig) -> dict[str, bytes]:
    """Return the unit's file system as path -> content."""
    sources = app_files.source_files()
    slot = app_files.slot_files(sources)
    app = {"version": metadata.version("fieldbeat"), "build_id": app_files.build_id(slot)}
    result = {
        "boot.py": sources[app_files.BOOT],
        "main.py": app_files.MAIN_SOURCE,
        "app.cbor": cbor.encode(app),
        "board.cbor": cbor.encode(boards.device_map(config.board.id)),
        "profile.cbor": cbor.encode(profiles.device_map(config.profile.id)),
        "config.cbor": cbor.encode(config.to_device_map()),
    }
    return result | {f"{app_files.SLOT}/{path}": content for path, content in slot.items()}


def file_system(content: dict[str, bytes], size: int) -> bytes:
    """Return a littlefs image of `size` bytes that holds these files.

    Raises:
        ImageError: they do not fit.
    """
    from littlefs import LittleFS, LittleFSError

    disk = LittleFS(
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
        raise ImageError(message, "use a board with a bigger 'vfs' partition") from None
    return bytes(disk.context.buffer)


def read_files(image: bytes, names: tuple[str, ...], source: str) -> dict[str, bytes]:
    """Return some files out of an image's littlefs.

    Raises:
        ImageError: the file system or one of the files cannot be read.
    """
    from littlefs import LittleFS, LittleFSError, UserContext

    vfs = partition_table.find(partition_table.from_image(image, source), "vfs")
    content = bytes(image[vfs.offset : vfs.end])
    try:
        disk = LittleFS(
            context=UserContext(buffer=bytearray(content)),
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
        raise ImageError(message, "build the image again") from None


def inspect(image: bytes, source: str) -> ImageInfo:
    """Return what an image is, and refuse one that is cut short or damaged.

    Args:
        image: the whole file.
        source: its name, for messages.

    Raises:
        ImageError, PartitionError: it is no complete image of ours.
    """
    remedy = "build it again with 'fieldbeat build'"
    table = partition_table.from_image(image, source)
    if len(image) < max(part.end for part in table):
        raise ImageError(f"{source} is cut short, it has only {len(image)} bytes", remedy)
    read = read_files(image, ("board.cbor", "app.cbor", "config.cbor"), source)
    try:
        board, app, config = (cbor.decode(content) for content in read.values())
        info = _describe(image, table, board, app, config)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(f"{source}: it does not say what it is for ({error})", remedy) from None
    if len(image) != info.flash_bytes:
        message = (
            f"{source} has {len(image)} bytes, an image for {info.board_id} has {info.flash_bytes}"
        )
        raise ImageError(message, remedy)
    return info


def _describe(
    image: bytes, table: list[Partition], board: Any, app: Any, config: Any
) -> ImageInfo:
    firmware = next(part for part in table if part.type == partition_table.APP)
    description = esp_image.app_description(image[firmware.offset : firmware.end])
    return ImageInfo(
        board_id=board["id"],
        chip=board["chip"],
        flash_bytes=board["flash_mb"] * boards.MEGABYTE,
        virtual=description is not None and description.project == standin.PROJECT,
        node=config["node"]["name"],
        app_version=app["version"],
        build_id=app["build_id"],
        micropython=description.version if description else "",
        table=table,
    )
