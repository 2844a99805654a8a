"""A station that sleeps: what it reports is what it would have reported awake."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from functools import cache
from typing import NamedTuple

import pytest
from fieldbeat.hil_tests.virtual import bench as bench_module
from fieldbeat.hil_tests.virtual.board import DEEPSLEEP, HARD
from fieldbeat.hil_tests.virtual.site import QUARTER_HOURLY, UNIT, Site, config
from fieldbeat.host_tools import boards
from fieldbeat.host_tools.energy import parse
from fieldbeat.protocols import cbor, event
from fieldbeat.protocols.reason_codes import CODES

# Where it does not matter how often it wakes, that is each quarter of an hour.
DEEP, LIGHT = '[power]\nsleep = "deep"\n', '[power]\nsleep = "light"\n'
HOUR_S = 3600


class Run(NamedTuple):
    """What became of some hours of a station."""

    records: list[bytes]  # reports and events by their numbers
    frames: list[bytes]
    resets: list[int]
    modem_boots: int
    light_sleeps: int


class Durations:
    """For how many seconds somebody was in each state of which the bench tells."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.who: object = None
        self.seconds: Counter[str] = Counter()
        self._since = ("", 0)

    def listen(self, at_us: int, who: object, what: str, more: str) -> None:
        if what in self.kinds and (self.who is None or who is self.who):
            self.until(at_us)
            self._since = (more or what, at_us)

    def until(self, at_us: int) -> Counter[str]:
        state, since_us = self._since
        self.seconds[state] += (at_us - since_us) / 1e6
        self._since = (state, at_us)
        return self.seconds.copy()


def told(site: Site, kind: int) -> list[dict]:
    """Bodies of the events of a kind, oldest first."""
    rows = site.store.database.all("SELECT body FROM events WHERE type = ? ORDER BY record", kind)
    return [cbor.decode(row["body"]) for row in rows]


@cache
def run(more: str) -> Run:
    """Two hours; the air sensor is silent in some rounds, so that there are gaps and faults."""
    with Site(seed=3) as site:
        states: list[str] = []
        site.world.listeners.append(
            lambda _us, _who, what, more: states.append(more) if what == "state" else None
        )
        station = site.add_station(config(more=more))
        site.run_for(4000)
        station.fitted.parts["air"].faults.unplugged = True
        site.run_for(1200)
        station.fitted.parts["air"].faults.unplugged = False
        site.run_for(2.2 * HOUR_S - 5200)
        database = site.store.database
        return Run(
            [bytes(row["raw"]) for row in database.all("SELECT raw FROM records ORDER BY rn")],
            [bytes(row["raw"]) for row in database.all("SELECT raw FROM frames ORDER BY id")],
            station.resets,
            station.fitted.modem.boots,
            states.count("light sleep"),
        )


@pytest.mark.parametrize("more", [DEEP, LIGHT])
@pytest.mark.long
def test_reports_are_byte_for_byte_those_of_a_station_that_is_awake(more):
    awake, slept = run(""), run(more)
    reports = [record for record in awake.records if record[0]]
    assert len(reports) == 2
    assert [record for record in slept.records if record[0]] == reports
    # Same numbers, too: only what it tells of its config and of its heap differs.
    assert len(slept.records) == len(awake.records)
    assert slept.modem_boots == awake.modem_boots
    # Not even on the air a difference, once the start is over.
    assert slept.frames[-2:] == awake.frames[-2:]


def test_it_did_sleep():
    deep, light = run(DEEP), run(LIGHT)
    # A sleep before each of 26 rounds and before each of two wakes of the modem, but for those
    # that are too near to each other.
    assert deep.resets[0] == 1 and set(deep.resets[1:]) == {DEEPSLEEP}
    assert 24 <= len(deep.resets[1:]) <= 30
    assert light.resets == [1] and light.light_sleeps > 100
    assert run("").light_sleeps == 0


def test_nobody_is_cut_off_at_the_console(bench):
    station = bench.add_station(config(more=DEEP))
    assert bench.run_until(lambda: station.state == "sleep", 120)
    station.reset()
    bench.run_for(25)  # within the window after a reset
    for _ in range(4):
        station.console_write(b"status\r")
        bench.run_for(55)
        assert station.state == "running"
    assert b"uptime" in station.output
    assert bench.run_until(lambda: station.state == "sleep", 120)


