"""A stand-in for the official MicroPython build: the right format, and no program.

It takes the build's place in images for virtual boards, which bring their own interpreter. Tools
write it like any other image, but both of its parts have a wrong checksum: a real chip that gets
it by mistake starts nothing and stays in its ROM loader, where it can be flashed again.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from . import esp_image
from .esp_image import AppDescription

PROJECT = "fieldbeat-virtual"  # the mark by which `flash` tells virtual images from real ones
BOOT_LOADER_OFFSET = {"esp32": 0x1000, "esp32s3": 0}
APP_OFFSET = 0x10000

# Technical references, address mapping of the data bus: internal SRAM, and external flash.
_DRAM = {"esp32": 0x3FFF0000, "esp32s3": 0x3FC90000}
_FLASH_DATA = {"esp32": 0x3F400000, "esp32s3": 0x3C000000}
_TEXT = b"fieldbeat stand-in for virtual boards: there is no program here\0"


def base(chip: str, version: str) -> bytes:
    """Return a base firmware as a publisher would merge it: boot loader first, app at 0x10000.

    Args:
        chip: a key of BOOT_LOADER_OFFSET.
        version: the MicroPython version that it stands for.
    """
    boot_loader = esp_image.pack(chip, _DRAM[chip], _TEXT, startable=False)
    description = AppDescription(PROJECT, version, "none").to_bytes()
    address = _FLASH_DATA[chip] + esp_image.APP_DESC_POSITION
    app = esp_image.pack(chip, address, description + _TEXT, startable=False)
    return boot_loader.ljust(APP_OFFSET - BOOT_LOADER_OFFSET[chip], b"\xff") + app
