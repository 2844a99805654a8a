"""Reads rendered gauges, whose level is known, and pictures without a gauge.

Sites are numbered from `trials.TEST` on: the reader was made with others. The large set is
`make bench AREA=river`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from fieldbeat.hil_tests.scenes import judge, trials
from fieldbeat.hil_tests.scenes.scene import Scene, jpeg
from fieldbeat.host_tools import gauge, gauge_overlay, picture_quality
from fieldbeat.host_tools.gauge import Agreement, load_picture

SIZE = (640, 480)
SITE = trials.TEST
SITES = range(SITE, SITE + 2)


@lru_cache(maxsize=4)
def calibrated(site: int):
    return judge.calibrated(site, SIZE)


def asked(variants, crop_bytes=None):
    for site in SITES:
        for trial in trials.trials(site, variants, 1, SIZE, crop_bytes):
            yield trial, calibrated(site)


def test_plain_pictures_are_read_within_a_centimetre():
    score = judge.judge(asked((trials.PLAIN,) * 3))[trials.PLAIN]
    assert score.refused <= 1
    assert score.percentile(100) <= 10


def test_dusk_rain_glare_wind_and_lamp_are_read_within_two():
    scores = judge.judge(asked(trials.HARDER))
    for variant, score in scores.items():
        assert score.percentile(100) <= 20, (str(variant), score)
    told = sum(len(score.errors_mm) for score in scores.values())
    assert told >= sum(score.asked for score in scores.values()) / 2


def test_crops_for_a_slow_link_are_read_as_well():
    score = judge.judge(asked((trials.PLAIN,) * 2, (3000, 8000)))[trials.PLAIN]
    assert score.errors_mm and score.percentile(100) <= 10


@pytest.mark.parametrize("variant", trials.BLIND, ids=str)
def test_who_sees_nothing_tells_no_level(variant):
    for trial, calibration in asked((variant,) * 2):
        reading = judge.read(trial, calibration)
        assert reading.level_mm is None and reading.confidence < gauge.ENOUGH and reading.why


def test_a_gauge_wholly_under_water_is_no_level():
    picture = Scene(SITE).render(1480, size=SIZE)
    assert gauge.read_gauge(picture, calibrated(SITE)).level_mm is None


def photographs() -> list[Path]:
    """Real pictures that Python packages bring along: people, a shop, cells, a rocket, text."""
    folders = {"mahotas": "demos/data", "skimage": "data"}
    found = []
    for package, folder in folders.items():
        spec = find_spec(package)
        if spec and spec.origin:
            files = sorted((Path(spec.origin).parent / folder).glob("*"))
            found += [file for file in files if file.suffix in (".jpg", ".png")]
    return found


def test_photographs_without_a_gauge_have_no_level():
    files = photographs()
    if not files:
        pytest.skip("no photographs: pip install mahotas")
    assert sum(file.suffix == ".jpg" for file in files) >= 3
    for file in files:
        picture = load_picture(file)
        for site in SITES:
            reading = gauge.read_gauge(picture, calibrated(site))
            assert reading.level_mm is None, (file.name, reading.level_mm, reading.confidence)


def test_a_gauge_that_left_its_place_is_not_read():
    """A camera that was turned by far more than a few pixels needs a new calibration."""
    for shift in ((60, 0), (0, 45), (-40, 40)):
        picture = Scene(SITE, shift_px=shift).render(600, size=SIZE)
        assert gauge.read_gauge(picture, calibrated(SITE)).level_mm is None, shift


def test_the_shift_is_told():
    picture = Scene(SITE, shift_px=(5.0, -3.0)).render(600, size=SIZE)
    reading = gauge.read_gauge(picture, calibrated(SITE))
    assert np.allclose(reading.shift_px, (5, -3), atol=0.6)


def test_a_picture_of_another_size_is_read_with_the_same_calibration():
    picture = Scene(SITE).render(600, size=(1024, 768))
    reading = gauge.read_gauge(picture, calibrated(SITE))
    assert reading.level_mm is not None and abs(reading.level_mm - 600) <= 10


def test_a_sensor_is_believed_doubted_or_neither():
    reading = gauge.read_gauge(Scene(SITE).render(600, size=SIZE), calibrated(SITE))
    assert gauge.agreement(reading, 612) is Agreement.AGREES
    assert gauge.agreement(reading, 660) is Agreement.DISAGREES
    assert gauge.agreement(reading, 660, threshold_mm=100) is Agreement.AGREES
    assert gauge.agreement(reading, None) is Agreement.CANNOT_TELL
    dark = gauge.read_gauge(Scene(SITE).render(600, "night", size=SIZE), calibrated(SITE))
    assert gauge.agreement(dark, 600) is Agreement.CANNOT_TELL


def test_the_overlay_shows_where_the_line_was_found():
    picture = Scene(SITE).render(600, size=SIZE)
    reading = gauge.read_gauge(picture, calibrated(SITE))
    shown = gauge_overlay.draw(picture, calibrated(SITE), reading)
    assert shown.shape[0] == SIZE[1] and shown.shape[1] > SIZE[0]
    x, y = np.rint(Scene(SITE).camera.project(np.array([(0, 0, 600)]), SIZE)[0]).astype(int)
    column = shown[y - 4 : y + 5, x].astype(int)
    assert (column[:, 1] - column[:, 2] > 80).any()  # green


FLAGS = {
    "night": trials.Variant("night"),
    "covered": trials.Variant(lens="covered"),
    "glare": trials.Variant(weather="glare"),
}


def assess(site: int, variant: trials.Variant, seed: int = 3, before=None):
    scene = Scene(site)
    picture = scene.but(lens=variant.lens).render(500, variant.light, variant.weather, seed, SIZE)
    reference = load_picture(trials.mounted(scene, SIZE))
    return picture_quality.assess(load_picture(jpeg(picture, 75)), before, reference)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_stands_for_its_fault(flag):
    for site in SITES:
        quality = assess(site, FLAGS[flag])
        assert flag in quality.flags(), quality


@pytest.mark.parametrize("variant", [trials.PLAIN, trials.Variant("dusk")], ids=["day", "dusk"])
def test_a_good_picture_has_no_flag(variant):
    for site in SITES:
        assert assess(site, variant).flags() == [], site


def test_dirt_or_haze_is_told():
    for site in SITES:
        for variant in (trials.Variant(lens="dirt"), trials.Variant(weather="fog")):
            assert {"dirty", "blurred"} & set(assess(site, variant).flags()), (site, variant)


def test_the_same_picture_again_is_frozen():
    scene = Scene(SITE)
    picture = scene.render(500, seed=1, size=SIZE)
    before = load_picture(jpeg(picture, 80))
    for again, frozen in (
        (jpeg(picture, 80), True),
        (jpeg(picture, 45), True),  # compressed anew
        (jpeg(scene.render(500, seed=2, size=SIZE), 80), False),
        (jpeg(scene.render(500, "dusk", seed=2, size=SIZE), 80), False),
    ):
        quality = picture_quality.assess(load_picture(again), before)
        assert quality.frozen == frozen, quality.figures["frozen"]


def test_a_calm_night_is_no_frozen_camera():
    """Without light there is only noise, and noise is never the same again."""
    scene = Scene(SITE)
    dark = [scene.render(500, "night", seed=seed, size=SIZE) for seed in (1, 2)]
    before, after = (load_picture(jpeg(picture, 80)) for picture in dark)
    assert np.array_equal(cv2.absdiff(before, after) > 0, before != after)
    assert picture_quality.assess(before, before).frozen
    assert not picture_quality.assess(after, before).frozen
