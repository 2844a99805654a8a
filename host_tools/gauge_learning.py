"""Learns where a staff gauge stands and what its face looks like, from one good picture."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from . import gauge_truing
from .gauge_calibration import (
    FOUR_POINTS,
    MM_PER_ROW,
    Calibration,
    FaceSize,
    Grey,
    Picture,
    PictureSize,
    Point,
    Tables,
    face_shape,
    grey,
    homography,
    must_have_periods,
    must_span,
    places,
    straightened,
)
from .language import tr
from .validation import InvalidData, check

SPLASH_MM = 30  # above the water the face is wet, and not learned
DRY_PERIODS = 3  # at least, to learn what the face looks like under water
LIKE_PERIODS = 5  # the lowest dry ones say it
WHITE, WHITE_NEAR = 220, (15, 25)  # rows and columns in which there is white on every gauge
CONTRADICT_MM = 8  # marked heights that are this far from what the pattern says are mistakes


def learn(
    picture: Picture,
    points: Iterable[Point],
    face: FaceSize,
    level_mm: int,
    source: str = "points",
) -> Calibration:
    """Learn what the face looks like from one good picture, at low water if possible.

    Args:
        picture: grey or BGR; in daylight, sharp.
        points: both edges of the face at two heights, in pixels of `picture`.
        face: its measures.
        level_mm: where the water stands in this picture, read by a person.
        source: named in messages.

    Raises:
        InvalidData: the points do not span the face, contradict each other or its pattern, or
            too little of it is dry.
    """
    marked = list(points)
    if len(marked) != 4:
        raise InvalidData(
            source,
            [
                tr("{count} points: {four_points}").format(
                    count=len(marked), four_points=FOUR_POINTS
                )
            ],
        )
    seen_size = {"width": picture.shape[1], "height": picture.shape[0]}
    size = check(PictureSize, seen_size, tr("the picture"))
    must_have_periods(face, f"high_mm = {face.high_mm}")
    tables = Tables(picture=size, face=face, points=marked)
    _inside(tables, source)
    must_span(tables, source)
    _upright(tables, source)
    dry = (face.high_mm - level_mm - SPLASH_MM) // MM_PER_ROW
    period_rows = face.period_mm // MM_PER_ROW
    if dry < DRY_PERIODS * period_rows:
        needed = DRY_PERIODS * face.period_mm + SPLASH_MM
        raise InvalidData(
            f"level_mm = {level_mm}, high_mm = {face.high_mm}",
            [tr("less than {needed} mm of the face are above the water").format(needed=needed)],
        )
    image = grey(picture)
    for _ in range(2):
        seen = straightened(image, homography(tables), face_shape(tables), 0)
        tables = _trued(tables, seen[:dry], period_rows, source)
    seen = _evenly_lit(straightened(image, homography(tables), face_shape(tables), 0))
    for row in range(dry, len(seen)):  # what is under water looks like what is above it
        seen[row] = np.median(seen[row % period_rows : dry : period_rows][-LIKE_PERIODS:], axis=0)
    return Calibration(tables, np.rint(seen).astype(np.float32))


def _evenly_lit(face: Grey) -> Grey:
    """The face without shadows: its white, which is near every place of it, is made the same."""
    white = cv2.dilate(face, np.ones(WHITE_NEAR, np.uint8))
    white = cv2.GaussianBlur(white, (0, 0), WHITE_NEAR[0] / 2)
    return np.clip(face / np.maximum(white, 1) * WHITE, 0, 255)


def _inside(tables: Tables, source: str) -> None:
    """Points that were marked lie in the picture, and on the face."""
    size, face = tables.picture, tables.face
    problems = [
        tr("{x:g},{y:g} is outside of the picture's {width} x {height} pixels").format(
            x=p.x, y=p.y, width=size.width, height=size.height
        )
        for p in tables.points
        if not (0 <= p.x < size.width and 0 <= p.y < size.height)
    ]
    problems += [
        tr("{height} mm is not on the face, which is from {low} to {high} mm").format(
            height=height, low=face.low_mm, high=face.high_mm
        )
        for height in sorted({p.height_mm for p in tables.points})
        if not face.low_mm <= height <= face.high_mm
    ]
    if problems:
        raise InvalidData(source, problems)


def _upright(tables: Tables, source: str) -> None:
    """Points that were marked are left of right, and the higher one above."""
    at = {(p.edge, p.height_mm): p for p in tables.points}
    problems = []
    low, high = sorted({p.height_mm for p in tables.points})
    for edge in ("left", "right"):
        if at[edge, high].y >= at[edge, low].y:
            problems.append(
                tr("on the {edge}, {high} mm is marked below {low} mm: upside down").format(
                    edge=edge, high=high, low=low
                )
            )
    for height in (high, low):
        if at["left", height].x >= at["right", height].x:
            problems.append(
                tr("at {height} mm, the left edge is marked right of the right one").format(
                    height=height
                )
            )
    if problems:
        raise InvalidData(source, problems)


def _trued(tables: Tables, dry: Grey, period_rows: int, source: str) -> Tables:
    """The tables with points where the pattern says that they are."""
    known = places(tables)
    heights = sorted({row for _, row in known})
    curve = gauge_truing.bend(dry, period_rows, (heights[0], heights[1]))
    if curve is None:
        every = tr("no marks that repeat every {period_mm} mm").format(
            period_mm=tables.face.period_mm
        )
        raise InvalidData(
            source, [tr("{every} between these points: mark the gauge itself").format(every=every)]
        )
    off_mm = float(np.abs(np.polyval(curve, heights)).max()) * MM_PER_ROW
    if off_mm > CONTRADICT_MM:
        apart = tables.points[0].height_mm, tables.points[-1].height_mm
        raise InvalidData(
            source,
            [
                tr(
                    "the marks between {apart} and {apart_2} mm say that both heights are "
                    "{off_mm:.0f} mm off, at most {contradict_mm} are allowed"
                ).format(
                    apart=min(apart),
                    apart_2=max(apart),
                    off_mm=off_mm,
                    contradict_mm=CONTRADICT_MM,
                )
            ],
        )
    rows, columns = face_shape(tables)
    matrix = gauge_truing.trued(homography(tables), curve, columns, rows)
    pixels = cv2.perspectiveTransform(np.array([known]), matrix)[0]
    points = [
        point.model_copy(update={"x": round(float(x), 2), "y": round(float(y), 2)})
        for point, (x, y) in zip(tables.points, pixels, strict=True)
    ]
    return tables.model_copy(update={"points": points})
