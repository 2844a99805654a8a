"""Finds the row of a straightened gauge face below which there is water.

Above the line the picture is the learned face, times a gain that changes slowly. Below it are the
water's colour, a fading view of what is drowned, and a mirror image. The line is where these two
together explain the pixels best. The face is known far better than the water is, so a step that
the face does not have weighs more than what a guess at the water leaves over.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .gauge_calibration import Grey

WINDOW_ROWS = 15  # of the pattern that is compared at a time
BRIGHT = 0.5  # a reflection has less of the dry face's contrast than this, a shadow more
DRY = 0.45
BEST, SURELY = 0.7, 0.75  # a quantile of the rows' likeness; a likeness that is the face's
ABOVE_ROWS, BELOW_ROWS = 50, 30  # round the line, where the models must hold
SEARCH_ROWS = 22
CREST_ROWS = 150  # so little is dry that its top must be seen: else it is the next decimetre
HIDDEN_ROWS = 90  # what hides the face for so long, with more of it below, is no water
FADE_ROWS = 15  # what lies under water is seen this deep
SPLASH_ROWS = (0, 5, 10, 15, 20, 25, 30, 35)  # the face may be dark so far above the line,
SPLASH_EDGE_ROWS = 3
WETTED = 0.15  # by no more than this share,
DROWNED = 0.5  # and no more than this share of its contrast is left below it or in the mirror
FACE_NOISE, WATER_NOISE = 6.0, 12.0  # grey levels at full contrast; no model is better than that
OTHER = 48.0  # a pixel that is off by more is a drop, a thread or the sun: it counts no more
TILT = 80.0  # grey levels; only to make the parts of a model alike in size
TOGETHER = 60.0  # pixels that err together: neighbours, by JPEG and the straightening

Limits = Callable[[float], Sequence[tuple[int, float, float]]]


class Waterline(NamedTuple):
    """`row` from the top of the face; None where all or nothing is dry."""

    row: float | None
    sigma_rows: float
    dry: float  # how well the rows above are the face, 0 to 1
    wet: float  # the same of the row below that is most like it: high where something hides it
    gain: float  # what of the face's contrast is left in the picture


def find(seen: Grey, face: Grey) -> Waterline:
    likeness, gain = _likeness(seen, face)
    full = _full(likeness, gain)
    if full <= 0:
        return Waterline(None, np.inf, 0.0, 0.0, 0.0)
    dryness = likeness * np.clip(gain / (BRIGHT * full), 0, 1)
    rough = int(np.argmax(np.concatenate(((0.0,), np.cumsum(dryness - DRY)))))
    row, sigma = float(rough), np.inf
    known = ABOVE_ROWS // 2 <= rough <= len(face) - WINDOW_ROWS
    if known:
        row, sigma = _line(seen / full, face, rough)
    at = round(row)
    above = dryness[max(0, at - ABOVE_ROWS) : max(0, at - WINDOW_ROWS // 2)]
    below = dryness[at + WINDOW_ROWS : at + HIDDEN_ROWS]
    dry = float(above.mean()) if len(above) else 0.0
    if at < CREST_ROWS:
        dry = min(dry, float(dryness[:ABOVE_ROWS].mean()))
    wet = float(below.max()) if len(below) else 0.0
    return Waterline(row if known else None, float(sigma), dry, wet, full)


def _full(likeness: NDArray[Any], gain: NDArray[Any]) -> float:
    """The gain where the face is surely dry. At high water that is less than the best rows."""
    best = np.quantile(likeness, BEST)
    sure = gain[likeness > max(best, SURELY)]
    if len(sure) < WINDOW_ROWS:
        sure = gain[likeness > best]
    return float(np.median(sure)) if len(sure) else 0.0


def _likeness(seen: Grey, face: Grey) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each row, over a window: the correlation with the face, and the slope on it."""

    def mean(values: NDArray[Any]) -> NDArray[Any]:
        rows = values.mean(1, keepdims=True)
        return cv2.blur(rows, (1, WINDOW_ROWS), borderType=cv2.BORDER_REFLECT)[:, 0]

    mean_seen, mean_face = mean(seen), mean(face)
    spread_face = mean(face * face) - mean_face**2
    spread_seen = mean(seen * seen) - mean_seen**2
    common = mean(seen * face) - mean_seen * mean_face
    return (
        common / np.sqrt(np.maximum(spread_face, 1.0) * np.maximum(spread_seen, 1.0)),
        common / np.maximum(spread_face, 1.0),
    )


