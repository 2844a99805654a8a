"""Pictures side by side on one sheet, so large that the numerals of a gauge can be read.

This needs OpenCV: `pip install 'fieldbeat[pictures]'`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from . import picture_quality
from .gauge_calibration import Picture as Image
from .pictures import Picture
from .times import iso

WIDTH, HIGHEST, WIDEST = 2560, 480, 800  # pixels: of a sheet, and of a picture on it
LARGER = 2  # at most: a thumbnail shows no more by more
CAPTION = 250, 20  # the least width, and the height of a line
MARGIN = 8


def layout(found: list[tuple[Picture, Image]]) -> Image:
    """Return the sheet: rows of pictures, each as large as its own pixels allow."""
    rows = []
    for row in _rows([_tile(picture, image) for picture, image in found]):
        height = max(tile.shape[0] for tile in row)
        rows.append(np.hstack([_padded(tile, height, tile.shape[1]) for tile in row]))
    width = max(row.shape[1] for row in rows)
    return np.vstack([_padded(row, row.shape[0], width) for row in rows])


def _rows(tiles: list[Image]) -> Iterator[list[Image]]:
    row: list[Image] = []
    for tile in tiles:
        if row and sum(each.shape[1] for each in (*row, tile)) > WIDTH:
            yield row
            row = []
        row.append(tile)
    yield row


def _tile(picture: Picture, image: Image) -> Image:
    scale = min(WIDEST / image.shape[1], HIGHEST / image.shape[0], LARGER)
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    seen = cv2.resize(image, size, interpolation=method)
    why = f"{picture.why}: {picture.kind}" if picture.why else picture.kind or ""
    flags = (*picture.flags, *picture_quality.assess(image).flags())
    lines = f"{picture.id}  {iso(picture.taken_s)}", ", ".join((why, *flags))
    below, width = CAPTION[1] * len(lines), max(CAPTION[0], size[0]) + MARGIN
    tile = _padded(seen, size[1] + below + MARGIN, width)
    for n, text in enumerate(lines):
        place = (4, size[1] + CAPTION[1] * (n + 1) - 5)
        white = (255, 255, 255)
        cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, white, 1, cv2.LINE_AA)
    return tile


def _padded(image: Image, height: int, width: int) -> Image:
    padded = np.zeros((height, width, 3), np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    return padded
