"""Limits that are volumes: what the unit gets, what a simulation gives, what is refused."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import (
    control_plan,
    control_report,
    control_simulation,
    control_volumes,
    control_words,
)
from fieldbeat.host_tools.control_data import Column, Data
from fieldbeat.host_tools.tests.growing import CONTROL, mistakes, node, rule

NOON_S = 1_746_072_000
DRY = 'channel = "soil_moisture", below = "25 %"'


def dosing(rate="2.5 ml/s", max_run="50 ml", max_day="120 ml", more=""):
    given = (("rate", rate), ("max_run", max_run), ("max_day", max_day))
    lines = "".join(f'{key} = "{text}"\n' for key, text in given if text)
    table = '[actuator.pump]\nsafe = "off"\nlease = "90 s"\nmin_pause = "10 min"\n'
    return CONTROL + table + lines + more + rule(1, "pump", DRY)


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [("2.5 ml/s", 20), ("150 ml/min", 20), ("9 l/h", 20), ("3 ml/s", 16), ("0.0025 l / s", 20)],
)
def test_a_volume_is_so_many_whole_seconds(rate, seconds):
    assert control_volumes.seconds("50 ml", rate) == seconds
    assert control_volumes.seconds("0.05 l", rate) == seconds
    assert control_volumes.seconds("5 min", rate) == 300


def test_the_unit_gets_times():
    plan = control_plan.read(node(dosing()))
    assert plan and plan.rows == [["pump", 0, 0, 90, 20, 600, 48, [], None, None, None]]
    told = control_words.limits(plan, "pump")
    assert "at most 50 ml (20 s) at once" in told and "at most 120 ml (48 s) a day" in told


def test_a_simulation_counts_doses_that_are_shorter_than_a_look():
    plan = control_plan.read(node(dosing()))
    assert plan
    column = Column([NOON_S, NOON_S + 7200], [20.0, 20.0])
    made = control_simulation.run(plan, Data("made", {"soil_moisture": column}))
    told = control_report.simulation_map(plan, made)
    assert [*control_report.volumes(told)] == ["pump gave 120 ml in 48 s, by its rate"]
    (pump,) = made.runs
    assert pump.on_s == 48 and pump.starts == 3
    assert pump.on_s * 2.5 == 120
    assert [b - a for (a, _), (b, _) in zip(pump.values[1::2], pump.values[2::2], strict=True)] \
        == [20, 20, 8]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (dosing(rate=""), "max_run = '50 ml': a volume needs rate, what this pump gives"),
        (dosing(rate="2.5 ml"), "rate = '2.5 ml': must be what it gives in a time, like"),
        (dosing(rate="0 ml/s"), "rate = '0 ml/s': must be what it gives"),
        (dosing(rate="2.5 ml/d"), "rate = '2.5 ml/d': must be what it gives"),
        (dosing(max_run="5 ml"), "max_run = '5 ml': takes 2 s at 2.5 ml/s, must take 10 s to a"),
        (dosing(max_day="900 l"), "max_day = '900 l': takes 4 d 4 h at 2.5 ml/s, must take"),
        (dosing(max_day="40 ml"), "max_day = '40 ml': must be at least max_run, '50 ml'"),
        (dosing(max_day="4 cups"), "max_day = '4 cups': must be a time like"),
        (dosing().replace('"90 s"', '"90 ml"'), "lease = '90 ml': must be a time like '5 min'"),
    ],
)
def test_mistakes(text, said):
    assert any(said in problem for problem in mistakes(text)), mistakes(text)


def test_a_lease_longer_than_a_short_dose_is_fine():
    assert mistakes(dosing()) == []
