"""Draws what a reading has seen, for a person to look at."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import cv2
import numpy as np

from .gauge import Reading
from .gauge_calibration import MM_PER_ROW, Calibration, Picture, Region

GREEN, RED, WHITE = (60, 220, 60), (50, 50, 230), (255, 255, 255)
ROWS_SHOWN = 120
ZOOM = 4
TICK_MM = 100


def draw(
    picture: Picture, calibration: Calibration, reading: Reading, region: Region | None = None
) -> Picture:
    """Return the picture with the face framed, the line marked, and the straightened face beside.

    The frame is where the gauge was found, with a tick at every 100 mm: green where there is a
    level, red where there is none. The strip on the right is the face round the line; left half
    as seen, right half as learned.
    """
    colour = GREEN if reading.level_mm is not None else RED
    shown = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture.copy()
    face = calibration.tables.face
    dx, dy = reading.shift_px
    matrix = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]) @ calibration.placed(picture, region)

    def across(height_mm: float, thickness: int, reach: float = 1.0) -> None:
        row = (face.high_mm - height_mm) / MM_PER_ROW - 0.5
        ends = np.array([[(-0.5, row), (face.width_mm / MM_PER_ROW * reach, row)]])
        start, end = np.rint(cv2.perspectiveTransform(ends, matrix)[0]).astype(int).tolist()
        cv2.line(shown, start, end, colour, thickness, cv2.LINE_AA)

    rows, columns = calibration.face.shape
    corners = np.array([[(-0.5, -0.5), (columns, -0.5), (columns, rows), (-0.5, rows)]])
    frame = np.rint(cv2.perspectiveTransform(corners, matrix)).astype(np.int32)
    cv2.polylines(shown, [frame], True, colour, 1, cv2.LINE_AA)
    for height in range(face.low_mm, face.high_mm, TICK_MM):
        across(height, 1, 0.1)
    if reading.level_mm is not None:
        across(reading.level_mm, 2)
    return np.hstack((shown, _strip(calibration, reading, shown.shape[0], colour)))


def _strip(
    calibration: Calibration, reading: Reading, height: int, colour: tuple[int, int, int]
) -> Picture:
    face, high_mm = calibration.face, calibration.tables.face.high_mm
    level = reading.level_mm
    line = len(face) / 2 if level is None else (high_mm - level) / MM_PER_ROW
    first = int(np.clip(line - ROWS_SHOWN / 2, 0, len(face) - ROWS_SHOWN))
    parts = [
        np.interp(side[first : first + ROWS_SHOWN], np.quantile(side, (0.01, 0.99)), (0, 255))
        for side in (reading.straight, face)
    ]
    both = cv2.cvtColor(np.hstack(parts).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    zoom = min(ZOOM, height / ROWS_SHOWN)
    strip = cv2.resize(both, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    if level is not None:
        row = round((line - first) * zoom)
        cv2.line(strip, (0, row), (strip.shape[1], row), colour, 2)
    said = f"{level:.0f} mm" if level is not None else "no level"
    why = reading.why if reading.why and reading.why.isascii() else ""  # OpenCV's font has no more
    below = max(0, height - len(strip))
    strip = cv2.copyMakeBorder(strip, 0, below, 6, 0, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    for n, text in enumerate((said, f"confidence {reading.confidence:.2f}", why)):
        place = (10, height - below + 24 + 24 * n)
        cv2.putText(strip, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, WHITE, 1, cv2.LINE_AA)
    return strip
