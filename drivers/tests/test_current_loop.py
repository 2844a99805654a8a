# SPDX-License-Identifier: Apache-2.0
import json

import drivers.surface
from drivers.current_loop import CurrentLoop
from drivers.errors import SensorError
from drivers.level import Level
from drivers.tests.support import Clock, fails, run

SHUNT_MOHM = 120000
with open("drivers/maps/loop_depth_5m.json") as file:
    DEPTH = json.load(file)


class ADC:
    def __init__(self, current_ua):
        self.current_ua = current_ua

    def read_uv(self):
        return self.current_ua * SHUNT_MOHM // 1000


def loop(current_ua):
    return CurrentLoop(ADC(current_ua), SHUNT_MOHM, DEPTH["channel"])


def test_current_becomes_depth():
    for current_ua, mm in ((4000, 0), (20000, 5000), (12000, 2500), (4800, 250), (3600, -125)):
        assert run(Clock(), loop(current_ua).read()) == (mm,)
    assert loop(4000).CHANNELS == (("depth", "m", 1000),)


def test_a_loop_out_of_its_limits_is_a_fault():
    for current_ua in (0, 500, 3590, 21010, 25000):
        error = fails(SensorError, Clock(), loop(current_ua).read())
        assert error.reason == "sensor_range"
        assert ("check supply and loop" in str(error)) == (current_ua < 1800)
        assert fails(SensorError, Clock(), loop(current_ua).probe()).reason == "sensor_range"
    for current_ua in (3610, 20990):
        run(Clock(), loop(current_ua).probe())


def test_a_channel_that_falls_with_the_current():
    channel = {"name": "distance", "unit": "m", "scale": 1000, "at_4_ma": 8000, "at_20_ma": 0}
    part = CurrentLoop(ADC(8000), SHUNT_MOHM, channel)
    assert run(Clock(), part.read()) == (6000,)


class Part:
    CHANNELS = (("temperature", "Cel", 10), ("distance", "m", 100))

    def __init__(self, *values):
        self.values = list(values)

    async def probe(self):
        pass

    async def read(self):
        return 215, self.values.pop(0)


def level(part, sign=-1, **options):
    drivers.surface.time = Clock()
    return Level(part, {"of": part.CHANNELS[-1][0], "sign": sign}, **options)


def test_a_level_is_the_datum_less_the_distance_or_more_the_depth():
    assert run(Clock(), level(Part(321), datum_mm=5000).read()) == (1790, 215, 321)
    assert run(Clock(), level(Part(321)).read()) == (None, 215, 321)
    assert run(Clock(), level(loop(12000), 1, datum_mm=-300).read()) == (2200, 2500)
    assert level(Part()).CHANNELS == (("level", "m", 1000),) + Part.CHANNELS


def test_a_spike_is_not_believed():
    sensor = level(Part(300, 100, 300), datum_mm=5000)
    run(Clock(), sensor.read())
    assert fails(SensorError, Clock(), sensor.read()).reason == "sensor_range"
    assert run(Clock(), sensor.read())[0] == 2000


def test_what_stands_still_for_a_day_is_a_fault_of_a_distance_and_none_of_a_dry_sensor():
    far, dry = level(Part(*[300] * 9)), None
    clock = drivers.surface.time
    for _ in range(4):
        run(clock, far.read())
        clock.now_ms += 25 * 900 * 1000
    clock.now_ms += 25 * 900 * 1000
    assert fails(SensorError, clock, far.read()).reason == "sensor_range"
    dry = level(loop(4000), 1)
    clock = drivers.surface.time
    for _ in range(9):
        assert run(clock, dry.read()) == (None, 0)
        clock.now_ms += 25 * 900 * 1000
