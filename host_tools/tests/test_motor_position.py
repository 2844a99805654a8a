"""Where a motor stands: reckoned on the host as its unit reckons, and told in words."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools.motor_position import Leg, in_words, reckoned
from fieldbeat.protocols import travel

TRAVEL_S = 120.0


def test_nobody_knows_it_until_it_was_at_an_end():
    legs = [Leg(0, 40)]
    assert reckoned(legs, TRAVEL_S, 131) is None
    assert reckoned(legs, TRAVEL_S, 132 + 24) == pytest.approx(20)
    assert reckoned(legs, TRAVEL_S, 132 + 48) == 40
    assert reckoned([Leg(0, 60)], TRAVEL_S, 132 + 24) == pytest.approx(80)  # from the other end
    assert reckoned([], TRAVEL_S, 5) is None


def test_a_stop_an_unknown_time_and_a_start_make_it_unknown():
    known = [Leg(0, 0), Leg(500, 50)]
    assert reckoned(known, TRAVEL_S, 1000) == 50
    for bad in (Leg(600, None), Leg(600, 50, late=True), Leg(600, 50, anew=True)):
        assert reckoned([*known, bad], TRAVEL_S, 610) is None
    assert reckoned([*known, Leg(600, None), Leg(700, 0)], TRAVEL_S, 900) == 0
    late = [*known, Leg(600, 20, late=True)]
    assert [reckoned(late, TRAVEL_S, 600 + s) for s in (0, 251, 252)] == [None, None, 20]
    assert (
        reckoned([*known, Leg(600, 100)], TRAVEL_S, 590) == 50
    )  # what came later is not looked at


def test_it_agrees_with_the_unit():
    wanted = [(0, 0), (300, 40), (320, 100), (340, 10), (500, 100), (560, 70), (900, 30)]
    unit, legs = travel.Travel(int(TRAVEL_S * 1000), 0), [Leg(*each) for each in wanted]
    for tenth in range(12_000):
        for at_s, value in wanted:
            if tenth == 10 * at_s:
                unit.go(value)
        unit.step(100 * tenth)
        ours = reckoned(legs, TRAVEL_S, tenth / 10) if tenth % 50 == 0 else None
        if ours is not None and unit.position is not None:
            assert ours == pytest.approx(unit.position, abs=2), tenth / 10
    assert unit.position == pytest.approx(30, abs=2)


def test_in_words():
    told = [in_words(each) for each in (None, 0.0, 100.0, 39.6)]
    assert told[0] == "where it stands is not known"
    assert told[1:] == ["stands closed", "stands open", "stands at about 40 %"]
