"""What the pictures of a store show: their quality, the staff gauge's level beside the sensor's.

This needs OpenCV: `pip install 'fieldbeat[pictures]'`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import gauge, gauge_check, jpeg_units, picture_quality, picture_sheet, pictures
from .errors import CannotTry, FieldbeatError
from .gauge import Agreement, Reading
from .gauge_calibration import Calibration, Point, Region
from .gauge_calibration import Picture as Image
from .language import tr
from .picture_quality import Quality
from .pictures import Picture
from .store import Store
from .times import iso
from .wording import first

PART = tr("a part of the picture: give its --region")
ALIKE_SIDES = 0.02  # of their proportion
NEAR_S = 900  # a sample is of the picture's time if it is no further away
POINT_RULE = tr("give x,y,left or right,height in mm: 357,62,left,1450")


@dataclass(frozen=True)
class Compared:
    """A picture's reading beside the sensor's level, in mm; `readable_mm`: from, to."""

    picture: Picture
    reading: Reading
    sensor_mm: float | None
    agreement: Agreement
    quality: Quality
    readable_mm: tuple[int, int]

    @property
    def is_beyond(self) -> bool:
        """Whether it was not read, and by the sensor the water stands too high or too low."""
        low, high = self.readable_mm
        sensor_mm = self.sensor_mm
        unread = self.reading.level_mm is None and self.reading.why != PART
        return unread and not (sensor_mm is None or low <= sensor_mm <= high)

    @property
    def why(self) -> str | None:
        """What kept it from being read, or lowers the confidence most."""
        if not self.is_beyond:
            return self.reading.why
        return tr("the sensor's level is beyond {low} to {high} mm, which can be read").format(
            low=self.readable_mm[0], high=self.readable_mm[1]
        )

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "picture": self.picture.id,
            "taken_s": self.picture.taken_s,
            "level_mm": _rounded(self.reading.level_mm),
            "confidence": round(self.reading.confidence, 2),
            "why": self.why,
            "sensor_mm": self.sensor_mm,
            "agreement": self.agreement.value,
            "flags": self.quality.flags(),
        }

    def in_words(self) -> list[str]:
        """Return it as a row of a table."""
        doubts = [*([self.why] if self.why else []), *map(tr, self.quality.flags())]
        return [
            str(self.picture.id),
            iso(self.picture.taken_s),
            _mm(self.reading.level_mm),
            _mm(self.sensor_mm),
            self.agreement.value,
            f"{self.reading.confidence:.2f}",
            ", ".join(doubts),
        ]


def _rounded(level_mm: float | None) -> float | None:
    return None if level_mm is None else round(level_mm, 1)


def _mm(value: float | None) -> str:
    return tr("cannot read") if value is None else f"{value:.0f}"


def image_of(store: Store, picture: Picture) -> Image:
    """Return a picture's pixels.

    Raises:
        CannotTry: it has not come whole, or is no JPEG.
    """
    return gauge.load_picture(
        pictures.data_of(store, picture), tr("picture {id}").format(id=picture.id)
    )


def judge(store: Store, picture: Picture) -> Quality:
    """Judge a picture beside the one of its kind before it."""
    earlier = [
        each
        for each in pictures.of_unit(store, picture.unit)
        if each.done_s is not None
        and each.kind == picture.kind
        and (each.taken_s, each.id) < (picture.taken_s, picture.id)
    ]
    sealed = (each for each in reversed(earlier) if not pictures.is_changed(store, each))
    last = next(sealed, None)
    before = image_of(store, last) if last else None
    return picture_quality.assess(image_of(store, picture), before)


def read(
    store: Store,
    unit: str,
    calibration: Calibration,
    channel: str,
    threshold_mm: float,
    region: Region | None,
    last: int,
) -> tuple[list[Compared], list[Picture]]:
    """Read the gauge in the newest whole pictures that may show it, oldest first.

    Thumbnails are too small to be read; pictures that were changed are returned apart, unread.

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
    sealed, changed = pictures.whole_of(store, found[-last:])
    compared = []
    for picture in sealed:
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
        readable_mm = gauge.readable_mm(calibration)
        compared.append(Compared(picture, reading, sensor_mm, agreement, quality, readable_mm))
    return compared, changed


