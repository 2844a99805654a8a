"""Finds a gauge's face in a picture where the camera may have moved by some pixels.

Bands of the learned face are looked for near their places. Each is longer than the pattern's
period, so digits decide which decimetre it is; bands under water or behind dirt do not match.
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
SLACK_MM = 10  # by which a band may lie elsewhere there: perspective
CLEAR = 0.8  # a band that matches less is hidden, or half in the water
SAME = 0.99  # bands of the learned face that are as alike as this cannot be told apart


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


def lead(picture: Grey, place: Place, face: Grey, period: int) -> float:
    """How much better the bands match where they were found than whole periods up or down.

    The marks repeat after `period` rows and the digits do not, so only they tell one decimetre
    from the next. Below 0 the face is likely seen in a wrong decimetre; inf: nothing to compare.
    """
    slack = SLACK_MM // MM_PER_ROW
    wide = straightened(picture, place.to_picture, face.shape, slack)
    height, step = BAND_MM // MM_PER_ROW, STEP_MM // MM_PER_ROW
    last = len(face) - height

    def score(seen_at: int, learned_at: int) -> float:
        seen = wide[seen_at : seen_at + height + 2 * slack]
        learned = face[learned_at : learned_at + height]
        return float(cv2.matchTemplate(seen, learned, cv2.TM_CCOEFF_NORMED).max())

    here = {at: score(at, at) for at in range(0, last + 1, step)}
    leads = []
    for off in (n * period for n in range(-PERIODS, PERIODS + 1) if n):
        others = [at for at in here if 0 <= at + off <= last and not _same(face, at, off, height)]
        there = {at: score(at, at + off) for at in others}
        told = [here[at] - s for at, s in there.items() if max(s, here[at]) > CLEAR]
        if told:
            leads.append(float(np.mean(told)))
    return min(leads, default=np.inf)


def _same(face: Grey, at: int, off: int, height: int) -> bool:
    one, other = face[at : at + height], face[at + off : at + off + height]
    return float(cv2.matchTemplate(one, other, cv2.TM_CCOEFF_NORMED)[0, 0]) > SAME


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