def _line(seen: Grey, face: Grey, rough: int) -> tuple[float, float]:
    """The line near a rough row, to a fraction of a row, and how sharply the pixels decide it."""
    first, last = max(0, rough - ABOVE_ROWS), min(len(face), rough + BELOW_ROWS)
    rows = np.arange(max(first + 12, rough - SEARCH_ROWS), min(last - 6, rough + SEARCH_ROWS) + 1)
    costs = np.array([_cost(seen, face, first, int(row), last) for row in rows])
    best = int(costs.argmin())
    odds = np.exp(-(costs - costs[best]) / (2 * TOGETHER))
    sigma = float(np.sqrt((odds * (rows - rows[best]) ** 2).sum() / odds.sum()))
    between = 0.0
    if 0 < best < len(rows) - 1:
        before, low, after = costs[best - 1 : best + 2]
        between = 0.5 * (before - after) / max(before - 2 * low + after, 1e-9)
    return float(rows[best] + between), sigma


def _cost(seen: Grey, face: Grey, first: int, line: int, last: int) -> float:
    """Minus twice the log likelihood that the water begins at `line`, but for a constant."""
    across = np.linspace(-1, 1, face.shape[1], dtype=np.float32)[None]
    wanted, above = seen[first:line], face[first:line]
    up = np.arange(line - first, 0, -1, dtype=np.float32)[:, None]
    lit = (above * (up / ABOVE_ROWS), above * across)
    fits = []
    for splash in SPLASH_ROWS:
        wet = above / (1 + np.exp((up - splash) / SPLASH_EDGE_ROWS))
        fits.append(_fit(wanted, (above, wet, *lit), _wetted, FACE_NOISE))
    cost, gain = min(fits)
    deep = np.arange(last - line, dtype=np.float32)[:, None]
    drowned = face[line:last] * np.exp(-deep / FADE_ROWS)
    mirror = face[np.maximum(line - 1 - np.arange(last - line), 0)]
    limits = ((0, 0.0, DROWNED * gain), (1, 0.0, DROWNED * gain))
    plain = np.ones_like(drowned)
    below = (drowned, mirror, deep * plain, TILT * across * plain)
    return cost + _fit(seen[line:last], below, lambda _: limits, WATER_NOISE)[0]


def _wetted(gain: float) -> Sequence[tuple[int, float, float]]:
    return ((1, -WETTED * gain, 0.0),)


def _fit(seen: Grey, parts: Sequence[Grey], limits: Limits, noise: float) -> tuple[float, float]:
    """A linear model of the parts: pixels times the log of what it leaves, and the first's gain.

    `limits` says of that gain which other parts' gains must lie between which two values.
    """
    model = np.stack([*(part.ravel() for part in parts), np.ones(seen.size, np.float32)])
    wanted = seen.ravel()
    square = (model @ model.T).astype(np.float64)
    mixed = (model @ wanted).astype(np.float64)
    square[np.diag_indices_from(square)] *= 1 + 1e-5
    gains = np.linalg.solve(square, mixed)
    held = [(n, min(max(gains[n], low), high)) for n, low, high in limits(gains[0])]
    held = [(n, value) for n, value in held if value != gains[n]]
    if held:
        fixed = [n for n, _ in held]
        free = [n for n in range(len(gains)) if n not in fixed]
        gains[fixed] = [value for _, value in held]
        rest = mixed[free] - square[np.ix_(free, fixed)] @ gains[fixed]
        gains[free] = np.linalg.solve(square[np.ix_(free, free)], rest)
    errors = np.minimum(abs(wanted - gains.astype(np.float32) @ model), OTHER)
    return seen.size * float(np.log((errors**2).mean() + noise**2)), float(gains[0])
