"""Trouble on the modem's line and supply: torn, late and doubled bytes, and a supply that dips."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.faults.ledger import Ledger

HOUR_S = 3600
WAKE_BYTES = 300  # that a modem says in a wake without trouble


@pytest.fixture
def ledger(bench, board) -> Ledger:
    bench.run_for(1200)
    return Ledger(bench)


def at_each(bench, positions, ask) -> int:
    """Lets one wake an hour have a fault at each position of what the modem says."""
    for position in positions:
        ask(position)
        bench.run_for(HOUR_S)
    return len(positions)


def test_a_wake_is_as_long_as_these_tests_think(bench, board, modem):
    bench.run_for(HOUR_S + 1200)
    before = modem.faults.sent
    bench.run_for(HOUR_S)
    assert WAKE_BYTES <= modem.faults.sent - before < WAKE_BYTES + 60


def test_an_unsolicited_line_at_every_byte_of_a_wake(bench, ledger, modem, faults):
    asked = at_each(bench, range(WAKE_BYTES), lambda at: modem.faults.urc_at(at, "+CSCON: 1"))
    assert modem.faults.fired["urc_at"] == asked == WAKE_BYTES
    bench.run_for(2 * HOUR_S)
    assert ledger.complete()
    assert ledger.broken() == []


@pytest.mark.parametrize("kind", ["double_byte_at", "drop_byte_at", "garble", "delay_at"])
def test_bytes_that_are_doubled_lost_garbled_or_late(bench, ledger, modem, faults, kind):
    arguments = (900,) if kind == "delay_at" else ()
    asked = at_each(
        bench, range(3, WAKE_BYTES, 11), lambda at: getattr(modem.faults, kind)(at, *arguments)
    )
    assert modem.faults.fired[kind] == asked
    bench.run_for(25 * HOUR_S)
    assert ledger.complete()
    assert ledger.broken() == []


@pytest.mark.parametrize("datagram", ["lost", "sent"])
def test_a_brown_out_while_the_radio_sends(bench, ledger, board, modem, faults, datagram):
    for _ in range(4):
        resets = len(board.resets)
        modem.faults.limit("brownout", 1, datagram)
        assert bench.run_until(lambda n=resets: len(board.resets) > n, 2 * HOUR_S)
        bench.run_for(HOUR_S + 600)
    assert board.output.count(b"Brownout detector was triggered") == 4
    bench.run_for(2 * HOUR_S)
    assert ledger.broken() == []
    # Each reset costs at most what was in memory, and the round that it has cut short.
    rounds = (ledger.times()[-1] - ledger.times()[0]) // 300 + 1
    assert rounds - len(ledger.times()) <= 4 * 13
    assert bench.views.unit("gh-01", bench.now_s).missing == 0
