"""What the pictures of a store show: their quality, the staff gauge's level beside the sensor's.

This needs OpenCV: `pip install 'fieldbeat[pictures]'`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from . import gauge, jpeg_units, picture_quality, pictures
from .errors import CannotTry, FieldbeatError
from .gauge import Agreement, Reading
from .gauge_calibration import Calibration, Point, Region
from .gauge_calibration import Picture as Image
from .picture_quality import Quality
from .pictures import Picture
from .store import Store
from .times import iso

PART = "a part of the picture: give its --region"
ALIKE_SIDES = 0.02  # of their proportion
NEAR_S = 900  # a sample is of the picture's time if it is no further away
TILE = (320, 260)  # pixels; the last 20 rows are for words
COLUMNS = 6
POINT_RULE = "give x,y,left or right,height in mm: 357,62,left,1450"


@dataclass(frozen=True)
class Compared:
    """A picture's reading beside the sensor's level, in mm."""

    picture: Picture
    reading: Reading
    sensor_mm: float | None
    agreement: Agreement
    quality: Quality

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "picture": self.picture.id,
            "taken_s": self.picture.taken_s,
            "level_mm": self.reading.level_mm,
            "confidence": self.reading.confidence,
            "why": self.reading.why,
            "sensor_mm": self.sensor_mm,
            "agreement": self.agreement.value,
            "flags": self.quality.flags(),
        }

    def in_words(self) -> list[str]:
        """Return it as a row of a table."""
        reasons = [*self.quality.flags(), *([self.reading.why] if self.reading.why else [])]
        return [
            str(self.picture.id),
            iso(self.picture.taken_s),
            _mm(self.reading.level_mm),
            _mm(self.sensor_mm),
            self.agreement.value,
            ", ".join(reasons),
        ]


def _mm(value: float | None) -> str:
    return "cannot read" if value is None else f"{value:.0f}"


def image_of(store: Store, picture: Picture) -> Image:
    """Return a picture's pixels.

    Raises:
        CannotTry: it has not come whole, or is no JPEG.
    """
    return gauge.load_picture(pictures.data_of(store, picture), f"picture {picture.id}")


def judge(store: Store, picture: Picture) -> Quality:
    """Judge a picture beside the one of its kind before it."""
    earlier = [
        each
        for each in pictures.of_unit(store, picture.unit)
        if each.done_s is not None
        and each.kind == picture.kind
        and (each.taken_s, each.id) < (picture.taken_s, picture.id)
    ]
    before = image_of(store, earlier[-1]) if earlier else None
    return picture_quality.assess(image_of(store, picture), before)


def read(
    store: Store,
    unit: str,
    calibration: Calibration,
    channel: str,
    threshold_mm: float,
    region: Region | None,
    last: int,
) -> list[Compared]:
    """Read the gauge in the newest whole pictures that may show it, oldest first.

    Thumbnails are too small to be read.

    Args:
        region: the part of the calibrated picture that pictures of the gauge were cut out for;
            they show more, to the next whole units of their JPEG.

    Raises:
        CannotTry: the unit has no such channel, or a picture was not cut out for `region`.
    """
    _must_measure(store, unit, channel)
    found = [
        each
        for each in pictures.of_unit(store, unit)
        if each.done_s is not None and each.kind != "thumbnail"
    ]
    compared = []
    for picture in found[-last:]:
        image = image_of(store, picture)
        whole = _is_whole(image, calibration)
        if region and (picture.kind == "gauge" or not whole):
            place = _place(region, pictures.data_of(store, picture), image, calibration, picture)
            reading = gauge.read_gauge(image, calibration, place)
        elif whole:
            reading = gauge.read_gauge(image, calibration)
        else:
            reading = Reading(None, 0.0, PART, np.inf, (0.0, 0.0), 0.0, image[:0])
        sensor_mm = sensor_level_mm(store, unit, channel, picture.taken_s)
        agreement = gauge.agreement(reading, sensor_mm, threshold_mm)
        quality = judge(store, picture)
        compared.append(Compared(picture, reading, sensor_mm, agreement, quality))
    return compared


def must_tell(compared: list[Compared], channel: str) -> None:
    """Raise FieldbeatError where not one picture could be compared with the sensor."""
    if any(each.agreement is not Agreement.CANNOT_TELL for each in compared):
        return
    if any(each.reading.level_mm is not None for each in compared):
        message = f"no value of '{channel}' within {NEAR_S // 60} minutes of a picture"
        raise FieldbeatError(message, "wait for the next report, or name another --channel")
    message = "the gauge could be read in none of the pictures"
    if any(each.reading.why == PART for each in compared):
        raise FieldbeatError(message, "give the region of the unit's config as --region")
    step = "compare --region with the unit's config; if it is right, 'pictures calibrate' anew"
    raise FieldbeatError(message, step)


def _must_measure(store: Store, unit: str, channel: str) -> None:
    rows = store.database.all("SELECT DISTINCT name, symbol FROM series WHERE unit = ?", unit)
    if rows and not any(row["name"] == channel and row["symbol"] == "m" for row in rows):
        levels = ", ".join(sorted(row["name"] for row in rows if row["symbol"] == "m"))
        message = f"{unit} has no channel '{channel}' in m"
        raise CannotTry(message, f"name another with --channel: {levels or 'it has none'}")


def _is_whole(image: Image, calibration: Calibration) -> bool:
    """Whether it shows all of the calibrated picture: its sides are in the same proportion."""
    size = calibration.tables.picture
    return abs(image.shape[1] * size.height / (image.shape[0] * size.width) - 1) < ALIKE_SIDES


def _place(
    region: Region, data: bytes, image: Image, calibration: Calibration, picture: Picture
) -> Region:
    """Where a picture lies that was cut out for `region`."""
    frame = calibration.tables.picture.width, calibration.tables.picture.height
    left, top, width, height = region
    step = "give the region of the unit's config as --region; older pictures: --last"
    if left + width > frame[0] or top + height > frame[1]:
        message = f"--region {left},{top},{width},{height} is not within {frame[0]} x {frame[1]}"
        raise CannotTry(f"{message} pixels, the calibrated picture", step)
    place, seen = jpeg_units.grown(region, data, frame), (image.shape[1], image.shape[0])
    if place[2:] != seen:
        message = (
            f"picture {picture.id} is {seen[0]} x {seen[1]} pixels, and cut out for --region"
            f" {left},{top},{width},{height} it would be {place[2]} x {place[3]}"
        )
        raise CannotTry(message, step)
    return place


def sensor_level_mm(store: Store, unit: str, channel: str, at_s: float) -> float | None:
    """Return the sensor's level nearest to a time, None if none is near; the channel is in m."""
    rows = store.database.all(
        "SELECT t, value, quality, scale FROM samples JOIN series ON series.id = samples.series"
        " WHERE unit = ? AND name = ? AND symbol = 'm' AND t BETWEEN ? AND ?"
        " AND value IS NOT NULL ORDER BY abs(t - ?) LIMIT 1",
        *(unit, channel, at_s - NEAR_S, at_s + NEAR_S, at_s),
    )
    return rows[0]["value"] * 1000 / rows[0]["scale"] if rows and not rows[0]["quality"] else None


