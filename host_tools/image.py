"""The flash image of a unit: base firmware, partition table and littlefs in one file.

The same inputs give the same bytes. There is nothing secret in an image: identity and keys go into
the `nvs` partition, which is left blank here (see `nvs_image.py`).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from importlib import metadata, resources

from fieldbeat.protocols import cbor

from . import (
    app_cache,
    app_files,
    boards,
    clips,
    esp_image,
    file_system,
    partition_table,
    profiles,
    standin,
)
from .app_pruning import Unit
from .board_model import Board
from .image_info import ImageError
from .language import tr
from .node_config import NodeConfig
from .partition_table import Partition

BLANK = 0xFF


def build(
    config: NodeConfig,
    base: bytes | None = None,
    base_name: str = "base",
    sounds: dict[str, bytes] | None = None,
) -> bytes:
    """Return the whole flash content for one node.

    Args:
        config: the checked configuration.
        base: an official MicroPython build for this board, beginning at its flash offset; None
            takes the stand-in for virtual boards.
        base_name: what to call the base in messages.
        sounds: clips of a loudspeaker, as `clips.read` returns them.

    Raises:
        ImageError: the base is of another chip, or something does not fit.
    """
    return assemble(config.board, contents(config, sounds or {}), base, base_name)


def contents(config: NodeConfig, sounds: dict[str, bytes]) -> dict[str, bytes]:
    """Return the unit's file system as path -> content, with the clips of a loudspeaker.

    Raises:
        ImageError: it plays no clips, or they leave it no room.
    """
    content = files(config)
    if sounds:
        _check_role(config)
        vfs = partition_table.find(config.board.partition_table(), "vfs")
        clips.check_room(sounds, content, vfs.size)
    return content | sounds


def assemble(
    board: Board, content: dict[str, bytes], base: bytes | None = None, base_name: str = "base"
) -> bytes:
    """Return the whole flash content of a board with these files; the rest is as for `build`."""
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
    _put(image, vfs.offset, file_system.pack(content, vfs.size))
    return bytes(image)


def _put(image: bytearray, offset: int, data: bytes) -> None:
    image[offset : offset + len(data)] = data


def _check_role(config: NodeConfig) -> None:
    if config.profile.role != "speaker":
        message = tr("profile '{id}' is of a {role}, it plays no clips").format(
            id=config.profile.id, role=config.profile.role
        )
        raise ImageError(message, tr("leave --clips out, or name the file of a loudspeaker"))


def _check_base(base: bytes, board: Board, table: list[Partition], name: str) -> None:
    offset = board.micropython.offset
    app = next(part for part in table if part.type == partition_table.APP)
    remedy = tr("give the merged build {build} for {chip}").format(
        build=board.micropython.build, chip=board.chip
    )
    for what, position in ((tr("boot loader"), offset), ("app", app.offset)):
        chip = esp_image.chip_of(base[position - offset :])
        if chip != board.chip:
            raise ImageError(
                tr("{name} has no {what} for {chip} at {position:#x}").format(
                    name=name, what=what, chip=board.chip, position=position
                ),
                remedy,
            )
    if offset + len(base) > app.end:
        over = offset + len(base) - app.end
        raise ImageError(
            tr("{name} is {over} bytes too big for partition '{name_2}'").format(
                name=name, over=over, name_2=app.name
            ),
            remedy,
        )


def files(config: NodeConfig) -> dict[str, bytes]:
    """Return the unit's file system as path -> content."""
    slot = app_cache.app_of(Unit(config.board, config.profile.role))
    boot = slot.pop(app_files.BOOT)
    app = {"version": metadata.version("fieldbeat"), "build_id": app_files.build_id(slot)}
    result = {
        "boot.py": boot,
        "main.py": app_files.MAIN_SOURCE,
        "app.cbor": cbor.encode(app),
        "board.cbor": cbor.encode(boards.device_map(config.board.id)),
        "profile.cbor": cbor.encode(profiles.device_map(config.profile.id)),
        "config.cbor": cbor.encode(config.to_device_map()),
    }
    if config.tables.node.language == "zh":  # what firmware/chinese.py reads
        result["zh.txt"] = resources.files("fieldbeat.firmware").joinpath("zh.txt").read_bytes()
    return result | {f"{app_files.SLOT}/{path}": content for path, content in slot.items()}
