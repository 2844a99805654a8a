"""What a flash image says of itself; an image that is cut short or damaged is refused here."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import esp_image, file_system, partition_table, standin, strict_cbor
from .errors import CannotTry
from .language import tr
from .partition_table import Partition

MEGABYTE = 1024 * 1024


class ImageError(CannotTry):
    """An image that cannot be built or used; nothing was written."""


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


def inspect(image: bytes, source: str) -> ImageInfo:
    """Return what an image is, and refuse one that is cut short or damaged.

    Args:
        image: the whole file.
        source: its name, for messages.

    Raises:
        ImageError, PartitionError: it is no complete image of ours.
    """
    remedy = tr("build it again with 'fieldbeat build'")
    if not image.strip(b"\0") or not image.strip(b"\xff"):
        raise ImageError(
            tr("{source} is empty, it is no image of ours").format(source=source),
            tr("name one that 'fieldbeat build' made"),
        )
    table = partition_table.from_image(image, source)
    if len(image) < max(part.end for part in table):
        raise ImageError(
            tr("{source} is cut short, it has only {count} bytes").format(
                source=source, count=len(image)
            ),
            remedy,
        )
    vfs = partition_table.find(table, "vfs")
    names = ("board.cbor", "app.cbor", "config.cbor")
    read = file_system.unpack(image[vfs.offset : vfs.end], names, source)
    try:
        board, app, config = (strict_cbor.loads(content) for content in read.values())
        info = _describe(image, table, board, app, config)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(
            tr("{source}: it does not say what it is for ({error})").format(
                source=source, error=error
            ),
            remedy,
        ) from None
    if len(image) != info.flash_bytes:
        message = tr("{source} has {count} bytes, {board_id} has {flash_bytes}").format(
            source=source, count=len(image), board_id=info.board_id, flash_bytes=info.flash_bytes
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
        flash_bytes=board["flash_mb"] * MEGABYTE,
        virtual=description is not None and description.project == standin.PROJECT,
        node=config["node"]["name"],
        app_version=app["version"],
        build_id=app["build_id"],
        micropython=description.version if description else "",
        table=table,
    )
