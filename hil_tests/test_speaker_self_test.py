"""Self-tests of a pole, asked for and by its own schedule: what it looks at and what it tells."""

from __future__ import annotations

import pytest
from fieldbeat.protocols import event, receipt
from fieldbeat.protocols.command import EMERGENCY
from fieldbeat.protocols.reason_codes import CODES

from .listening import loudest_ms

DAY_S = 86_400


def outcomes(district):
    """The bodies of the events in which the pole tells of self-tests, oldest first."""
    return district.events("speaker-01", event.SELF_TEST)


def test_it_is_heard_and_a_silent_one_is_not(district):
    pole = district.add_pole()
    begin_us = district.world.now_us
    silent = district.until(district.self_test(silent=True), receipt.DONE)
    assert silent.reason is None and loudest_ms(pole, begin_us, district.world.now_us) == 0
    begin_us = district.world.now_us
    told = district.until(district.self_test(silent=False), receipt.DONE)
    assert told.proof[2] > 200
    assert abs(loudest_ms(pole, begin_us, district.world.now_us) - 1000) <= 20
    district.run_for(5)
    first, second = outcomes(district)
    assert first[event.SELF_TEST_SILENT] and not second[event.SELF_TEST_SILENT]
    assert first[event.SELF_TEST_FAILED] == second[event.SELF_TEST_FAILED] == []
    assert second[event.SELF_TEST_PROOF] == told.proof
    assert 3_000 < second[event.SELF_TEST_BATTERY_MV] < 5_000


def test_what_is_broken_is_told(district):
    pole = district.add_pole(battery_min_mv=15_000)
    pole.fitted.parts["line"].faults.open = True
    told = district.until(district.self_test(silent=False), receipt.INTERRUPTED)
    assert told.reason == CODES["battery_low"]  # what was seen first
    assert pole.fitted.parts["line"].faults.fired["open"]
    district.run_for(5)
    [body] = outcomes(district)
    assert body[event.SELF_TEST_FAILED] == [CODES["battery_low"], CODES["no_sound"]]


def until_five_to_noon(district, pole, days=0):
    """A pole without power costs no time."""
    pole.power_off()
    district.run_for(days * DAY_S + (12 * 3600 - 300 - district.now_s) % DAY_S)
    pole.power_on()


AT_NOON = '"every day at 12:00 aloud"'


@pytest.mark.long
def test_its_own_schedule_needs_no_server_and_makes_way_for_an_alert(district):
    pole = district.add_pole(self_test=AT_NOON)
    until_five_to_noon(district, pole)
    district.run_for(30)  # it knows the time
    district.network.away(True)
    begin_us = district.world.now_us
    district.run_for(400)
    assert abs(loudest_ms(pole, begin_us, district.world.now_us) - 1000) <= 20
    assert district.network.counts["up_outage"]
    district.network.away(False)
    district.run_for(100)
    [body] = outcomes(district)
    assert body[event.SELF_TEST_SCHEDULED] and body[event.SELF_TEST_FAILED] == []
    assert body[event.SELF_TEST_PROOF][2] > 200 and body[event.SELF_TEST_MISSED] == 0

    until_five_to_noon(district, pole)
    district.run_for(270)
    begin_us = district.world.now_us
    long = district.order([[0, 1, 60_000]], EMERGENCY, 1, minutes=30, repeat=16)
    assert district.until(long, receipt.DONE, 17 * 60).reason is None
    assert loudest_ms(pole, begin_us, district.world.now_us) > 959_000
    body = outcomes(district)[-1]  # within its quarter of an hour it was never its turn
    assert body[event.SELF_TEST_FAILED] == [CODES["preempted"]]

    until_five_to_noon(district, pole, days=2)
    district.run_for(400)
    body = outcomes(district)[-1]
    assert body[event.SELF_TEST_FAILED] == [] and body[event.SELF_TEST_MISSED] == 3


@pytest.mark.parametrize("minutes", [0, 5])
def test_a_power_cut_in_the_middle_of_one(district, minutes):
    pole = district.add_pole(self_test=AT_NOON)
    until_five_to_noon(district, pole)
    assert district.run_until(lambda: not pole.fitted.parts["amplifier"].muted, 400)
    pole.power_off()
    district.run_for(60 * minutes + 1)
    pole.power_on()
    district.run_for(120)
    [body] = outcomes(district)
    assert body[event.SELF_TEST_FAILED] == [] and body[event.SELF_TEST_SCHEDULED]
    assert body[event.SELF_TEST_MISSED] == 0

    until_five_to_noon(district, pole)
    district.run_for(400)
    body = outcomes(district)[-1]
    assert body[event.SELF_TEST_FAILED] == [] and body[event.SELF_TEST_MISSED] == 0
