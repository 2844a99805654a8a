"""Where a staff gauge stands in a camera's picture, and what its face looks like.

A calibration is two files beside the unit's: `NAME.toml`, which a person may write or correct, and
`NAME.png`, the face as it was learned (gauge_learning.py), straightened. Heights are mm above the
gauge's zero.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from . import files
from .errors import CannotTry
from .language import os_reason, tr
from .validation import InvalidData, Strict, check

Picture = NDArray[Any]
Grey = NDArray[Any]
Matrix = NDArray[Any]
Region = tuple[int, int, int, int]  # left, top, width, height

MM_PER_ROW = 2  # and per column, of the straightened face
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
        np.array(places(tables), np.float32), np.array(marked, np.float32)
    )


def places(tables: Tables) -> list[tuple[float, float]]:
    """Column and row of each point in the face."""
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
    must_have_periods(tables.face, f"{path}: [face] high_mm = {tables.face.high_mm}")
    must_span(tables, str(path))
    beside = path.with_suffix(".png")
    face = cv2.imread(str(beside), cv2.IMREAD_GRAYSCALE)
    if face is None or face.shape != face_shape(tables):
        rows, columns = face_shape(tables)
        problem = tr("is no picture of {columns} x {rows} pixels, or does not exist").format(
            columns=columns, rows=rows
        )
        raise CannotTry(f"{beside}: {problem}", tr("calibrate the gauge again"))
    return Calibration(tables, face.astype(np.float32))


def must_have_periods(face: FaceSize, source: str) -> None:
    """Raise InvalidData for a face that is too short."""
    if face.high_mm - face.low_mm < 4 * face.period_mm:
        raise InvalidData(source, [tr("the face must have four periods or more")])


def must_span(tables: Tables, source: str) -> None:
    """Raise InvalidData where the points are not both edges at two heights, or on one line."""
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
