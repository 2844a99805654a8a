"""Checks a calibration while a person is there to correct it: the marked points, the level, and a
picture of the face with a scale to compare its numerals with.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from . import gauge
from .errors import CannotTry
from .gauge_calibration import MM_PER_ROW, Calibration, Picture, grey, straightened

LEVEL_WITHIN_MM = 50
HARDLY = 0.2  # confidence; above it a picture is merely hard to read
UNTOLD_MM = 60  # so near to its lower end a face is not read
ZOOM = 2
SCALE = 110  # pixels right of the face
BLACK, RED, BLUE = (0, 0, 0), (50, 50, 230), (200, 90, 30)
AGAIN = "correct --level-mm and the points, or take a picture by day, sharp, without shadows"


def read_back(picture: Picture, calibration: Calibration, level_mm: int) -> None:
    """Raise CannotTry where the picture itself does not show the level that a person read."""
    reading = gauge.read_gauge(picture, calibration)
    if reading.level_mm is not None:
        if abs(reading.level_mm - level_mm) > LEVEL_WITHIN_MM:
            seen = f"the water line is seen at {reading.level_mm:.0f} mm"
            raise CannotTry(f"--level-mm {level_mm}: {seen}", AGAIN)
    elif reading.confidence < HARDLY and level_mm >= calibration.tables.face.low_mm + UNTOLD_MM:
        message = f"--level-mm {level_mm}: the picture cannot be read with it, {reading.why}"
        raise CannotTry(message, AGAIN)


def labelled(picture: Picture, calibration: Calibration, level_mm: int) -> Picture:
    """Return the straightened face beside a scale in mm.

    A tick at every period; marked heights are red and the level is blue. Only a person can see
    whether the numerals are those of these heights: all points 100 mm too low look as good.
    """
    face = calibration.tables.face
    seen = straightened(grey(picture), calibration.to_picture, calibration.face.shape, 0)
    seen = cv2.resize(seen, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    shown = cv2.cvtColor(np.clip(seen, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    edge, margin = shown.shape[1], 10
    shown = cv2.copyMakeBorder(
        shown, margin, margin, 0, SCALE, cv2.BORDER_CONSTANT, value=(255, 255, 255)
    )

    def tick(height_mm: int, colour: tuple[int, int, int]) -> None:
        row = margin + round((face.high_mm - height_mm) / MM_PER_ROW * ZOOM)
        cv2.line(shown, (edge - 12, row), (edge + 10, row), colour, 2)
        place = (edge + 14, row + 5)
        cv2.putText(
            shown, str(height_mm), place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA
        )

    marked = {point.height_mm for point in calibration.tables.points}
    first = -(-face.low_mm // face.period_mm) * face.period_mm
    near = face.period_mm / 5
    named = {level_mm, *marked}
    for height in range(first, face.high_mm + 1, face.period_mm):
        if min(abs(height - other) for other in named) > near:
            tick(height, BLACK)
    for height in marked:
        tick(height, RED)
    tick(level_mm, BLUE)
    return shown


def write(shown: Picture, path: Path) -> None:
    """Write a picture.

    Raises:
        CannotTry: the file cannot be written.
    """
    if not cv2.imwrite(str(path), shown):
        raise CannotTry(f"{path} cannot be written", "name a place where you may write")
