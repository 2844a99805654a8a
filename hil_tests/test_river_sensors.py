"""Level and rain: drivers against models, and stations that report a flood wave."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import drivers.rs485
import drivers.surface
from drivers.current_loop import CurrentLoop
from drivers.errors import DriverError
from drivers.level import Level
from drivers.modbus_probe import ModbusProbe
from drivers.rs485 import RS485

from .driver_rig import Pin, Port, Ticks, Uart, run, sleeps_in
from .river_site import BOARDS, DATUM_MM, UNIT, RiverSite, river_config
from .virtual.board import DEEPSLEEP
from .virtual.models import build
from .virtual.network import Network
from .virtual.river import River
from .virtual.scene import Scene
from .virtual.world import World

ROOT = Path(__file__).parent.parent
HOUR_S = 3600
NO_PICTURES = (
    "[fitted.camera]\nenabled = false\n"  # they are tested elsewhere, and take their time
)
# Not every 3 s between the rounds: what is seen there is tested in test_river_alarms.py.
FEW_LOOKS = """
[pace]
interval_s = 60
look_s = 30
[[pace.when]]
channel = "level"
rises = "150 mm/h"
[[pace.when]]
channel = "rain_5min"
above = "0.5 mm"
"""
CALM = NO_PICTURES + FEW_LOOKS
# As often as without rain: it is the tips that wake it.
EVEN = CALM.replace("look_s = 30", "look_s = 300").replace("= 60", "= 300")
STORM = (5, 20, 25, 10)


def data_of(name: str) -> Any:
    return json.loads((ROOT / "drivers" / "maps" / f"{name}.json").read_text())


# The river


def test_a_flood_wave_rises_crests_and_falls():
    river = River()
    river.storm(HOUR_S, STORM)
    levels = [river.level_mm(hour * HOUR_S * 1_000_000) for hour in range(48)]
    crest = levels.index(max(levels))
    assert levels[0] == levels[1] == river.base_mm and crest in (5, 6)
    assert levels[1 : crest + 1] == sorted(levels[1 : crest + 1])
    assert levels[crest:] == sorted(levels[crest:], reverse=True)
    assert 1500 < levels[crest] - river.base_mm < 2500 and levels[-1] - river.base_mm < 2


def test_what_falls_is_what_runs_off_and_is_found_by_its_amount():
    river = River()
    river.storm(0, STORM)
    minute_us = 60_000_000
    runoff = sum(
        sum(rain.runoff_mm_h(m * minute_us) for rain in river.rains) / 60 for m in range(48 * 60)
    )
    assert runoff == pytest.approx(0.7 * sum(STORM), rel=0.01)
    for mm in (0.2, 5, 24.9, 60):
        assert river.rain_mm(river.when_us(mm)) == pytest.approx(mm, abs=1e-4)
    assert river.when_us(60.1) is None and River().when_us(0.1) is None


# Drivers against models


class Rig:
    """The parts of a river board, and drivers on CPython."""

    def __init__(self) -> None:
        self.world = World(4)
        self.scene = Scene(self.world.start)
        manifest = json.loads((ROOT / "boards" / f"{BOARDS[1]}.json").read_text())
        self.fitted = build(self.world, manifest, self.scene, Network(self.world))
        self.scene.river.storm(0, STORM)
        self.part("rail sensors").changed(1)

    def part(self, name: str) -> Any:
        return self.fitted.parts[name]

    def radar(self) -> Level:
        line = self.fitted.uart["rs485"]
        bus = RS485(Uart(self.world, line), Pin(line.enable), 9600)
        data = data_of("radar_distance")
        return Level(ModbusProbe(bus, 1, data), data["level"], DATUM_MM)

    def loop(self) -> Level:
        data = data_of("loop_depth_5m")
        loop = CurrentLoop(self.fitted.adc[36], 120_000, data["channel"])
        return Level(loop, data["level"], 0)


@pytest.fixture
def rig(monkeypatch):
    rig = Rig()
    monkeypatch.setattr(drivers.rs485, "UARTPort", Port)
    monkeypatch.setattr(drivers.surface, "time", Ticks(rig.world))
    sleeps_in(rig.world, monkeypatch)
    yield rig
    rig.world.close()


@pytest.mark.parametrize("name", ["radar", "loop"])
def test_a_level_follows_the_wave(rig, name):
    sensor = getattr(rig, name)()
    supply = rig.part("rail sensors")
    for _ in range(24):
        supply.changed(0)
        rig.world.run_for(600)
        supply.changed(1)
        level_mm = run(sensor.read())[0]
        assert level_mm == pytest.approx(rig.scene.river.level_mm(rig.world.now_us), abs=6)


@pytest.mark.parametrize(
    ("name", "fault", "value", "reason"),
    [
        ("radar", "unplugged", True, "sensor_timeout"),
        ("radar", "bad_crc", True, "sensor_crc"),
        ("radar", "no_echo", True, "sensor_range"),
        ("radar", "spike", 900, "sensor_range"),
        ("loop", "broken", True, "sensor_range"),
        ("loop", "low_alarm", True, "sensor_range"),
        ("loop", "high_alarm", True, "sensor_range"),
        ("loop", "shorted", True, "sensor_range"),
    ],
)
def test_a_fault_becomes_its_reason_and_ends_with_it(rig, name, fault, value, reason):
    sensor, faults = getattr(rig, name)(), rig.part(name).faults
    run(sensor.read())
    setattr(faults, fault, value)
    with pytest.raises(DriverError) as caught:
        run(sensor.read())
    assert caught.value.reason == reason and faults.unfired() == []
    setattr(faults, fault, type(value)(0))
    assert run(sensor.read())[0] == pytest.approx(600, abs=6)


# Whole stations


def readings(site: RiverSite, channel: str) -> list[tuple[float, float, str]]:
    """Seconds of the world, value and quality of all that the collector has."""
    start_s = site.world.start.timestamp()
    found = site.views.history(UNIT, channel, 1000)
    return sorted((r.at_s - start_s, r.value, r.quality) for r in found if r.clock_set)


def test_a_station_reports_the_wave_and_the_rain(tmp_path):
    with RiverSite(seed=2, workdir=tmp_path) as site:
        station = site.add_station(river_config(BOARDS[1], more=CALM))
        contact = station.fitted.parts["rain"]
        contact.faults.bouncing = 2
        site.river.storm(300, STORM, step_s=600)
        site.run_for(3 * HOUR_S + 300)
        levels, rains = readings(site, "level"), readings(site, "rain")
        assert len(levels) >= 36 and max(level for _, level, _ in levels) > 2.4
        for at_s, level, quality in levels:
            assert quality == "normal"
            assert level * 1000 == pytest.approx(site.river.level_mm(at_s * 1e6), abs=12)
        for at_s, rain, quality in rains:
            assert quality == "normal"
            assert rain == pytest.approx(site.river.rain_mm(at_s * 1e6), abs=0.6)
        assert contact.tips == 300 and rains[-1][1] == 60.0
        assert contact.faults.fired["bouncing"]  # an edge may be lost while flash is erased
        assert readings(site, "solar")[-1][2] == readings(site, "door")[-1][2] == "normal"
        assert b"Traceback" not in station.output


@pytest.mark.parametrize(
    ("part", "datum_mm", "board"), [("radar", DATUM_MM, BOARDS[1]), ("loop", 0, BOARDS[0])]
)
def test_a_station_with_another_level_sensor(tmp_path, part, datum_mm, board):
    more = f"enabled = false\n[fitted.{part}]\nenabled = true\ndatum_mm = {datum_mm}\n" + CALM
    node = river_config(board, more=more, profile=f"river_{part}")
    with RiverSite(seed=2, workdir=tmp_path) as site:
        station = site.add_station(node)
        site.river.storm(300, STORM, step_s=600)
        site.run_for(2 * HOUR_S + 300)
        levels = readings(site, "level")
        assert len(levels) >= 24 and max(level for _, level, _ in levels) > 2
        for at_s, level, quality in levels:
            assert quality == "normal"
            assert level * 1000 == pytest.approx(site.river.level_mm(at_s * 1e6), abs=12)
        assert b"Traceback" not in station.output


def test_profiles_of_rivers_differ_by_their_level_sensor_only():
    def of(name: str) -> Any:
        return json.loads((ROOT / "firmware" / "profiles" / f"{name}.json").read_text())

    for part in ("radar", "loop"):
        other = of(f"river_{part}")
        assert other.pop("id") == f"river_{part}"
        assert other["channels"][0].pop("from") == f"{part}.level"
        river = of("river")
        assert river.pop("id") == "river" and river["channels"][0].pop("from") == "river.level"
        assert other == river


def test_an_echo_in_cold_air_is_corrected(tmp_path):
    more = "reckoned_c = 20\n[fitted.air]\n[sampling]\nreport_samples = 1\n" + NO_PICTURES
    config = river_config(BOARDS[1], more=more)
    with RiverSite(seed=2, workdir=tmp_path, start="2024-01-15T22:00:00Z") as site:
        station = site.add_station(config)
        sensor = station.fitted.parts["river"]
        air_c = partial(station.fitted.parts["air"].source.read, "air_temperature")
        sensor.knows_no_temperature(air_c)
        site.run_for(1.2 * HOUR_S)
        found = readings(site, "level")
        wrong_mm = abs(sensor._echo_mm() - (site.river.datum_mm - 600))
        assert len(found) > 2 and abs(air_c() - 20) > 5 and wrong_mm > 30
        for at_s, level, _ in found:
            assert level * 1000 == pytest.approx(site.river.level_mm(at_s * 1e6), abs=6)


def test_the_rain_goes_on_after_resets_and_a_loss_of_power(tmp_path):
    with RiverSite(seed=2, workdir=tmp_path) as site:
        often = CALM + "[sampling]\nreport_samples = 4\n"
        station = site.add_station(river_config(BOARDS[1], more=often))
        contact = station.fitted.parts["rain"]
        for number, restart in enumerate((station.reset, station.brown_out, None)):
            site.river.storm(number * 1800 + 60, (3,), step_s=1200)
            site.run_for(1700)
            if restart:
                restart()
            else:
                station.power_off()
                site.run_for(20)
                station.power_on()
            site.run_for(100)
        site.run_for(1.2 * HOUR_S)
        assert contact.tips == 45 and readings(site, "rain")[-1][1] == 9.0


@pytest.mark.long
def test_a_station_in_deep_sleep_counts_every_tip_that_wakes_it(tmp_path):
    with RiverSite(seed=2, workdir=tmp_path) as site:
        node = river_config(BOARDS[1], more=EVEN + '[power]\nsleep = "deep"\nconsole_s = 30\n')
        station = site.add_station(node)
        contact = station.fitted.parts["rain"]
        contact.faults.bouncing = 2
        site.river.storm(1200, (4,), step_s=1800)
        site.run_for(2 * HOUR_S + 300)
        assert contact.tips == 20 and station.resets.count(DEEPSLEEP) > 5
        assert contact.faults.fired["bouncing"]
        assert readings(site, "rain")[-1][1:] == (4.0, "normal")
        assert b"Traceback" not in station.output


@pytest.mark.long
def test_a_bucket_that_sticks_does_not_keep_a_station_awake(tmp_path):
    with RiverSite(seed=2, workdir=tmp_path) as site:
        more = '[sampling]\nreport_samples = 4\n[power]\nsleep = "deep"\nconsole_s = 30\n'
        station = site.add_station(river_config(BOARDS[1], more=NO_PICTURES + more))
        faults = station.fitted.parts["rain"].faults
        faults.stuck = True
        site.river.storm(600, (2,), step_s=900)
        site.run_for(1.2 * HOUR_S)
        assert faults.fired["stuck"] == 1 and station.resets.count(DEEPSLEEP) > 5
        assert len(station.resets) <= 1.2 * HOUR_S // 300 + 8  # as often as it measures
        qualities = [quality for _, _, quality in readings(site, "rain")]
        assert qualities.count("sensor fault") > 5, qualities


@pytest.mark.long
def test_a_bucket_that_sticks_and_a_cable_that_hums_are_told_and_end(tmp_path):
    with RiverSite(seed=2, workdir=tmp_path) as site:
        station = site.add_station(
            river_config(BOARDS[1], more=CALM + "[sampling]\ninterval_s = 60\n")
        )
        faults = station.fitted.parts["rain"].faults
        site.run_for(600)
        site.river.storm(600, (5,), step_s=1800)
        faults.stuck = True
        site.run_for(300)
        faults.stuck = False
        site.run_for(300)
        faults.humming = True
        site.run_for(130)
        faults.humming = False
        site.run_for(1.2 * HOUR_S)
        by_time = {at_s: quality for at_s, _, quality in readings(site, "rain")}
        faulty = [at_s for at_s, quality in by_time.items() if quality == "sensor fault"]
        assert [at_s for at_s in faulty if 660 <= at_s <= 900], by_time
        assert [at_s for at_s in faulty if 1200 <= at_s <= 1330], by_time
        assert max(faulty) < 1400 and faults.unfired() == []
