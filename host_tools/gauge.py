"""Reads the water's level off a staff gauge in a picture.

    calibration = gauge_calibration.load(Path("river-07.toml"))
    reading = read_gauge(picture, calibration)
    print(reading.level_mm, reading.confidence, reading.why)

A reading without a level says why. It is better than a wrong level: who asks can wait for the next
picture, or believe the sensor.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import cv2
import numpy as np

from . import files, gauge_place, gauge_waterline
from .errors import CannotTry
from .gauge_calibration import (
    MM_PER_ROW,
    Calibration,
    Grey,
    Picture,
    Region,
    grey,
    straightened,
)
from .language import tr

ENOUGH = 0.5  # confidence, for a level to be told
SURE_ALIKE, NO_ALIKE = 0.85, 0.55  # likeness of bands: certain, and not to be used
SURE_OTHERS, NO_OTHERS = (
    0.43,
    0.5,
)  # share of its digits that may be another height's: half is none
SPLASHED_ROWS = 8  # above the line, in which digits are not looked at
SURE_STEP, NO_STEP = 0.6, 0.3  # how much more the face is seen above the line than below it
SURE_SIGMA_MM, NO_SIGMA_MM = 3.0, 8.0
SURE_GAIN, NO_GAIN = 0.15, 0.03  # of the contrast that the face was learned with
AGREE_MM = 30
CREST_MM, FOOT_MM = 130, 30  # so near to an end of the face no level is told
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
JPEG_TAIL = 64  # some cameras fill up the last block behind the end


@dataclass(frozen=True)
class Reading:
    """What one picture says of the level.

    Attributes:
        level_mm: above the gauge's zero; None where it cannot be read.
        confidence: 0 to 1; below ENOUGH there is no level.
        why: what kept it from being read, or lowers the confidence most; None if nothing does.
        sigma_mm: how sharply the pixels decide the line; waves come on top.
        shift_px: how far the gauge is from where it was calibrated, in this picture's pixels.
        alike: how well the face matches what was learned, 0 to 1.
        straight: the face as seen from the front, for `gauge_overlay`.
    """

    level_mm: float | None
    confidence: float
    why: str | None
    sigma_mm: float
    shift_px: tuple[float, float]
    alike: float
    straight: Grey


def read_gauge(
    picture: Picture, calibration: Calibration, region: Region | None = None
) -> Reading:
    """Read the level off a picture; about 60 ms of processor time.

    Args:
        picture: grey or BGR, of any size with the calibrated picture's sides in proportion.
        calibration: where the gauge stands in the calibrated picture.
        region: the part of the calibrated picture that `picture` shows; None: all of it.
    """
    image, face = grey(picture), calibration.face
    place = gauge_place.find(image, calibration.placed(picture, region), face)
    straight = straightened(image, place.to_picture, face.shape, 0)
    line = gauge_waterline.find(straight, face)
    sigma_mm = line.sigma_rows * MM_PER_ROW
    dry = 0 if line.row is None else int(line.row) - SPLASHED_ROWS
    period_rows = calibration.tables.face.period_mm // MM_PER_ROW
    others = gauge_place.others_share(straight, face, dry, period_rows)
    doubts = [
        (_share(place.alike, NO_ALIKE, SURE_ALIKE), tr("the gauge may not be where it should be")),
        (
            _share(-others, -NO_OTHERS, -SURE_OTHERS),
            tr("its digits may be those of another height"),
        ),
        (_share(line.gain, NO_GAIN, SURE_GAIN), tr("too dark or too hazy")),
        (float(line.row is not None), tr("no water line on the face")),
        (_share(line.dry - line.wet, NO_STEP, SURE_STEP), tr("what is above the line is unclear")),
        (_share(-sigma_mm, -NO_SIGMA_MM, -SURE_SIGMA_MM), tr("the water line is not sharp")),
    ]
    confidence = float(np.prod([share for share, _ in doubts]))
    worst, why = min(doubts, key=lambda doubt: doubt[0])
    level_mm = None
    if line.row is not None and confidence >= ENOUGH:
        # Rows are counted from their upper edges.
        level_mm = calibration.tables.face.high_mm - line.row * MM_PER_ROW
    return Reading(
        level_mm,
        confidence,
        why if worst < 1 else None,
        sigma_mm,
        place.shift_px,
        place.alike,
        straight,
    )


def readable_mm(calibration: Calibration) -> tuple[int, int]:
    """Return the lowest and the highest level that can be read."""
    face = calibration.tables.face
    return face.low_mm + FOOT_MM, face.high_mm - CREST_MM


def _share(value: float, none: float, full: float) -> float:
    return float(np.clip((value - none) / (full - none), 0, 1))


class Agreement(Enum):
    """What a picture says of a sensor's level."""

    AGREES = tr("agrees")
    DISAGREES = tr("disagrees")
    CANNOT_TELL = tr("cannot tell")


def agreement(
    reading: Reading, sensor_mm: float | None, threshold_mm: float = AGREE_MM
) -> Agreement:
    """Compare a reading with a sensor's level at the same time, both above the gauge's zero."""
    if reading.level_mm is None or sensor_mm is None:
        return Agreement.CANNOT_TELL
    apart = abs(reading.level_mm - sensor_mm)
    return Agreement.AGREES if apart <= threshold_mm else Agreement.DISAGREES


def load_picture(source: Path | bytes, name: str = tr("the picture")) -> Picture:
    """Decode a JPEG or PNG file, as BGR.

    Raises:
        CannotTry: the file cannot be read, or is no whole picture.
    """
    if isinstance(source, Path):
        name = str(source)
        source = files.read(source, tr("name a file that you may read"))
    picture = None
    # Some decoders fill up what is missing with grey, and its edge would look like a water line.
    cut = source.startswith(JPEG_START) and JPEG_END not in source[-JPEG_TAIL:]
    if source and not cut:
        picture = cv2.imdecode(np.frombuffer(source, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise CannotTry(
            tr("{name} is no whole picture").format(name=name),
            tr("give a JPEG or PNG file that is whole"),
        )
    return picture
