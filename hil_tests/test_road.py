"""The road of one sample: flashed bytes, real firmware, modem, network, collector."""

from __future__ import annotations

import re

import pytest
from fieldbeat.hil_tests.virtual.site import Site, config

DAY_S = 86_400
CHANNELS = 10


def samples(bench: Site, channel: str) -> list:
    return bench.views.history("gh-01", channel, 10_000)


def test_a_day_arrives_complete_and_in_order(bench, board):
    bench.run_for(DAY_S + 1200)
    view = bench.views.unit("gh-01", bench.now_s)
    assert (view.missing, view.waiting, view.refused) == (0, 0, {})
    assert len(view.readings) == CHANNELS
    for reading in view.readings:
        rows = sorted(samples(bench, reading.channel), key=lambda row: row.at_s)
        times = [row.at_s for row in rows]
        assert len(times) >= 24 * 12 - 1
        assert {b - a for a, b in zip(times, times[1:], strict=False)} == {300}
        assert all(row.clock_set for row in rows)
    assert bench.views.gaps("gh-01") == []


def test_values_are_those_of_the_scene(bench, board):
    bench.run_for(6 * 3600)
    start_s = bench.world.start.timestamp()
    # Accuracy of the sensors' data sheets, and what a scaled integer rounds away.
    tolerance = {"air_temperature": 0.3, "air_humidity": 2.0, "co2": 60, "soil_moisture": 3.0}
    for channel, allowed in tolerance.items():
        rows = [row for row in samples(bench, channel) if row.value is not None]
        assert len(rows) >= 60
        for row in rows:
            truth = bench.scene.value(channel, round((row.at_s - start_s) * 1e6))
            assert abs(row.value - truth) <= allowed, (channel, row, truth)


def test_the_outbox_is_empty_when_everything_is_acknowledged(bench, board):
    bench.run_for(5 * 3600 + 1200)
    board.console_write(b"status\r")
    bench.run_for(1)
    assert re.search(rb"outbox +0 records", board.output)
    acknowledged = [o.cumulative for o in bench.outcomes if o.cumulative is not None]
    assert acknowledged == sorted(acknowledged)
    assert acknowledged[-1] == bench.views.unit("gh-01", bench.now_s).records


@pytest.mark.long
def test_an_outage_of_a_day_loses_nothing(bench, board):
    bench.run_for(3600)
    bench.network.away(True)
    bench.run_for(DAY_S)
    heard = len(bench.outcomes)
    bench.network.away(False)
    bench.run_for(4 * 3600)
    assert len(bench.outcomes) > heard
    view = bench.views.unit("gh-01", bench.now_s)
    assert (view.missing, view.waiting) == (0, 0)
    times = sorted(row.at_s for row in samples(bench, "co2"))
    assert {b - a for a, b in zip(times, times[1:], strict=False)} == {300}
    assert len(times) >= 27 * 12


def test_a_power_cut_loses_at_most_the_batch_that_was_in_memory(bench, board):
    bench.run_for(5 * 3600)
    board.power_off()
    bench.run_for(7200)
    board.power_on()
    bench.run_for(3 * 3600 + 1200)
    view = bench.views.unit("gh-01", bench.now_s)
    assert (view.missing, view.waiting) == (0, 0)
    # Two dark hours of 12 rounds, at most 12 rounds in memory, and the round that was cut short.
    assert 24 <= 10 * 12 - len(samples(bench, "co2")) <= 24 + 12 + 1


@pytest.mark.long
def test_one_seed_puts_the_same_bytes_on_the_air(tmp_path):
    digests = set()
    for run in ("first", "second"):
        with Site(seed=7, workdir=tmp_path / run, loss=0.1, duplicate=0.05) as bench:
            bench.add_station()
            bench.run_for(12 * 3600)
            digests.add((bench.network.digest(), len(bench.network.capture)))
    assert len(digests) == 1


def test_another_seed_puts_other_bytes_on_the_air(tmp_path):
    digests = set()
    for seed in (1, 2):
        with Site(seed=seed, workdir=tmp_path / str(seed)) as bench:
            bench.add_station()
            bench.run_for(3 * 3600)
            digests.add(bench.network.digest())
    assert len(digests) == 2


def test_two_stations_share_a_world(bench):
    for unit in ("gh-01", "gh-02"):
        bench.add_station(config(unit))
    bench.run_for(3 * 3600)
    for unit in ("gh-01", "gh-02"):
        view = bench.views.unit(unit, bench.now_s)
        assert view.missing == 0 and len(view.readings) == CHANNELS


def test_ticks_that_wrap_do_not_stop_the_station(bench):
    # An ESP32's ticks wrap after 2^30 ms: start ten minutes before.
    bench.add_station(ticks_start_ms=(1 << 30) - 600_000)
    bench.run_for(2 * 3600)
    times = sorted(row.at_s for row in samples(bench, "co2"))
    assert {b - a for a, b in zip(times, times[1:], strict=False)} == {300}
    assert len(times) >= 12
