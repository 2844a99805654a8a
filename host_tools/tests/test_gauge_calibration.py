"""Calibrations: what is written is read back, and mistakes are told with what to do."""

from __future__ import annotations

import tomllib

import cv2
import numpy as np
import pytest
from fieldbeat.host_tools import (
    gauge,
    gauge_calibration,
    gauge_learning,
    gauge_place,
    gauge_truing,
)
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.gauge_calibration import FaceSize, Point
from fieldbeat.host_tools.validation import InvalidData

FACE = FaceSize(width_mm=100, low_mm=0, high_mm=1000)
LEVEL_MM = 200


def stripes() -> np.ndarray:
    """A gauge as simple as can be, seen from the front: 1 mm a pixel, at (100, 50)."""
    picture = np.full((1100, 300, 3), 90, np.uint8)
    picture[50:1050, 100:200] = 230
    for top in range(50, 1050, 100):
        picture[top : top + 50, 100:150] = 30
        picture[top + 20 : top + 30, 150:200] = 30
    picture[1050 - LEVEL_MM :] = 110
    return picture


def points(high: int = 950, low: int = 250) -> list[Point]:
    return [
        Point(x=x - 0.5, y=1050 - height - 0.5, edge=edge, height_mm=height)
        for height in (high, low)
        for edge, x in (("left", 100), ("right", 200))
    ]


def learned() -> gauge_calibration.Calibration:
    return gauge_learning.learn(stripes(), points(), FACE, LEVEL_MM)


def test_what_is_saved_is_loaded(tmp_path):
    before = learned()
    path = tmp_path / "river-07.toml"
    gauge_calibration.save(before, path)
    after = gauge_calibration.load(path)
    assert after.tables == before.tables
    assert np.array_equal(after.face, before.face)
    assert tomllib.loads(path.read_text())["face"]["period_mm"] == 100


def test_its_own_picture_is_read_where_the_water_stands():
    reading = gauge.read_gauge(stripes(), learned())
    assert reading.level_mm is not None and abs(reading.level_mm - LEVEL_MM) <= 4, reading


def test_a_region_is_read_as_the_whole():
    region = (60, 20, 200, 1060)
    left, top, width, height = region
    crop = stripes()[top : top + height, left : left + width]
    whole = gauge.read_gauge(stripes(), learned())
    part = gauge.read_gauge(crop, learned(), region)
    assert part.level_mm is not None and abs(part.level_mm - whole.level_mm) < 1


def test_what_is_under_water_is_learned_from_what_is_above():
    face = learned().face
    under, above = face[-50:], face[200:250]
    assert abs(under - above).mean() < 3


def test_truing_mends_what_a_person_marked_badly():
    """A pixel of error at one edge bends the scale by centimetres half-way; the pattern knows."""
    bad = points()
    bad[1] = bad[1].model_copy(update={"x": bad[1].x + 3})
    crooked = gauge_calibration.Tables(
        picture=gauge_calibration.PictureSize(width=300, height=1100), face=FACE, points=bad
    )
    true = gauge_learning.learn(stripes(), bad, FACE, LEVEL_MM)

    def error_mm(matrix: np.ndarray) -> float:
        row = cv2.perspectiveTransform(np.array([[(150.0, 449.5)]]), np.linalg.inv(matrix))[
            0, 0, 1
        ]
        return abs(1000 - 2 * (row + 0.5) - 600)

    assert error_mm(gauge_calibration.homography(crooked)) > 4
    assert error_mm(true.to_picture) < 1.5


def numbered() -> np.ndarray:
    """A face of ten periods of 50 rows, each with its own number."""
    face = np.full((500, 60), 220, np.uint8)
    for period in range(10):
        top = 50 * period
        face[top : top + 25, :30] = 40
        place = (34, top + 40)
        cv2.putText(face, str(period), place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, 40, 2)
    return face.astype(np.float32)


@pytest.mark.parametrize("periods", [-2, -1, 1, 2])
def test_a_face_seen_at_another_height_has_the_digits_of_that_height(periods):
    noise = np.random.default_rng(5).normal(0, 20, (500, 60))
    seen = (numbered() * 0.4 + 60 + noise).astype(np.float32)
    assert gauge_place.others_share(seen, numbered(), 200, 50) < gauge.SURE_OTHERS
    elsewhere = np.roll(seen, 50 * periods, 0)
    assert gauge_place.others_share(elsewhere, numbered(), 200, 50) > gauge.NO_OTHERS


def test_digits_that_are_not_seen_are_nobodys():
    hidden = numbered()
    hidden[:, 32:] = 130
    assert gauge_place.others_share(hidden, numbered(), 200, 50) >= gauge.NO_OTHERS


def test_a_face_without_digits_has_only_its_place_to_go_by():
    face = np.tile(numbered()[:50], (10, 1))
    assert gauge_place.others_share(face, face, 300, 50) < gauge.SURE_OTHERS


def test_a_face_without_a_pattern_cannot_be_trued():
    flat = np.full((500, 50), 200, np.float32)
    assert gauge_truing.bend(flat, 50, (20, 400)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"points": points(high=250)}, "both edges at two heights"),
        ({"points": [points()[0]] * 4}, "both edges at two heights"),
        ({"level_mm": 800}, "^level_mm = 800, high_mm = .* of the face are above the water"),
        (
            {"face": FaceSize(width_mm=100, low_mm=0, high_mm=300)},
            "^high_mm = 300: .*four periods",
        ),
        (
            {"points": [*points()[:3], points()[3].model_copy(update={"x": 9999.0})]},
            "^points: 9999,.* is outside of the picture's",
        ),
        (
            {"points": [point.model_copy(update={"x": 7.0}) for point in points()]},
            "on one line",
        ),
    ],
)
def test_mistakes_are_told(change, said):
    given = {"points": points(), "face": FACE, "level_mm": LEVEL_MM} | change
    with pytest.raises(InvalidData, match=said):
        gauge_learning.learn(stripes(), **given)


def test_a_missing_or_damaged_file_says_what_to_do(tmp_path):
    path = tmp_path / "gauge.toml"
    with pytest.raises(CannotTry, match="calibrate the gauge first"):
        gauge_calibration.load(path)
    gauge_calibration.save(learned(), path)
    path.with_suffix(".png").unlink()
    with pytest.raises(CannotTry, match="calibrate the gauge again"):
        gauge_calibration.load(path)
    path.write_text(path.read_text().replace('edge = "left"', 'edge = "top"', 1))
    with pytest.raises(InvalidData, match="edge"):
        gauge_calibration.load(path)
    path.write_text("= 1")
    with pytest.raises(InvalidData, match="no TOML"):
        gauge_calibration.load(path)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0\x00"])
def test_what_is_no_picture_is_told(data):
    with pytest.raises(CannotTry, match="no whole picture"):
        gauge.load_picture(data)


def test_a_jpeg_without_its_end_is_refused():
    """A decoder that fills it up with grey would show a fine water line where the data end."""
    whole = cv2.imencode(".jpg", stripes())[1].tobytes()
    assert gauge.load_picture(whole + bytes(32)).shape == stripes().shape
    for share in (0.2, 0.6, 0.99):
        with pytest.raises(CannotTry, match="no whole picture"):
            gauge.load_picture(whole[: int(len(whole) * share)])
