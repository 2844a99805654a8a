"""How a test of the bench is written; docs/writing-tests.md quotes this file. Copy it."""

from __future__ import annotations

import pytest

HOUR_S = 3600


def test_it_says_who_it_is(console, unit_name):
    """Runs on any bench, virtual or real: it needs nothing but a console."""
    console.run("status")
    console.expect(rb"unit\s+" + unit_name.encode(), timeout=10)


@pytest.mark.needs("power")
def test_it_boots_again_after_a_power_cut(console, power):
    """Runs where the supply can be switched."""
    power.cycle()
    console.wait(5)
    console.expect_exact("fieldbeat> ", timeout=30)


def test_reports_arrive(bench, board, measure):
    """Has a world of its own, with virtual time: the two hours take a second or two."""
    bench.run_for(2 * HOUR_S)
    view = bench.views.unit("gh-01", bench.now_s)
    assert view.records > 0 and view.missing == 0
    first = next(outcome for outcome in bench.outcomes if not outcome.reason)
    after_s = first.at_s - bench.world.start.timestamp()
    measure("first report", after_s, "s", limits=(None, 120))  # outside: the test fails


@pytest.mark.timeline  # in the report also if it passes
def test_two_hours_without_a_network_lose_nothing(bench, board, faults):
    bench.run_for(HOUR_S)
    faults.network.away = True  # a fault that never takes effect makes the test invalid
    bench.run_for(2 * HOUR_S)
    faults.network.away = False
    bench.run_for(3 * HOUR_S)
    assert bench.views.unit("gh-01", bench.now_s).missing == 0
