"""Trouble between unit and collector, and with the time: nothing acknowledged is lost."""

from __future__ import annotations

import re

import pytest
from fieldbeat.hil_tests.faults.ledger import Ledger
from fieldbeat.hil_tests.virtual.site import QUARTER_HOURLY, Site, config

HOUR_S = 3600
DAY_S = 24 * HOUR_S
ROUND_S = 900
SETTLED_S = 2 * HOUR_S + 1200  # two wakes: what was behind has been made up for
TOLD_S = 25 * HOUR_S + 1200  # a day and a wake: the next HEALTH event has arrived


@pytest.fixture
def board(bench):
    return bench.add_station(config(more=QUARTER_HOURLY))


@pytest.fixture
def ledger(bench: Site, board) -> Ledger:
    bench.run_for(1200)
    return Ledger(bench, ROUND_S)


def counted(bench: Site, board) -> dict[str, int]:
    """What the unit says on its console went wrong since its start; HEALTH tells it once a day."""
    begin = len(board.output)
    board.console_write(b"counters\r")
    bench.run_for(5)
    said = board.output[begin:]
    assert b"fieldbeat> " in said, said  # it has answered, whether something went wrong or not
    rows = re.findall(rb"(\w+) +(\d+)\s", said)
    return {name.decode(): int(count) for name, count in rows}


@pytest.mark.parametrize("away_s", [HOUR_S, 3 * DAY_S])
@pytest.mark.long
def test_a_network_that_is_away_costs_no_sample(bench, ledger, faults, away_s):
    faults.network.away = True
    bench.run_for(away_s)
    faults.network.away = False
    bench.run_for(TOLD_S)
    assert ledger.complete()
    assert ledger.broken() == []
    assert ledger.counters()["no_ack"] >= away_s // HOUR_S


@pytest.mark.parametrize("fate", ["lose", "duplicate", "reorder"])
def test_datagrams_that_are_lost_doubled_or_overtaken(bench, ledger, faults, fate):
    for _ in range(6):
        faults.network.limit(fate, 2)
        assert bench.run_until(lambda: not getattr(faults.network, fate), 3 * HOUR_S)
        bench.run_for(HOUR_S)
    assert faults.network.fired[fate] == 12
    bench.run_for(2 * HOUR_S)
    assert ledger.complete()
    assert ledger.broken() == []
    if fate == "duplicate":  # the second copy was told from a new one
        assert bench.views.unit("gh-01", bench.now_s).refused["replay"] >= 1


@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_a_collector_that_is_killed_goes_on_from_its_file(bench, ledger, faults, when):
    for _ in range(3):
        faults.site.kill_collector = when
        bench.run_until(lambda: not bench.collector_runs, 2 * HOUR_S)
        bench.run_for(2 * HOUR_S + 600)
        bench.start_collector()
        bench.run_for(2 * HOUR_S)
    assert faults.site.fired["kill_collector"] == 3
    after = Ledger(bench, ROUND_S)
    assert after.complete()
    assert after.broken() == []
    repeated = sum(outcome.duplicates for outcome in bench.outcomes)
    assert (repeated > 0) == (when == "after")  # an answer that never came: sent again, known


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, 10 * 365 * DAY_S])
def test_a_server_whose_clock_jumps_and_comes_back(bench, ledger, board, faults, jump_s):
    bench.run_for(2 * HOUR_S)
    faults.site.server_clock_off_s = jump_s
    bench.run_for(3 * HOUR_S)
    faults.site.server_clock_off_s = 0
    bench.run_for(SETTLED_S)
    assert ledger.broken() == []
    assert counted(bench, board)["clock_jump"] >= 2
    view = bench.views.unit("gh-01", bench.now_s)
    assert (view.missing, view.waiting) == (0, 0)
    # All rounds but those that a jump has cut short; a stretch may have been lived twice.
    assert len(ledger.times()) >= (bench.world.now_us / 1e6 - 3 * HOUR_S) // ROUND_S - 10


def test_a_modem_that_tells_a_wrong_time_is_corrected_by_the_server(bench, faults):
    station = bench.add_station(config(more=QUARTER_HOURLY))
    station.fitted.modem.faults.clock_off_s = 30 * DAY_S
    bench.run_for(SETTLED_S)
    ledger = Ledger(bench)
    assert ledger.broken() == []
    assert counted(bench, station)["clock_jump"] == 1
    assert abs(ledger.times()[-1] - bench.now_s) < 2 * HOUR_S


def test_absence_is_proven_and_can_fail(bench, board, modem):
    bench.run_for(HOUR_S)
    modem.faults.cereg = 3
    modem.radio.lose()
    before = len(bench.network.capture)
    bench.never(lambda: len(bench.network.capture) > before, for_s=6 * HOUR_S)
    modem.faults.cereg = None
    with pytest.raises(AssertionError, match=r"must not happen in 7200 s happened after"):
        bench.never(lambda: len(bench.network.capture) > before, for_s=2 * HOUR_S)
