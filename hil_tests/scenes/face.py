"""A staff gauge's face as a texture: E-marks of 1 cm blocks on alternate sides, decimetre digits.

One texel is one millimetre; row 0 is the top. Black in every even metre, red in every odd one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH_MM = 120
HEIGHT_MM = 1500
POST_MM = 20  # of the steel post, on either side of the face and above it
WHITE = (232, 238, 236)
INKS = ((28, 26, 24), (44, 36, 186))  # BGR
STEEL = (118, 116, 112)
CM = 10

Image = NDArray[Any]


def block(face: Image, left: int, right: int, low: int, high: int) -> None:
    """Fills a block in the ink of its metre; heights in mm above the gauge's zero."""
    face[HEIGHT_MM - high : HEIGHT_MM - low, left:right] = INKS[low // 1000 % 2]


def e_mark(face: Image, low: int, on_left: bool) -> None:
    """Five centimetres: three blocks, and the spine that makes an E of them."""
    half = WIDTH_MM // 2
    left, right = (4, half) if on_left else (half, WIDTH_MM - 4)
    for cm in (0, 2, 4):
        block(face, left, right, low + cm * CM, low + (cm + 1) * CM)
    spine = (half - 9, half) if on_left else (half, half + 9)
    block(face, *spine, low, low + 5 * CM)


def digits(face: Image, low: int) -> None:
    """The number of a decimetre, on the side that its first E-mark leaves free."""
    text, font = str(low // 100), cv2.FONT_HERSHEY_SIMPLEX
    scale, thick = (1.35, 5) if len(text) == 1 else (0.95, 4)
    (width, height), _ = cv2.getTextSize(text, font, scale, thick)
    middle = WIDTH_MM * 3 // 4
    place = (middle - width // 2, HEIGHT_MM - low - 25 + height // 2)
    cv2.putText(face, text, place, font, scale, INKS[low // 1000 % 2], thick, cv2.LINE_AA)


@lru_cache(maxsize=1)
def plain() -> Image:
    """The face as it left the factory, on its post: BGR, POST_MM wider on both sides and above."""
    face = np.full((HEIGHT_MM, WIDTH_MM, 3), WHITE, np.uint8)
    for low in range(0, HEIGHT_MM, 100):
        e_mark(face, low, True)
        e_mark(face, low + 50, False)
        digits(face, low)
    return cv2.copyMakeBorder(face, POST_MM, 0, POST_MM, POST_MM, cv2.BORDER_CONSTANT, value=STEEL)


def noise(random: np.random.Generator, shape: tuple[int, int], *grains: int) -> NDArray[Any]:
    """Smooth noise of about unit height: one octave for each grain, a size in texels."""
    total = np.zeros(shape, np.float32)
    for grain in grains:
        small = (max(2, shape[0] // grain), max(2, shape[1] // grain))
        octave = random.standard_normal(small, np.float32)
        total += cv2.resize(octave, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return total / len(grains) ** 0.5


def weathered(random: np.random.Generator) -> NDArray[Any]:
    """A face that has stood in a river: silt below an old flood's mark, scratches, faded ink."""
    face = plain().astype(np.float32)
    rows, columns = face.shape[:2]
    height = np.arange(rows, 0, -1, dtype=np.float32)[:, None]
    flood = random.uniform(300, 1100)
    silt = 1 / (1 + np.exp((height - flood) / 40))  # 1 well below the mark
    silt = silt * np.clip(0.16 + 0.1 * noise(random, (rows, columns), 9, 40), 0, 0.45)
    face += (np.array((72, 98, 110), np.float32) - face) * silt[..., None]
    face += (np.array(WHITE, np.float32) - face) * random.uniform(0, 0.2)
    for _ in range(random.integers(4, 14)):
        start = random.integers(0, (columns, rows))
        end = start + random.integers(-40, 40, 2)
        grey = random.uniform(110, 190)
        cv2.line(face, start.tolist(), end.tolist(), (grey, grey, grey), 1, cv2.LINE_AA)
    return cv2.GaussianBlur(face, (0, 0), 0.9)