def point(text: str) -> Point:
    """Return a marked point of a command line.

    Raises:
        CannotTry: it is none.
    """
    try:
        x, y, edge, height = (part.strip() for part in text.split(","))
        return Point(x=float(x), y=float(y), edge=edge, height_mm=int(height))  # type: ignore[arg-type]
    except ValueError:
        raise CannotTry(f"--point {text} is no point", POINT_RULE) from None


def region(text: str) -> Region:
    """Return a region of a command line.

    Raises:
        CannotTry: it is none.
    """
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise CannotTry(f"--region {text} is none", "give left,top,width,height") from None
    if min(left, top) < 0 or min(width, height) < 1:
        raise CannotTry(f"--region {text} is empty", "give left,top,width,height in pixels")
    return left, top, width, height


def write_sheet(store: Store, found: list[Picture], path: Path) -> None:
    """Write the pictures on one sheet, each with its time and its flags.

    Raises:
        CannotTry: there are none, or the file cannot be written.
    """
    if not found:
        raise CannotTry("there is no whole picture", "see 'fieldbeat pictures list UNIT'")
    tiles = [_tile(image_of(store, each), each) for each in found]
    columns = min(COLUMNS, len(tiles))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    try:
        written = cv2.imwrite(str(path), np.vstack(rows))
    except cv2.error:
        written = False
    if not written:
        raise CannotTry(f"{path} cannot be written", "name a .jpg or .png where you may write")


def _tile(image: Image, picture: Picture) -> Image:
    width, height = TILE[0], TILE[1] - 20
    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    tile = np.zeros((TILE[1], TILE[0], 3), np.uint8)
    tile[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    words = " ".join((str(picture.id), iso(picture.taken_s), picture.kind or "", *picture.flags))
    cv2.putText(tile, words, (4, TILE[1] - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255))
    return tile
