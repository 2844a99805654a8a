"""Corrects four marked points by the gauge's own pattern.

A face is narrow: an error of half a pixel in marking its edges bends the height scale by a
centimetre half-way. But the pattern repeats after a known length, so the picture itself says where
the scale is bent. What is left of the person's points is their mean height.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[Any]
Matrix = NDArray[Any]
SEARCH_ROWS = 8
ALIKE = 0.6


def bend(dry: Grey, period_rows: int, marked_rows: tuple[float, float]) -> NDArray[Any] | None:
    """How many rows lower than it should each row of the picture of a face is: a polynomial.

    Args:
        dry: the straightened face above the water, row 0 at its top.
        period_rows: after which the pattern repeats.
        marked_rows: the two heights that were marked; between them the mean error is none.

    Returns:
        Coefficients for `numpy.polyval`, all zero where too little is dry to say; None where
        no pattern repeats.
    """
    middles, slips = [], []
    starts = range(SEARCH_ROWS, len(dry) - 2 * period_rows - SEARCH_ROWS, period_rows // 5)
    for start in starts:
        part = dry[start : start + period_rows]
        below = dry[start + period_rows - SEARCH_ROWS : start + 2 * period_rows + SEARCH_ROWS]
        scores = cv2.matchTemplate(below, part, cv2.TM_CCOEFF_NORMED)[:, 0]
        best = int(scores.argmax())
        if scores[best] < ALIKE or not 0 < best < len(scores) - 1:
            continue
        before, top, after = scores[best - 1 : best + 2]
        between = 0.5 * (before - after) / min(before - 2 * top + after, -1e-9)
        middles.append(start + period_rows)
        slips.append((best + between - SEARCH_ROWS) / period_rows)
    if 2 * len(slips) < len(starts):
        return None
    if len(slips) < 5:
        return np.zeros(3)
    # The slip from one period to the next is the slope of the bend.
    slope = (
        np.polyfit(middles, slips, 1) if np.ptp(middles) > 3 * period_rows else [0, np.mean(slips)]
    )
    curve = np.array([slope[0] / 2, slope[1], 0.0])
    curve[2] = -np.mean(np.polyval(curve, marked_rows))
    return curve


def trued(to_picture: Matrix, curve: NDArray[Any], columns: int, rows: int) -> Matrix:
    """The homography without the bend."""
    heights = np.linspace(0, rows, 9)
    true = np.array([(x, y) for y in heights for x in (-0.5, columns - 0.5)])
    seen = true.copy()
    seen[:, 1] += np.polyval(curve, true[:, 1])
    pixels = cv2.perspectiveTransform(seen[None], to_picture)[0]
    return cv2.findHomography(true, pixels)[0]
