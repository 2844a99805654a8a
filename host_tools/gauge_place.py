"""Finds a gauge's face in a picture where the camera may have moved by some pixels.

Bands of the learned face are looked for near their places; those under water or behind dirt do
not match. The marks repeat, so a face that is a decimetre off matches as well: what is dry of it
is then asked whose digits it has.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .gauge_calibration import MM_PER_ROW, Grey, Matrix, straightened

MARGIN_MM = 60  # how far the face may have moved: less than a period, or digits would be needed
BAND_MM = 150
STEP_MM = 50
ALIKE = 0.45  # a band that matches less counts for nothing
TOGETHER_PX = 2.0  # bands that agree on the way the camera moved
PERIODS = 2  # so far up and down the digits are compared
FINE_ROWS = 5  # digits are finer than this, shadows and silt are not
OWN = 0.01  # of the face's own contrast: less between two heights tells nothing
TOGETHER = 30.0  # pixels that err together: neighbours, by JPEG and the straightening
SIGMAS = 2


class Place(NamedTuple):
    """`to_picture`: the corrected homography; `alike`: how well the best bands match, 0 to 1."""

    to_picture: Matrix
    shift_px: tuple[float, float]
    alike: float
    bands: int


def find(picture: Grey, to_picture: Matrix, face: Grey) -> Place:
    margin = MARGIN_MM // MM_PER_ROW
    wide = straightened(picture, to_picture, face.shape, margin)
    height, step = BAND_MM // MM_PER_ROW, STEP_MM // MM_PER_ROW
    starts = range(0, len(face) - height + 1, step)
    found = np.array([_band(wide, face, start, height, margin) for start in starts])
    middle = np.array([(face.shape[1] / 2, start + height / 2) for start in starts])
    moved = _through(to_picture, middle + found[:, :2]) - _through(to_picture, middle)
    alike = found[:, 2]
    best = int(alike.argmax())
    weights = np.clip(alike - ALIKE, 0, None)
    centre = moved[best]
    for _ in range(3):
        near = weights * (np.hypot(*(moved - centre).T) < TOGETHER_PX)
        if not near.any():
            break
        centre = (moved * near[:, None]).sum(0) / near.sum()
    agreed = np.sort(alike[near > 0])[::-1]
    move = np.array([[1, 0, centre[0]], [0, 1, centre[1]], [0, 0, 1.0]])
    shift = (float(centre[0]), float(centre[1]))
    score = float(agreed[:2].mean()) if len(agreed) > 1 else float(alike[best]) / 2
    return Place(move @ to_picture, shift, score, len(agreed))


def others_share(straight: Grey, face: Grey, dry: int, period_rows: int) -> float:
    """What share of the digits may be those of another height, at most.

    The marks repeat after `period_rows` and the digits do not. So the `dry` upper rows of the
    picture are taken for a mixture of the learned face as it stands there and of the same whole
    periods up or down: 0 is the face, 1 the other height and 0.5 neither. Two sigma are added, and
    the worst of the heights counts; about 0 where no digits differ.
    """
    seen, learned = _fine(straight[:dry]) if dry > 0 else straight[:0], _fine(face)
    shares = [0.0]
    for off in (n * period_rows for n in range(-PERIODS, PERIODS + 1) if n):
        first, last = max(0, -off), min(dry, len(face) - off)
        if last - first < period_rows:
            continue
        here = learned[first:last].ravel()
        apart = learned[first + off : last + off].ravel() - here
        if np.square(apart).mean() < OWN * np.square(here).mean():
            continue
        parts, wanted = np.stack((here, apart)), seen[first:last].ravel()
        spread = np.linalg.inv((parts @ parts.T).astype(np.float64))
        gain, other = spread @ (parts @ wanted)
        left = np.square(wanted - gain * here - other * apart).mean()
        sigma = np.sqrt(left * TOGETHER * spread[1, 1])
        shares.append(float((other + SIGMAS * sigma) / max(gain, 1e-3)))
    return max(shares)


def _fine(image: Grey) -> Grey:
    return image - cv2.GaussianBlur(image, (0, 0), FINE_ROWS)


def _band(wide: Grey, face: Grey, start: int, height: int, margin: int) -> tuple[float, ...]:
    """Columns and rows by which a band of the face is off, and how well it matches there."""
    scores = cv2.matchTemplate(
        wide[start : start + height + 2 * margin],
        face[start : start + height],
        cv2.TM_CCOEFF_NORMED,
    )
    _, score, _, (column, row) = cv2.minMaxLoc(scores)
    return (
        column - margin + _summit(scores[row], column),
        row - margin + _summit(scores[:, column], row),
        score,
    )


def _summit(scores: NDArray[Any], at: int) -> float:
    """Where between pixels the maximum lies, by a parabola through three."""
    if not 0 < at < len(scores) - 1:
        return 0.0
    before, top, after = (float(value) for value in scores[at - 1 : at + 2])
    bend = before - 2 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _through(matrix: Matrix, points: NDArray[Any]) -> NDArray[Any]:
    return cv2.perspectiveTransform(points[None].astype(np.float64), matrix)[0]
