"""Trouble on the modem's line and supply: torn, late and doubled bytes, and a supply that dips."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.faults.ledger import Ledger
from fieldbeat.hil_tests.virtual.site import CONFIG
from fieldbeat.host_tools import node_config

HOUR_S = 3600
WAKE_S = 300
WAKE_BYTES = 300  # that a modem says in a wake without trouble
OFTEN = """interval_s = 300
budget_bytes_day = 100000

[sampling]
report_samples = 1
"""


@pytest.fixture
def ledger(bench, board) -> Ledger:
    bench.run_for(1200)
    return Ledger(bench)


@pytest.fixture
def often(bench):
    """The modem of a unit that tells each sample at once: a wake every five minutes."""
    text = CONFIG.format(unit="gh-01", board="greenhouse_esp32")
    node = node_config.parse(text.replace("interval_s = 3600\n", OFTEN), "gh-01.toml")
    station = bench.add_station(node)
    bench.run_for(1200)
    return station.fitted.modem


def at_each(bench, positions, ask) -> int:
    """Lets one wake after the other have a fault at a position of what the modem says."""
    for position in positions:
        ask(position)
        bench.run_for(WAKE_S)
    return len(positions)


def test_a_wake_is_as_long_as_these_tests_think(bench, often):
    for _ in range(4):
        before = often.faults.sent
        bench.run_for(WAKE_S)
        assert WAKE_BYTES <= often.faults.sent - before < WAKE_BYTES + 60


@pytest.mark.long
def test_an_unsolicited_line_at_every_byte_of_a_wake(bench, often, faults):
    def three(at: int) -> None:  # a wake: they are a dozen commands apart
        for position in range(at, WAKE_BYTES, WAKE_BYTES // 3):
            often.faults.urc_at(position, "+CSCON: 1")

    at_each(bench, range(WAKE_BYTES // 3), three)
    bench.run_for(2 * HOUR_S)
    assert often.faults.fired["urc_at"] == WAKE_BYTES
    ledger = Ledger(bench)
    assert ledger.complete()
    assert ledger.broken() == []


@pytest.mark.parametrize("kind", ["double_byte_at", "drop_byte_at", "garble", "delay_at"])
@pytest.mark.long
def test_bytes_that_are_doubled_lost_garbled_or_late(bench, often, faults, kind):
    arguments = (900,) if kind == "delay_at" else ()
    asked = at_each(
        bench, range(0, WAKE_BYTES, 7), lambda at: getattr(often.faults, kind)(at, *arguments)
    )
    assert often.faults.fired[kind] == asked
    bench.run_for(2 * HOUR_S)
    ledger = Ledger(bench)
    assert ledger.complete()
    assert ledger.broken() == []


@pytest.mark.parametrize("datagram", ["lost", "sent"])
@pytest.mark.long
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