def closing(compared: list[Compared]) -> str:
    """Return what somebody has to do where gauge and sensor disagree, '' where they do not."""
    odd = [each for each in compared if each.agreement is Agreement.DISAGREES]
    told = [
        tr("picture {id} (gauge {mm} mm, sensor {mm_2} mm)").format(
            id=each.picture.id, mm=_mm(each.reading.level_mm), mm_2=_mm(each.sensor_mm)
        )
        for each in odd
    ]
    return (
        tr("gauge and sensor disagree: go and look; see {first}").format(first=first(told))
        if odd
        else ""
    )


def must_tell(compared: list[Compared], channel: str) -> None:
    """Raise FieldbeatError where not one picture could be compared with the sensor."""
    if any(each.agreement is not Agreement.CANNOT_TELL for each in compared):
        return
    if any(each.reading.level_mm is not None for each in compared):
        message = tr("no value of '{channel}' within {value} minutes of a picture").format(
            channel=channel, value=NEAR_S // 60
        )
        raise FieldbeatError(message, tr("wait for the next report, or name another --channel"))
    message = tr("the gauge could be read in none of the pictures")
    if all(each.quality.night or each.quality.covered for each in compared):
        raise FieldbeatError(message, tr("all are dark or covered: wait for one by day"))
    if all(each.is_beyond for each in compared):
        step = tr(
            "if the sensor is right, a gauge that reaches from 30 mm below this water to 300 mm "
            "above it would show it; else compare --region with the unit's config"
        )
        raise FieldbeatError(message, step)
    if any(each.reading.why == PART for each in compared):
        raise FieldbeatError(message, tr("give the region of the unit's config as --region"))
    step = tr("compare --region with the unit's config; if it is right, 'pictures calibrate' anew")
    raise FieldbeatError(message, step)


def _must_measure(store: Store, unit: str, channel: str) -> None:
    rows = store.database.all("SELECT DISTINCT name, symbol FROM series WHERE unit = ?", unit)
    if rows and not any(row["name"] == channel and row["symbol"] == "m" for row in rows):
        levels = ", ".join(sorted(row["name"] for row in rows if row["symbol"] == "m"))
        message = tr("{unit} has no channel '{channel}' in m").format(unit=unit, channel=channel)
        raise CannotTry(
            message,
            tr("name another with --channel: {value}").format(value=levels or tr("it has none")),
        )


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
    step = tr(
        "give the region of the unit's config as --region; if it is that, "
        "calibrate with a full picture, not with one of the gauge; older "
        "pictures: --last"
    )
    if left + width > frame[0] or top + height > frame[1]:
        message = tr(
            "--region {left},{top},{width},{height} is not within {frame} x {frame_2}"
        ).format(left=left, top=top, width=width, height=height, frame=frame[0], frame_2=frame[1])
        raise CannotTry(
            tr("{message} pixels, the calibrated picture").format(message=message), step
        )
    place, seen = jpeg_units.grown(region, data, frame), (image.shape[1], image.shape[0])
    if place[2:] != seen:
        message = tr(
            "picture {id} is {seen} x {seen_2} pixels, and cut out for --region "
            "{left},{top},{width},{height} it would be {place} x {place_2}"
        ).format(
            id=picture.id,
            seen=seen[0],
            seen_2=seen[1],
            left=left,
            top=top,
            width=width,
            height=height,
            place=place[2],
            place_2=place[3],
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
        raise CannotTry(tr("--point {text} is no point").format(text=text), POINT_RULE) from None


def region(text: str) -> Region:
    """Return a region of a command line.

    Raises:
        CannotTry: it is none.
    """
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise CannotTry(
            tr("--region {text} is none").format(text=text), tr("give left,top,width,height")
        ) from None
    if min(left, top) < 0 or min(width, height) < 1:
        raise CannotTry(
            tr("--region {text} is empty").format(text=text),
            tr("give left,top,width,height in pixels"),
        )
    return left, top, width, height


def write_sheet(store: Store, found: list[Picture], path: Path) -> None:
    """Write the pictures on one sheet, each with its time and its flags.

    Raises:
        CannotTry: there are none, or the file cannot be written.
    """
    if not found:
        raise CannotTry(tr("there is no whole picture"), tr("see 'fieldbeat pictures list UNIT'"))
    sheet = picture_sheet.layout([(each, image_of(store, each)) for each in found])
    gauge_check.write(sheet, path)
