"""Where a staff gauge stands in a camera's picture, and what its face looks like.

A calibration is two files beside the unit's: `NAME.toml`, which a person may write or correct, and
`NAME.png`, the face as `learn` saw it, straightened. Heights are mm above the gauge's zero.

    [picture]
    width = 800                     # of the picture that the points were marked in
    height = 600

    [face]
    width_mm = 120
    low_mm = 0                      # what is read: from here
    high_mm = 1500                  # to here
    period_mm = 100                 # the pattern repeats after this, but for digits

    [[points]]                      # four: both edges at two heights
    x = 357.2
    y = 54.1
    edge = "left"
    height_mm = 1500
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from . import files, gauge_truing
from .errors import CannotTry
from .language import os_reason, tr
from .validation import InvalidData, Strict, check

Picture = NDArray[Any]
Grey = NDArray[Any]
Matrix = NDArray[Any]
Region = tuple[int, int, int, int]  # left, top, width, height

MM_PER_ROW = 2  # and per column, of the straightened face
SPLASH_MM = 30  # above the water the face is wet, and not learned
DRY_PERIODS = 3  # at least, to learn what the face looks like under water
LIKE_PERIODS = 5  # the lowest dry ones say it
WHITE, WHITE_NEAR = 220, (15, 25)  # rows and columns in which there is white on every gauge
CONTRADICT_MM = 8  # marked heights that are this far from what the pattern says are mistakes
FOUR_POINTS = tr("mark both edges at two heights, as far apart as the face allows")


class PictureSize(Strict):
    width: int = Field(ge=64, le=8192)
    height: int = Field(ge=64, le=8192)


class FaceSize(Strict):
    width_mm: int = Field(ge=40, le=500)
    low_mm: int = Field(ge=-20_000, le=20_000)
    high_mm: int = Field(ge=-20_000, le=20_000)
    period_mm: int = Field(default=100, ge=20, le=1000)


class Point(Strict):
    x: float = Field(allow_inf_nan=False)
    y: float = Field(allow_inf_nan=False)
    edge: Literal["left", "right"]
    height_mm: int


class Tables(Strict):
    """The TOML file as it is written."""

    picture: PictureSize
    face: FaceSize
    points: list[Point] = Field(min_length=4, max_length=4)


@dataclass(frozen=True)
class Calibration:
    """`face`: grey (rows, columns), MM_PER_ROW a pixel, row 0 at `high_mm`."""

    tables: Tables
    face: Grey

    @property
    def to_picture(self) -> Matrix:
        """The homography from (column, row) of the face to pixels of the calibrated picture."""
        return homography(self.tables)

    def placed(self, picture: Picture, region: Region | None) -> Matrix:
        """The same for a picture of another size, or of one region of the calibrated one."""
        size = self.tables.picture
        left, top, width, height = region or (0, 0, size.width, size.height)
        sx, sy = picture.shape[1] / width, picture.shape[0] / height
        # Pixels are squares: 0 is the middle of the first one.
        move = [[sx, 0, (0.5 - left) * sx - 0.5], [0, sy, (0.5 - top) * sy - 0.5], [0, 0, 1]]
        return np.array(move) @ self.to_picture


def homography(tables: Tables) -> Matrix:
    """From (column, row) of the face to pixels of the picture, through the four points."""
    marked = [(point.x, point.y) for point in tables.points]
    return cv2.getPerspectiveTransform(
        np.array(_known(tables), np.float32), np.array(marked, np.float32)
    )


def _known(tables: Tables) -> list[tuple[float, float]]:
    """Column and row of each point."""
    face = tables.face
    return [
        (
            (face.width_mm if point.edge == "right" else 0) / MM_PER_ROW - 0.5,
            (face.high_mm - point.height_mm) / MM_PER_ROW - 0.5,
        )
        for point in tables.points
    ]


def face_shape(tables: Tables) -> tuple[int, int]:
    face = tables.face
    return (face.high_mm - face.low_mm) // MM_PER_ROW, face.width_mm // MM_PER_ROW


def grey(picture: Picture) -> Grey:
    """Brightness as float; red ink and black ink are both dark."""
    return (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture).astype(
        np.float32
    )


def straightened(picture: Grey, to_picture: Matrix, shape: tuple[int, int], margin: int) -> Grey:
    """The face and `margin` pixels round it, as if seen from the front."""
    offset = np.array([[1, 0, -margin], [0, 1, -margin], [0, 0, 1.0]])
    size = (shape[1] + 2 * margin, shape[0] + 2 * margin)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(
        picture, to_picture @ offset, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )


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
    _long_enough(face, f"high_mm = {face.high_mm}")
    tables = Tables(picture=size, face=face, points=marked)
    _inside(tables, source)
    _upright(_checked(tables, source), source)
    dry = (face.high_mm - level_mm - SPLASH_MM) // MM_PER_ROW
    period = face.period_mm // MM_PER_ROW
    if dry < DRY_PERIODS * period:
        needed = DRY_PERIODS * face.period_mm + SPLASH_MM
        raise InvalidData(
            f"level_mm = {level_mm}, high_mm = {face.high_mm}",
            [tr("less than {needed} mm of the face are above the water").format(needed=needed)],
        )
    image = grey(picture)
    for _ in range(2):
        seen = straightened(image, homography(tables), face_shape(tables), 0)
        tables = _trued(tables, seen[:dry], period, source)
    seen = _evenly_lit(straightened(image, homography(tables), face_shape(tables), 0))
    for row in range(dry, len(seen)):  # what is under water looks like what is above it
        seen[row] = np.median(seen[row % period : dry : period][-LIKE_PERIODS:], axis=0)
    return Calibration(tables, np.rint(seen).astype(np.float32))


def _evenly_lit(face: Grey) -> Grey:
    """The face without shadows: its white, which is near every place of it, is made the same."""
    white = cv2.dilate(face, np.ones(WHITE_NEAR, np.uint8))
    white = cv2.GaussianBlur(white, (0, 0), WHITE_NEAR[0] / 2)
    return np.clip(face / np.maximum(white, 1) * WHITE, 0, 255)


def _inside(tables: Tables, source: str) -> None:
    """Points that were marked lie in the picture."""
    size = tables.picture
    problems = [
        tr("{x:g},{y:g} is outside of the picture's {width} x {height} pixels").format(
            x=p.x, y=p.y, width=size.width, height=size.height
        )
        for p in tables.points
        if not (0 <= p.x < size.width and 0 <= p.y < size.height)
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


def _trued(tables: Tables, dry: Grey, period: int, source: str) -> Tables:
    """The tables with points where the pattern says that they are."""
    known = _known(tables)
    heights = sorted({row for _, row in known})
    curve = gauge_truing.bend(dry, period, (heights[0], heights[1]))
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


def save(calibration: Calibration, path: Path) -> None:
    """Write `path` (a .toml) and the face's picture beside it.

    Raises:
        CannotTry: they cannot be written.
    """
    tables = calibration.tables
    lines = []
    for name, table in (("picture", tables.picture), ("face", tables.face)):
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in table), ""]
    for point in tables.points:
        lines += ["[[points]]", f"x = {point.x!r}", f"y = {point.y!r}"]
        lines += [f'edge = "{point.edge}"', f"height_mm = {point.height_mm}", ""]
    face = cv2.imencode(".png", calibration.face.astype(np.uint8))[1].tobytes()
    files.write_atomically(path.with_suffix(".png"), face)
    files.write_atomically(path, "\n".join(lines).encode())


def load(path: Path) -> Calibration:
    """Read what `save` wrote.

    Raises:
        CannotTry: a file cannot be read.
        InvalidData: it has mistakes.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CannotTry(f"{path}: {os_reason(error)}", tr("calibrate the gauge first")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidData(
            str(path), [tr("this is no TOML: {error}").format(error=error)]
        ) from None
    tables = check(Tables, data, str(path))
    _long_enough(tables.face, f"{path}: [face] high_mm = {tables.face.high_mm}")
    _checked(tables, str(path))
    beside = path.with_suffix(".png")
    face = cv2.imread(str(beside), cv2.IMREAD_GRAYSCALE)
    if face is None or face.shape != face_shape(tables):
        rows, columns = face_shape(tables)
        problem = tr("is no picture of {columns} x {rows} pixels, or does not exist").format(
            columns=columns, rows=rows
        )
        raise CannotTry(f"{beside}: {problem}", tr("calibrate the gauge again"))
    return Calibration(tables, face.astype(np.float32))


def _long_enough(face: FaceSize, source: str) -> None:
    if face.high_mm - face.low_mm < 4 * face.period_mm:
        raise InvalidData(source, [tr("the face must have four periods or more")])


def _checked(tables: Tables, source: str) -> Tables:
    problems = []
    corners = {(point.edge, point.height_mm) for point in tables.points}
    heights = {height for _, height in corners}
    if len(corners) != 4 or len(heights) != 2:
        problems.append(f"[[points]]: {FOUR_POINTS}")
    if not problems:
        matrix = homography(tables)
        corner = np.array([(0, 0, 1), (face_shape(tables)[1], face_shape(tables)[0], 1)]).T
        if abs(np.linalg.det(matrix)) < 1e-9 or np.ptp(np.sign(matrix[2] @ corner)) > 0:
            problems.append(
                tr("[[points]]: these lie on one line, {four_points}").format(
                    four_points=FOUR_POINTS
                )
            )
    if problems:
        raise InvalidData(source, problems)
    return tables
