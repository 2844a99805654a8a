"""Checks a calibration while a person is there to correct it: the marked points, the level, and a
picture of the face with a scale to compare its numerals with.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from . import files, gauge, gauge_calibration, gauge_learning, picture_quality
from .errors import CannotTry
from .gauge_calibration import (
    MM_PER_ROW,
    Calibration,
    FaceSize,
    Picture,
    Point,
    grey,
    straightened,
)
from .language import tr

LEVEL_WITHIN_MM = 50
HARDLY = 0.2  # confidence; above it a picture is merely hard to read
UNTOLD_MM = 60  # so near to its lower end a face is not read
ZOOM = 2
SCALE = 110  # pixels right of the face
BLACK, RED, BLUE = (0, 0, 0), (50, 50, 230), (200, 90, 30)
AGAIN = tr("correct --level-mm and the points, or take a picture by day, sharp, without shadows")


def calibrate(
    picture: Path, out: Path, points: Sequence[Point], face: FaceSize, level_mm: int
) -> Calibration:
    """Learn a gauge from one good picture, and write the calibration and what a person compares.

    Args:
        picture: by day, at low water.
        out: the .toml to write; the face and the picture to compare go beside it.
        points: both edges of the face at two heights, in pixels of the picture.
        face: its measures.
        level_mm: where the water stands in this picture, read by a person.

    Raises:
        CannotTry: the picture, the points or the level are not right; the picture to compare
            shows the points then, if there is something to be seen.
    """
    _must_not_be_written(picture, out)
    image = gauge.load_picture(picture)
    _must_be_full(image, str(picture))
    _must_show(image, str(picture))
    checked = check_path(out)
    shown = _marked(image, points)
    try:
        learned = gauge_learning.learn(image, points, face, level_mm, "--point")
        shown = _labelled(image, learned, level_mm)
        _read_back(image, learned, level_mm)
    except CannotTry as error:
        write(shown, checked)
        raise CannotTry(
            error.message,
            tr("{next_step}; look at {checked}").format(
                next_step=error.next_step, checked=checked
            ),
        ) from None
    gauge_calibration.save(learned, out)
    write(shown, checked)
    return learned


def check_path(out: Path) -> Path:
    """Return where the picture to compare is, beside a calibration."""
    return out.with_suffix(".check.png")


def _read_back(picture: Picture, calibration: Calibration, level_mm: int) -> None:
    """Raise CannotTry where the picture itself does not show the level that a person read."""
    reading = gauge.read_gauge(picture, calibration)
    if reading.level_mm is not None:
        if abs(reading.level_mm - level_mm) > LEVEL_WITHIN_MM:
            seen = tr("the water line is seen at {level_mm:.0f} mm").format(
                level_mm=reading.level_mm
            )
            raise CannotTry(f"--level-mm {level_mm}: {seen}", AGAIN)
    elif reading.confidence < HARDLY and level_mm >= calibration.tables.face.low_mm + UNTOLD_MM:
        message = tr("--level-mm {level_mm}: the picture cannot be read with it, {why}").format(
            level_mm=level_mm, why=reading.why
        )
        raise CannotTry(message, AGAIN)


def _labelled(picture: Picture, calibration: Calibration, level_mm: int) -> Picture:
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


def _marked(picture: Picture, points: Sequence[Point]) -> Picture:
    """Return a picture with the marked points, numbered as they were given."""
    seen = cv2.cvtColor(grey(picture).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    for n, point in enumerate(points, 1):
        at = round(point.x), round(point.y)
        cv2.drawMarker(seen, at, RED, cv2.MARKER_CROSS, 16, 1)
        told, font = f"{n}: {point.edge} {point.height_mm}", (cv2.FONT_HERSHEY_SIMPLEX, 0.45)
        wide = cv2.getTextSize(told, *font, 1)[0][0]
        aside = -10 - wide if point.edge == "left" else 10
        cv2.putText(seen, told, (at[0] + aside, at[1] - 6), *font, RED, 1, cv2.LINE_AA)
    return seen


def _must_be_full(picture: Picture, name: str) -> None:
    """Raise CannotTry for a picture that is higher than wide: no camera's frame is."""
    height, width = picture.shape[:2]
    if height > width:
        message = tr(
            "{name} has {width} x {height} pixels: it is a picture of the gauge alone"
        ).format(name=name, width=width, height=height)
        raise CannotTry(
            message, tr("take a full picture: fieldbeat pictures ask UNIT --kind full")
        )


def _must_show(picture: Picture, name: str) -> None:
    """Raise CannotTry for a picture of the night, or of a covered lens: no points are to blame."""
    quality = picture_quality.assess(picture)
    if quality.night or quality.covered:
        what = tr("it is dark") if quality.night else tr("nothing is to be seen in it")
        raise CannotTry(f"{name}: {what}", tr("take a picture by day, sharp"))


def _must_not_be_written(picture: Path, out: Path) -> None:
    """Raise CannotTry where the calibration's files would take the place of its picture."""
    if out.suffix != ".toml":
        raise CannotTry(f"--out {out}: {tr('it is no .toml')}", tr("name a .toml"))
    written = (out.with_suffix(".png"), check_path(out))
    if picture.resolve() in [path.resolve() for path in written]:
        message = tr("--out {out} would write its face over {picture}").format(
            out=out, picture=picture
        )
        raise CannotTry(message, tr("name another --out"))


def write(shown: Picture, path: Path) -> None:
    """Write a picture, whole or not at all.

    Raises:
        CannotTry: the file cannot be written.
    """
    try:
        done, data = cv2.imencode(path.suffix, shown)
    except cv2.error:
        done = False
    if not done:
        raise CannotTry(
            tr("{path} cannot be written").format(path=path),
            tr("name a .jpg or .png where you may write"),
        )
    files.write_atomically(path, data.tobytes())
