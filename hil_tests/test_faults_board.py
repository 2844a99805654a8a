"""Trouble inside the box: buses, sensors, heap, flash. The unit says what it can know."""

from __future__ import annotations

import re

import pytest
from fieldbeat.hil_tests.faults.full_flash import FullFlash
from fieldbeat.hil_tests.faults.ledger import Ledger
from fieldbeat.hil_tests.virtual.site import CONFIG, QUARTER_HOURLY, config
from fieldbeat.host_tools import node_config

from .test_faults import SETTLED_S, TOLD_S, counted

HOUR_S = 3600
DAY_S = 24 * HOUR_S
ROUND_S = 900
EAGER = "3600\nbudget_bytes_day = 100000\n[sampling]\nreport_samples = 1"


@pytest.fixture
def board(bench):
    return bench.add_station(config(more=QUARTER_HOURLY))


@pytest.fixture
def ledger(bench, board) -> Ledger:
    bench.run_for(1200)
    return Ledger(bench, ROUND_S)


def qualities(bench, channel: str, since_s: float) -> set[str]:
    """The qualities of a channel's samples from a moment on."""
    rows = bench.views.history("gh-01", channel, 10_000)
    return {row.quality for row in rows if row.at_s > since_s}


def test_a_sensor_that_does_not_acknowledge(bench, ledger, board, faults):
    begin_s = bench.now_s
    faults.air.unplugged = True
    bench.run_for(2 * HOUR_S)
    faults.air.unplugged = False
    end_s = bench.now_s
    bench.run_for(SETTLED_S)
    assert ledger.complete()
    assert ledger.broken() == []
    assert counted(bench, board)["i2c_nack"] >= 8
    rows = bench.views.history("gh-01", "air_temperature", 10_000)
    during = {row.quality for row in rows if begin_s < row.at_s < end_s}
    assert during == {"communication fault"}
    assert qualities(bench, "air_temperature", end_s) == {"normal"}


def test_a_bus_that_is_held_low_for_a_byte_is_clocked_free(bench, ledger, board, faults):
    faults.hardware.i2c_stuck = 9
    bench.run_for(4 * HOUR_S)
    assert faults.hardware.fired["i2c_stuck"] == 1
    assert ledger.complete()
    assert ledger.broken() == []
    assert "sensor_timeout" not in counted(bench, board)  # the second try of the round succeeded


def test_a_bus_that_is_held_low_is_reported_and_measured_again_afterwards(
    bench, ledger, board, faults
):
    begin_s = bench.now_s
    faults.hardware.i2c_stuck = -1
    bench.run_for(2 * HOUR_S)
    faults.hardware.i2c_stuck = 0
    end_s = bench.now_s
    bench.run_for(SETTLED_S)
    assert ledger.complete()
    assert ledger.broken() == []
    assert counted(bench, board)["sensor_timeout"] >= 3 * 8
    rows = bench.views.history("gh-01", "soil_moisture", 10_000)  # the other bus goes on
    assert {row.quality for row in rows if row.at_s > begin_s} == {"normal"}
    assert qualities(bench, "co2", end_s + 2 * ROUND_S) == {"normal"}


def test_a_frozen_sensor_is_stored_as_it_says(bench, ledger, faults):
    faults.light.frozen = True
    begin_s = bench.now_s
    bench.run_for(6 * HOUR_S)
    rows = [row for row in bench.views.history("gh-01", "illuminance", 500) if row.at_s > begin_s]
    assert len(rows) >= 20 and len({row.value for row in rows}) == 1
    assert ledger.complete()
    assert ledger.broken() == []


def free_heap(bench, board) -> int:
    """Bytes that the unit says are free."""
    start = len(board.output)
    board.console_write(b"status\r")
    bench.run_for(5)
    return int(re.findall(rb"heap +(\d+) bytes free", board.output[start:])[0])


@pytest.mark.parametrize("free", [6000, 2500])
def test_a_heap_that_is_nearly_full_costs_no_acknowledged_record(
    bench, ledger, board, faults, free
):
    roomy = free_heap(bench, board)
    faults.hardware.heap_hog = free
    bench.run_for(6 * HOUR_S)
    faults.hardware.heap_hog = 0
    bench.run_for(SETTLED_S)
    assert free_heap(bench, board) > roomy // 2  # nothing of it stays
    assert ledger.broken() == []
    assert bench.views.unit("gh-01", bench.now_s).missing == 0
    assert ledger.times()[-1] > bench.now_s - 2 * HOUR_S


@pytest.mark.longest
def test_a_full_file_system_gives_up_the_oldest_and_says_so(bench, faults):
    # A record for each round, so that some days fill the blocks.
    text = CONFIG.format(unit="gh-01", board="greenhouse_esp32").replace("3600", EAGER)
    board = bench.add_station(node_config.parse(text, "gh-01.toml"))
    bench.run_for(2400)  # what the log needs beside its records is there
    board.power_off()
    heard = []
    board.flash.before_op = heard.append
    full = FullFlash(board, free_blocks=3)
    board.power_on()
    faults.expect("flash full", full.was_full)
    faults.network.away = True
    bench.run_for(1.3 * DAY_S)
    faults.network.away = False
    bench.run_for(TOLD_S)
    lost = bench.views.unit("gh-01", bench.now_s).counters["outbox_full"]
    assert 0 < lost <= 130  # one block of records, not more
    assert b"MemoryError" not in board.output
    assert heard[-1].number == board.flash.ops  # who listened before goes on hearing all
    board.power_off()
    full.empty()
    board.power_on()
    bench.run_for(2 * HOUR_S)
    ledger = Ledger(bench)
    assert ledger.broken() == []
    # What was given up is known to be, and nothing else is missing.
    assert bench.views.unit("gh-01", bench.now_s).missing == lost
    assert ledger.times()[-1] > bench.now_s - 2 * HOUR_S


@pytest.mark.parametrize("torn", [False, True])
def test_a_power_cut_before_a_flash_operation(bench, ledger, board, faults, torn):
    for operations in (1, 2, 3, 5, 8, 13, 21, 34):
        board.flash.cut_in(operations, torn)
        assert bench.run_until(lambda: board.state == "off", DAY_S)
        bench.run_for(10)
        board.power_on()
        bench.run_for(600)
    assert faults.flash.fired["cut_at"] == 8
    bench.run_for(2 * HOUR_S)
    assert ledger.broken() == []
    assert bench.views.unit("gh-01", bench.now_s).missing == 0
    assert ledger.times()[-1] > bench.now_s - 2 * HOUR_S
