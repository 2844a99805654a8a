"""ESP32 application images: the header that every chip checks, and what the app says of itself.

Formats: esptool documentation, "Firmware Image Format"; ESP-IDF, `esp_app_desc_t`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import reduce
from operator import xor

MAGIC = 0xE9
CHIP_IDS = {"esp32": 0, "esp32s3": 9}
CHECKSUM_SEED = 0xEF

APP_DESC_MAGIC = 0xABCD5432
APP_DESC_POSITION = 0x20  # headers of 24 + 8 bytes; the description begins the first segment

_HEADER = struct.Struct("<BBBBI")  # magic, segments, SPI mode, flash size and speed, entry point
_EXTENDED = struct.Struct("<BBBBHBHHIB")  # WP pin, drive 3, chip id, revisions 3, reserved, hash
_SEGMENT = struct.Struct("<II")  # load address, length
_APP_DESC = struct.Struct("<II8x32s32s16s16s32s32sHHB3x72x")


@dataclass(frozen=True)
class AppDescription:
    """What an application image says of itself."""

    project: str
    version: str
    idf_version: str = ""

    def to_bytes(self) -> bytes:
        texts = (self.version, self.project, "", "", self.idf_version, "")
        return _APP_DESC.pack(APP_DESC_MAGIC, 0, *(text.encode() for text in texts), 0, 0xFFFF, 16)


def app_description(image: bytes) -> AppDescription | None:
    """Return the description in an application image, or None where there is none."""
    data = bytes(image[APP_DESC_POSITION : APP_DESC_POSITION + _APP_DESC.size])
    if len(data) < _APP_DESC.size or image[0] != MAGIC:
        return None
    magic, _, version, project, _, _, idf_version, *_ = _APP_DESC.unpack(data)
    if magic != APP_DESC_MAGIC:
        return None
    texts = (
        text.split(b"\0")[0].decode("utf-8", "replace") for text in (project, version, idf_version)
    )
    return AppDescription(*texts)


def chip_of(image: bytes) -> str | None:
    """Return the chip that an image is for, or None when it is no image of a chip we know."""
    if len(image) < _HEADER.size + _EXTENDED.size or image[0] != MAGIC:
        return None
    chip_id = _EXTENDED.unpack_from(image, _HEADER.size)[4]
    return next((chip for chip, number in CHIP_IDS.items() if number == chip_id), None)


def pack(chip: str, load_address: int, segment: bytes, startable: bool) -> bytes:
    """Return an image of one segment.

    Args:
        chip: the chip that the image names.
        load_address: where the segment would be mapped.
        segment: its bytes; padded to a multiple of 4.
        startable: False writes a wrong checksum, so that no chip starts it.
    """
    segment += b"\0" * (-len(segment) % 4)
    image = _HEADER.pack(MAGIC, 1, 2, 0x20, load_address)  # DIO, 4 MB, 40 MHz
    image += _EXTENDED.pack(0xEE, 0, 0, 0, CHIP_IDS[chip], 0, 0, 0xFFFF, 0, 0)
    image += _SEGMENT.pack(load_address, len(segment)) + segment
    checksum = reduce(xor, segment, CHECKSUM_SEED) ^ (0 if startable else 0xFF)
    padding = 15 - len(image) % 16  # the checksum is the last byte of a block of 16
    return image + b"\0" * padding + bytes([checksum])
