"""Reads rendered gauges, whose level is known, and pictures without a gauge.

Sites are numbered from `trials.TEST` on: the reader was made with others. The large set is
`make bench AREA=river`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from fieldbeat.hil_tests.photographs import photographs
from fieldbeat.hil_tests.scenes import judge, trials
from fieldbeat.hil_tests.scenes.scene import Scene, jpeg
from fieldbeat.host_tools import gauge, gauge_overlay, picture_quality
from fieldbeat.host_tools.gauge import Agreement, load_picture

SIZE, SIZE_600 = (640, 480), (800, 600)
SITE = trials.TEST
SITES = (SITE, SITE + 1)


@lru_cache(maxsize=2)
def calibrated(site: int):
    return judge.calibrated(site, SIZE)


@lru_cache(maxsize=16)
def taken(variant: trials.Variant):
    """Pictures of both sites with their calibrations; several tests look at the same ones."""
    rounds = 2 if variant == trials.PLAIN else 1
    return [
        (trial, calibrated(site))
        for site in SITES
        for trial in trials.trials(site, (variant,), rounds, SIZE)
    ]


@lru_cache(maxsize=1)
def at_600():
    return Scene(SITE).render(600, size=SIZE)


def test_plain_pictures_are_read_within_a_centimetre():
    score = judge.judge(taken(trials.PLAIN))[trials.PLAIN]
    assert score.refused <= 1
    assert score.percentile(100) <= 10


@pytest.mark.parametrize("variant", trials.HARDER, ids=str)
def test_others_are_read_within_two_or_not_at_all(variant):
    assert judge.judge(taken(variant))[variant].percentile(100) <= 20


def test_most_of_the_others_are_read():
    scores = judge.judge(each for variant in trials.HARDER for each in taken(variant))
    told = sum(len(score.errors_mm) for score in scores.values())
    assert told >= sum(score.asked for score in scores.values()) / 2


def test_a_crop_for_a_slow_link_is_read_as_well():
    crops = list(trials.trials(SITE, (trials.PLAIN,), 2, SIZE, (3000, 8000)))
    assert crops and all(3000 <= len(crop.data) <= 8000 for crop in crops)
    score = judge.judge((crop, calibrated(SITE)) for crop in crops)[trials.PLAIN]
    assert score.errors_mm and score.percentile(100) <= 10


@pytest.mark.parametrize("site", SITES)
def test_the_crest_of_a_flood_is_read(site):
    """A tenth of the face is dry, and its mirror in the water is as high."""
    picture = load_picture(jpeg(Scene(site).render(1340, size=SIZE_600), 70))
    reading = gauge.read_gauge(picture, judge.calibrated(site, SIZE_600))
    assert reading.level_mm is not None and abs(reading.level_mm - 1340) <= 10


def test_a_crest_with_a_region_that_is_off_by_a_decimetre_gives_no_level():
    """What is dry is two decimetres, and those of this site are much alike."""
    site = trials.TEST + 15
    left, top, width, height = Scene(site).gauge_region(SIZE_600)
    picture = load_picture(jpeg(Scene(site).render(1350, size=SIZE_600), 70))
    crop = picture[top : top + height, left : left + width]
    for off in (-30, 30):
        wrong = (left, top + off, width, height)
        reading = gauge.read_gauge(crop, judge.calibrated(site, SIZE_600), wrong)
        assert reading.level_mm is None, (off, reading.level_mm)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("grey", [0, 255])
def test_nothing_at_all_is_no_level(grey):
    picture = np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)
    assert gauge.read_gauge(picture, calibrated(SITE)).level_mm is None


def test_marks_that_go_on_under_water_do_not_move_the_line():
    """Clear water shows a black mark right below the line, where the dry face would go on."""
    score = judge.judge(judge.asked_of((trials.TEST + 114,), (trials.PLAIN,) * 4))[trials.PLAIN]
    assert score.errors_mm and score.percentile(100) <= 10


@pytest.mark.longest
def test_a_region_that_is_off_by_a_decimetre_gives_no_level():
    """Little is dry and the light is poor, so few digits are left to tell one from the next."""
    told = 0
    for site in (trials.TEST + 201, trials.TEST + 249, trials.TEST + 250):
        left, top, width, height = Scene(site).gauge_region(SIZE_600)
        for trial, calibration in judge.asked_of((site,), trials.HARDER):
            crop = load_picture(trial.data)[top : top + height, left : left + width]
            for off in (-60, -30, 30, 60):
                wrong = (left, top + off, width, height)
                reading = gauge.read_gauge(crop, calibration, wrong)
                assert reading.level_mm is None, (site, trial.variant, off, reading.level_mm)
            right = gauge.read_gauge(crop, calibration, (left, top, width, height))
            told += right.level_mm is not None
    assert told >= 9  # of 18


@pytest.mark.parametrize("variant", trials.BLIND, ids=str)
def test_who_sees_nothing_tells_no_level(variant):
    for trial, calibration in taken(variant):
        reading = judge.read(trial, calibration)
        assert reading.level_mm is None and reading.confidence < gauge.ENOUGH and reading.why


def test_a_gauge_wholly_under_water_is_no_level():
    picture = Scene(SITE).render(1480, size=SIZE)
    assert gauge.read_gauge(picture, calibrated(SITE)).level_mm is None


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
    reading = gauge.read_gauge(at_600(), calibrated(SITE))
    assert gauge.agreement(reading, 612) is Agreement.AGREES
    assert gauge.agreement(reading, 660) is Agreement.DISAGREES
    assert gauge.agreement(reading, 660, threshold_mm=100) is Agreement.AGREES
    assert gauge.agreement(reading, None) is Agreement.CANNOT_TELL
    dark = judge.read(*taken(trials.Variant("night"))[0])
    assert gauge.agreement(dark, 600) is Agreement.CANNOT_TELL


def test_the_overlay_shows_where_the_line_was_found():
    picture = at_600()
    reading = gauge.read_gauge(picture, calibrated(SITE))
    shown = gauge_overlay.draw(picture, calibrated(SITE), reading)
    assert shown.shape[0] == SIZE[1] and shown.shape[1] > SIZE[0]
    x, y = np.rint(Scene(SITE).camera.project(np.array([(0, 0, 600)]), SIZE)[0]).astype(int)
    column = shown[y - 4 : y + 5, x].astype(int)
    assert (column[:, 1] - column[:, 2] > 80).any()  # green


FLAGS = {
    "night": trials.Variant("night"),
    "blurred": trials.Variant(weather="fog"),
    "covered": trials.Variant(lens="covered"),
    "glare": trials.Variant(weather="glare"),
}


def assessed(variant: trials.Variant):
    """What is said of that variant's pictures, beside the picture of the calibration."""
    for trial, _ in taken(variant):
        reference = load_picture(trials.mounted(Scene(trial.site), SIZE))
        yield picture_quality.assess(load_picture(trial.data), reference=reference)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_stands_for_its_fault(flag):
    for quality in assessed(FLAGS[flag]):
        assert flag in quality.flags(), quality


@pytest.mark.parametrize("variant", [trials.PLAIN, trials.Variant("dusk")], ids=["day", "dusk"])
def test_a_good_picture_has_no_flag(variant):
    for quality in assessed(variant):
        assert quality.flags() == [], quality


def test_the_same_picture_again_is_frozen():
    first, again = (load_picture(jpeg(at_600(), 80)) for _ in range(2))
    other = load_picture(taken(trials.Variant("dusk"))[0][0].data)
    ripples = load_picture(jpeg(Scene(SITE).render(600, seed=1, size=SIZE), 80))
    assert picture_quality.assess(again, first).frozen
    assert not picture_quality.assess(other, first).frozen
    assert not picture_quality.assess(ripples, first).frozen


def test_a_calm_night_is_no_frozen_camera():
    """Without light there is only noise, and noise is never the same again."""
    dark = [Scene(SITE).render(500, "night", seed=seed, size=SIZE) for seed in (1, 2)]
    before, after = (load_picture(jpeg(picture, 80)) for picture in dark)
    assert picture_quality.assess(before, before).frozen
    assert not picture_quality.assess(after, before).frozen
