"""The rendered river: what it promises, seen from outside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from fieldbeat.hil_tests.scenes import face, lens, light
from fieldbeat.hil_tests.scenes.scene import Scene, jpeg

SIZE = (320, 240)
SITE = Scene(3)


def test_the_same_numbers_give_the_same_picture():
    first = Scene(3).render(640, seed=5, size=SIZE)
    assert np.array_equal(first, SITE.render(640, seed=5, size=SIZE))


def test_seed_level_and_site_each_change_it():
    base = SITE.render(640, seed=5, size=SIZE).astype(int)
    for other in (
        SITE.render(640, seed=6, size=SIZE),
        SITE.render(700, seed=5, size=SIZE),
        Scene(4).render(640, seed=5, size=SIZE),
    ):
        assert abs(base - other).mean() > 1


def test_water_covers_the_face_up_to_the_level():
    """A blue-red difference is ink or water; enamel is grey, and far brighter than the river."""
    size = (640, 480)
    picture = SITE.render(700, seed=1, size=size).astype(float)
    for height, dry in ((760, True), (1260, True), (600, False), (300, False)):
        white = [(x, 0, height) for x in np.linspace(8, 56, 7)]  # beside the first E of each 10 cm
        pixels = np.rint(SITE.camera.project(np.array(white), size)).astype(int)
        brightest = max(picture[y, x].mean() for x, y in pixels)
        assert (brightest > 130) == dry, (height, brightest)


def test_a_shift_moves_the_picture_by_its_pixels():
    still = SITE.render(400, seed=2, size=SIZE)
    moved = SITE.but(shift_px=(4, -3)).render(400, seed=2, size=SIZE)
    x, y = np.rint(SITE.corners(SIZE, 0, 1400)[0]).astype(int)
    scores = cv2.matchTemplate(moved, still[y : y + 60, x : x + 20], cv2.TM_CCOEFF_NORMED)
    assert cv2.minMaxLoc(scores)[3] == (x + 4, y - 3)


@pytest.mark.parametrize("kind", light.WEATHERS)
def test_every_weather_and_light_has_its_own_picture(kind):
    pictures = [SITE.render(500, name, kind, 1, (160, 120)).astype(int) for name in light.LIGHTS]
    day, dusk, night, lamp = (picture.mean() for picture in pictures)
    assert day > dusk > night and lamp > night
    assert np.ptp(pictures[3].mean((0, 1))) < 1  # infrared has no colours


def test_a_covered_lens_shows_nothing_of_the_scene():
    spread = {}
    for state in lens.LENSES:
        picture = SITE.but(lens=state).render(500, size=SIZE)
        small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        spread[state] = float(cv2.Laplacian(small, cv2.CV_64F).std())
    assert spread["covered"] < spread["clean"] / 3


def test_a_region_is_a_crop_and_takes_fewer_bytes():
    picture = SITE.render(500, size=(640, 480))
    region = SITE.gauge_region((640, 480))
    crop = cv2.imdecode(np.frombuffer(jpeg(picture, 80, region), np.uint8), 1)
    assert crop.shape[:2] == (region[3], region[2])
    corners = SITE.corners((640, 480), 0, face.HEIGHT_MM)
    left, top = corners.min(0)
    assert region[0] < left and region[1] < top
    assert len(jpeg(picture, 80, region)) < len(jpeg(picture, 80)) / 3


def test_light_by_the_clock():
    hours = {5: "night", 6.5: "dusk", 12: "day", 18.5: "dusk", 23: "night", 36: "day"}
    assert {hour: light.light_at(hour * 3600) for hour in hours} == hours