def test_a_byte_ends_light_sleep_and_the_next_line_is_read(bench):
    station = bench.add_station(config(more=LIGHT))
    bench.run_until(lambda: station.state == "light sleep", 120)
    station.console_write(b"\r")
    bench.run_for(1)
    station.console_write(b"status\r")
    bench.run_for(50)
    assert b"uptime" in station.output and station.state == "running"
    bench.run_for(30)
    assert station.state == "light sleep"


def test_it_is_not_told_as_a_start_and_the_clock_goes_on(bench):
    station = bench.add_station(config(more=DEEP))
    bench.run_for(1.2 * HOUR_S)
    assert station.resets.count(DEEPSLEEP) > 10
    assert [body[event.BOOT_CAUSE] for body in told(bench, event.BOOT)] == ["power"]
    station.reset()
    bench.run_for(20)
    station.console_write(b"status\r")
    bench.run_for(5)
    assert b"(server)" in station.output.rpartition(b"status")[2]


def one_bit(memory: bytes) -> bytes:
    return memory[:500] + bytes((memory[500] ^ 1,)) + memory[501:]  # behind the flight recorder


def nonsense(memory: bytes) -> bytes:
    """Whole, but of no app that ever was."""
    data = b"\x01" + cbor.encode({"sleep": cbor.encode([1, 2, 3, ["x"]])})
    return memory[:4] + data + zlib.crc32(data).to_bytes(4, "little")


@pytest.mark.parametrize("damage", [one_bit, nonsense])
def test_damage_is_counted_and_costs_the_batch_alone(bench, damage):
    station = bench.add_station(config(more=DEEP + QUARTER_HOURLY))
    bench.run_for(1200)
    assert bench.run_until(lambda: station.state == "sleep", 600)
    station.hardware.rtc_memory = damage(station.hardware.rtc_memory)
    bench.run_for(2 * HOUR_S)
    assert [body[event.BOOT_CAUSE] for body in told(bench, event.BOOT)] == ["power", "deep sleep"]
    synced = [body[event.BOOT_SYNCED] for body in told(bench, event.BOOT)]
    assert synced == [False, True]  # the clock's bytes are apart
    counts = told(bench, event.HEALTH)[-1][event.HEALTH_COUNTERS]
    assert counts[CODES["rtc_corrupt"]] == 1
    assert bench.views.unit(UNIT, bench.now_s).missing == 0


def test_a_power_cut_in_the_sleep_loses_at_most_what_was_not_written(bench):
    station = bench.add_station(config(more=DEEP + QUARTER_HOURLY))
    bench.run_for(1200)
    assert bench.run_until(lambda: station.state == "sleep", 600)
    station.power_off()
    bench.run_for(100)
    station.power_on()
    bench.run_for(2 * HOUR_S)
    assert [body[event.BOOT_CAUSE] for body in told(bench, event.BOOT)] == ["power", "power"]
    assert bench.views.unit(UNIT, bench.now_s).missing == 0


@pytest.mark.long
def test_whatever_resets_it_no_sequence_number_comes_twice(bench):
    station = bench.add_station(config(more=DEEP))
    for seconds in (700, 3000, 3700):
        bench.run_for(seconds)
        bench.run_until(lambda: station.state == "sleep", 600)
        bench.run_until(lambda: station.state == "running", 600)
        bench.run_for(1)
        station._boot(HARD)  # machine.reset(): the RTC's memory stays
        bench.run_for(60)
    rows = bench.store.database.all("SELECT epoch, piv FROM frames")
    heard = [(row["epoch"], row["piv"]) for row in rows]
    assert len(heard) > 5 and len(set(heard)) == len(heard)
    assert bench.views.unit(UNIT, bench.now_s).missing == 0


def test_without_keys_it_stays_awake(bench):
    station = bench.add_station(config(more=DEEP), provisioned=False)
    bench.never(lambda: station.state == "sleep", 600)


