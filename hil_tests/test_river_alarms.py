"""A river station in virtual time: a flood wave comes, and the collector hears of it at once."""

from __future__ import annotations

import pytest

from .river_wave import DATUM_MM, River
from .virtual.site import Site

LATEST_S = 15
QUIET_DAY_BYTES = 2048


@pytest.fixture
def river():
    with Site(seed=5) as site:
        yield River(site)


def test_a_flood_wave(river):
    site = river.site
    site.run_for(4 * 3600)
    assert river.told() == [] and set(river.steps()) == {300}
    assert river.alarm_after_s(river.rise()) <= LATEST_S


@pytest.mark.long
def test_a_quiet_day_is_cheap(river):
    site = river.site
    site.run_for(3 * 3600)  # its start is told, too
    size = river.day_bytes()
    assert river.told() == [] and 0 < size <= QUIET_DAY_BYTES, size


@pytest.mark.parametrize(
    ("lasts_s", "expected"), [(20, []), (60, [(1, True), (1, False)])], ids=["boat", "flood"]
)
@pytest.mark.long
def test_what_passes_under_the_sensor_is_no_flood_and_what_stays_is_one(river, lasts_s, expected):
    site, faults = river.site, river.sensor.faults
    river.sensor.hang(DATUM_MM - 2100)  # above the mark of the quick pace, below that of the alarm
    site.run_for(4000)
    assert river.told() == [] and river.steps()[-1] == 60
    faults.spike = 800  # in mm from the sensor: 3.4 m
    site.run_for(lasts_s)
    assert faults.fired["spike"] > 5 * lasts_s
    faults.spike = 0
    site.run_for(180)
    assert [told[:2] for told in river.told()] == expected


SLEEPS = '[power]\nsleep = "deep"\nconsole_s = 5\nwindow_s = 5\n'


@pytest.mark.parametrize("more", ["", SLEEPS], ids=["awake", "deep"])
@pytest.mark.parametrize(
    ("lasts_s", "expected"), [(20, []), (600, [(1, True)])], ids=["boat", "gate"]
)
@pytest.mark.long
def test_a_jump_at_the_slow_pace_rings_when_it_has_lasted(lasts_s, expected, more):
    """A boat that lies there when the round of five minutes comes, and a gate that was opened."""
    with Site(seed=5) as site:
        river = River(site, more)
        site.run_for(4200 - 5)
        sensor, before_s = river.sensor.faults, site.now_s
        sensor.spike = 800
        site.run_for(lasts_s)
        told = [each for each in river.told() if each[0] == 1]
        assert [each[:2] for each in told] == expected and sensor.fired["spike"]
        assert all(30 < at_s - before_s < 60 for *_, at_s in told)
        sensor.spike = 0
        site.run_for(2400)
        assert [each[0] for each in river.told() if each[1]].count(1) == len(expected)
        assert b"Traceback" not in river.station.output
