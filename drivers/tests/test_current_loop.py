# SPDX-License-Identifier: Apache-2.0
import json

from drivers.current_loop import CurrentLoop
from drivers.errors import SensorError
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
