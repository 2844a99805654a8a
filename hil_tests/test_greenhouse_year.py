"""Rules against a house that answers: days of what `make bench AREA=greenhouse` has a year of."""

from __future__ import annotations

from fieldbeat.hil_tests import greenhouse_year
from fieldbeat.hil_tests.benchmarks import greenhouse
from fieldbeat.hil_tests.virtual.scene import Scene

SPRING = range(100, 103)


def test_the_examples_rules_do_better_than_a_thermostat():
    ours = greenhouse_year.run(greenhouse.example(), SPRING)
    plain = greenhouse_year.run(greenhouse.thermostat(), SPRING)
    assert ours.all_s == plain.all_s == 3 * 86_400
    assert ours.share > 95 > 85 > plain.share
    assert ours.simulation
    moved = {run.name for run in ours.simulation.runs if run.moves}
    assert moved >= {"roof", "heater", "mist", "lamp", "pump"}, moved


def test_rain_stays_outside():
    in_june = range(160, 162)
    ours = greenhouse_year.run(greenhouse.example(), in_june)
    plain = greenhouse_year.run(greenhouse.thermostat(), in_june)
    assert ours.rained_in_mm < 0.01 < 0.1 < plain.rained_in_mm


def test_it_is_the_same_each_time():
    shares = {greenhouse_year.run(greenhouse.example(), range(200, 201)).share for _ in range(2)}
    assert len(shares) == 1


def test_without_actuators_the_house_gets_hot(monkeypatch):
    monkeypatch.setattr(greenhouse_year.House, "moved", lambda *_: None)
    shut = greenhouse_year.run(greenhouse.example(), SPRING)
    assert shut.why["hot"] > shut.all_s / 4


def test_the_year_is_where_the_example_stands():
    """Its place and its clock make the day of the record."""
    scene = Scene(greenhouse_year.BEGIN, utc_offset_h=0)
    light = [scene.recorded("radiation", hour * 3_600_000_000) for hour in range(24)]
    assert max(light[11:14]) == max(light) and max(light[:5]) == 0
