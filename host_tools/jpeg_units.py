"""The units that a JPEG file is made of: a unit cuts the gauge out of a picture along them.

ITU-T T.81: B.2.2 for the frame header, A.2 for what a unit is.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

USUAL = (16, 8)  # 4:2:2, as of most cameras
_START_OF_FRAME = (0xC0, 0xC1, 0xC2)
_START_OF_SCAN = 0xDA


def unit_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a file's units in pixels; of a damaged one the usual."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _START_OF_SCAN:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] in _START_OF_FRAME:
            return _of_frame(data[at + 4 : at + 2 + size])
        at += 2 + size
    return USUAL


def _of_frame(header: bytes) -> tuple[int, int]:
    count = header[5] if len(header) > 5 else 0
    factors = header[7 : 6 + 3 * count : 3]
    if not count or len(factors) != count:
        return USUAL
    if count == 1:  # T.81, A.2.2: then a unit is one block
        return 8, 8
    return 8 * max(each >> 4 for each in factors), 8 * max(each & 15 for each in factors)


def grown(
    region: tuple[int, int, int, int], data: bytes, frame: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return the region that a unit cut out for `region`: it grows to whole units.

    Args:
        region: left, top, width, height as the unit's config has it.
        data: the file of what was cut out.
        frame: width and height of the picture that it was cut out of.
    """
    wide, high = unit_size(data)
    left, top, width, height = region
    right = min(-(-(left + width) // wide) * wide, frame[0])
    bottom = min(-(-(top + height) // high) * high, frame[1])
    left, top = left - left % wide, top - top % high
    return left, top, right - left, bottom - top
