"""The hash of the firmware in a unit's flash: of an image, after a comparison with the flash.

The firmware is what stands in the partition of the app, without the 0xFF behind it: for an image
of the same base it is the same, whatever the board's configuration is.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib

from . import flash_diff, partition_table, rom_loader
from .baud_rates import FAST_BAUD
from .errors import CannotTry
from .language import tr


def of(image: bytes, source: str) -> bytes:
    """Return the SHA-256 of the firmware in an image; `source` names it in messages.

    Raises:
        PartitionError: it is no image.
    """
    return hashlib.sha256(_firmware(image, source)[1]).digest()


def at(port: str, image: bytes, source: str, baud: int = FAST_BAUD) -> bytes:
    """Return the SHA-256 of the firmware of a unit, which has to be that of an image; it restarts.

    Raises:
        CannotTry: it is another one, or no boot loader answers.
    """
    offset, firmware = _firmware(image, source)
    with rom_loader.Visit(port) as visit, rom_loader.nothing_written(port):
        same = flash_diff.same(visit.prepared(baud), offset, firmware)
    if not same:
        message = tr("the firmware in this unit's flash is another one than in {source}")
        step = tr("name the image that it was flashed with, or flash it")
        raise CannotTry(message.format(source=source), step)
    return hashlib.sha256(firmware).digest()


def _firmware(image: bytes, source: str) -> tuple[int, bytes]:
    """Return where the firmware begins, and the firmware."""
    table = partition_table.from_image(image, source)
    part = next((part for part in table if part.type == partition_table.APP), None)
    content = image[part.offset : part.end].rstrip(b"\xff") if part else b""
    if part is None or not content:
        message = tr("{source} has no firmware in it").format(source=source)
        raise CannotTry(message, tr("name an image of 'fieldbeat build'"))
    return part.offset, content