def test_a_door_ends_a_deep_sleep(bench, monkeypatch):
    manifest = boards.manifest("greenhouse_esp32")
    door = {"part": "contact", "pin": 13, "active": 1, "wakes": True}
    manifest["fieldbeat"]["fitted"]["door"] = door
    manifest["fieldbeat"]["heap_kb"] = 320  # a contact is among the parts of loudspeakers
    monkeypatch.setattr(boards, "manifest", lambda _name: manifest)
    monkeypatch.setattr(bench_module, "board_manifest", lambda _name: manifest)
    station = bench.add_station(config(more=DEEP + QUARTER_HOURLY))
    bench.run_for(700)
    assert bench.run_until(lambda: station.state == "sleep", 600)
    bench.run_for(30)
    station.fitted.parts["door"].set(True)
    bench.run_for(2)
    assert b"woken by a pin" in station.output
    # It is open still: it sleeps on, and only the timer wakes it.
    assert bench.run_until(lambda: station.state == "sleep", 60)
    bench.never(lambda: station.state == "running", 30)
    bench.run_for(2 * HOUR_S)
    assert bench.views.unit(UNIT, bench.now_s).missing == 0


DAY_S = 86_400
HOURLY = "[sampling]\ninterval_s = 3600\nreport_samples = 1\n"


@pytest.mark.long
def test_the_ledger_of_a_day_is_what_the_bench_saw(bench):
    chip, radio = Durations("state"), Durations("boot", "search", "connected", "idle", "sleep")
    bench.world.listeners += [chip.listen, radio.listen]
    station = bench.add_station(config(more=DEEP + HOURLY))
    chip.who, radio.who = station, station.fitted.modem
    bench.run_for(DAY_S + 1)
    chip_s, radio_s = (each.until(bench.world.now_us) for each in (chip, radio))
    frames = bench.store.database.all("SELECT raw FROM frames")
    bench.run_for(HOUR_S)
    ledger = parse(told(bench, event.ENERGY)[-1])
    assert ledger is not None and abs(ledger.period_s - DAY_S) <= 2
    assert ledger.sleeps == station.resets.count(DEEPSLEEP) - 2  # those of the hour after it
    awake_s = DAY_S - chip_s["sleep"]
    assert ledger.deep_s == pytest.approx(chip_s["sleep"], abs=10)
    assert ledger.awake_s == pytest.approx(awake_s, rel=0.05)
    assert ledger.wakes == 25
    assert ledger.radio["psm"] == pytest.approx(radio_s["sleep"], rel=0.01)
    idle_s = ledger.radio["idle"]
    assert idle_s == pytest.approx(radio_s["idle"], rel=0.05)
    assert ledger.bytes_sent == sum(len(frame["raw"]) for frame in frames)
    assert "awake" in ledger.text and "25 wakes" in ledger.text


def test_the_console_tells_where_the_energy_went(bench):
    station = bench.add_station(config(more=LIGHT + QUARTER_HOURLY))
    bench.run_for(2000)
    assert bench.run_until(lambda: station.state == "light sleep", 200)
    station.console_write(b"\r")
    bench.run_for(1)
    station.console_write(b"power\r")
    bench.run_for(2)
    said = station.output.decode().rpartition("power")[2]
    assert re.search(r"light sleep +1[789]\d\d\.\d s", said), said
    assert "radio listens" in said and "in 2 wakes" in said, said


def test_a_modem_is_idle_for_as_long_as_its_policy_says(bench):
    policy = "[modem]\npsm_active_s = 30\n"
    station = bench.add_station(config(more="[power]\nledger = true\n" + QUARTER_HOURLY + policy))
    bench.run_for(1000)
    station.console_write(b"power\r")
    bench.run_for(2)
    wakes = int(re.search(rb"listens .* in (\d+) wakes", station.output)[1])
    assert wakes == 2 and b"radio idle     60.0 s" in station.output


def test_a_unit_that_never_sleeps_may_keep_a_ledger(bench):
    station = bench.add_station(config(more="[power]\nledger = true\n" + QUARTER_HOURLY))
    bench.run_for(1000)
    station.console_write(b"power\r")
    bench.run_for(2)
    assert re.search(rb"awake +(99|100)\d\.\d s", station.output)
    assert station.resets == [1]
