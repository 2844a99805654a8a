"""A modem that misbehaves: every fault is counted and reported, nothing is lost, nothing crashes.

The fixture `faults` fails a test whose fault never took effect: it would prove nothing.
"""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.faults.ledger import Ledger
from fieldbeat.hil_tests.virtual.site import QUARTER_HOURLY, Site, config

HOUR_S = 3600


@pytest.fixture
def board(bench):
    return bench.add_station(config(more=QUARTER_HOURLY))


def complete(bench) -> bool:
    """Whether every row since the first one has been stored."""
    return Ledger(bench, round_s=900).complete()


def reported(bench) -> dict[str, int]:
    """The counters of the unit's last HEALTH event."""
    return bench.views.unit("gh-01", bench.now_s).counters


def recover(bench) -> None:
    """A day and a wake: the next HEALTH event has been sent."""
    bench.run_for(25 * HOUR_S + 1200)


@pytest.mark.parametrize("status, reason", [(2, "reg_searching"), (3, "reg_denied")])
@pytest.mark.long
def test_a_network_that_does_not_register_is_reported_later(
    bench, board, modem, faults, status, reason
):
    bench.run_for(1200)
    faults.modem.cereg = status
    modem.radio.lose()
    bench.run_for(6 * HOUR_S)
    faults.modem.cereg = None
    recover(bench)
    assert complete(bench)
    assert reported(bench).get(reason, 0) >= 1


def test_a_silent_modem_is_reported_later(bench, board, faults):
    bench.run_for(1200)
    faults.modem.silent = True
    bench.run_for(3 * HOUR_S)
    assert len(bench.outcomes) <= 2
    faults.modem.silent = False
    recover(bench)
    assert complete(bench)
    assert reported(bench).get("modem_silent", 0) >= 1


def test_an_error_to_each_send_is_reported_later(bench, board, faults):
    bench.run_for(1200)
    faults.modem.error_on = {"AT+QISEND": "ERROR"}
    bench.run_for(2 * HOUR_S)
    faults.modem.error_on = {}
    recover(bench)
    assert complete(bench)
    assert sum(reported(bench).values()) >= 1


@pytest.mark.long
def test_a_modem_that_resets_in_the_middle_loses_nothing(bench, board, modem):
    bench.run_for(HOUR_S + 250)
    for delay_s in range(12):  # into the wake of the next hour, second by second
        bench.run_for(HOUR_S - 6 + delay_s)
        modem.reset_now()
        bench.run_for(HOUR_S)
    recover(bench)
    assert complete(bench)


def test_send_ok_without_sending_is_found_out_by_the_missing_ack(bench, board, faults):
    bench.run_for(1200)
    faults.modem.limit("send_ok_never_sent", 3)
    bench.run_for(4 * HOUR_S)
    assert faults.fired["modem.send_ok_never_sent"] == 3
    recover(bench)
    assert complete(bench)
    assert reported(bench).get("no_ack", 0) >= 1


@pytest.mark.long
def test_a_lossy_network_loses_no_record(tmp_path):
    with Site(seed=3, workdir=tmp_path, loss=0.3, duplicate=0.1, reorder=0.1) as bench:
        bench.add_station(config(more=QUARTER_HOURLY))
        bench.run_for(48 * HOUR_S)
        assert bench.network.counts["up_lost"] > 0 and bench.network.counts["down_lost"] > 0
        assert complete(bench)


@pytest.mark.long
def test_an_outage_is_not_answered_with_a_storm(bench, board, network, faults):
    bench.run_for(1200)
    faults.expect("outage", lambda: network.counts["up_outage"])
    network.away(True)
    before = len(network.capture)
    bench.run_for(24 * HOUR_S)
    sent = [entry for entry in network.capture[before:] if entry[1] == "up"]
    # One datagram a wake once nobody answers, so the day's 20 kB are not used up.
    assert 24 <= len(sent) <= 24 + 5
    assert sum(len(entry[2]) for entry in sent) <= 13_000
