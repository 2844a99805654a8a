# SPDX-License-Identifier: Apache-2.0
import json

from drivers.analog_probe import AnalogProbe
from drivers.errors import SensorError
from drivers.tests.support import Clock, fails, run

SOIL = {
    "channel": {"name": "moisture", "unit": "%", "scale": 10},
    "points": [[2600, 0], [1100, 1000]],  # dry and wet: the voltage falls
    "lowest_mv": 800,
    "highest_mv": 2950,
    "spread_mv": 100,
    "crop": True,
}
WIND = {
    "channel": {"name": "wind_speed", "unit": "m/s", "scale": 10},
    "points": [[400, 0], [2000, 324]],
    "lowest_mv": 300,
    "highest_mv": 2100,
    "spread_mv": 50,
}


class ADC:
    def __init__(self, *uv):
        self.uv = uv
        self.n = 0

    def read_uv(self):
        self.n += 1
        return self.uv[self.n % len(self.uv)]


def read(data, mv, points_mv=None):
    (value,) = run(Clock(), AnalogProbe(ADC(mv * 1000), data, points_mv).read())
    return value


def reason(data, *uv):
    return fails(SensorError, Clock(), AnalogProbe(ADC(*uv), data).read()).reason


def test_the_line_through_two_points():
    for mv, counts in ((2600, 0), (1100, 1000), (1850, 500), (2599, 1), (1101, 999)):
        assert read(SOIL, mv) == counts
    for mv, counts in ((400, 0), (2000, 324), (1200, 162), (350, -10), (2050, 334)):
        assert read(WIND, mv) == counts


def test_beyond_its_points_it_is_cropped_where_the_map_says_so():
    assert read(SOIL, 2700) == 0 and read(SOIL, 1000) == 1000


def test_the_calibration_of_a_unit_goes_first():
    assert read(SOIL, 2400, [2400, 1300]) == 0
    assert read(SOIL, 1300, [2400, 1300]) == 1000
    assert read(SOIL, 1850, [2400, 1300]) == 500


def test_noise_is_averaged():
    adc = ADC(1810000, 1890000)
    assert run(Clock(), AnalogProbe(adc, SOIL).read()) == (500,) and adc.n == 16


def test_a_broken_one_is_told_and_gives_no_zero():
    # What an ESP32 reads of a pin at ground and at 3.3 V, and of one in the air.
    assert reason(SOIL, 142000) == "sensor_range"
    assert reason(SOIL, 3130000) == "sensor_range"
    assert reason(SOIL, 1500000, 2100000, 1700000) == "sensor_range"
    probe = AnalogProbe(ADC(142000), SOIL)
    assert fails(SensorError, Clock(), probe.probe()).reason == "sensor_range"


def test_the_limits_belong_to_it():
    for mv in (800, 2950):
        assert read(SOIL, mv) in (0, 1000)
    for mv in (799, 2951):
        assert reason(SOIL, mv * 1000) == "sensor_range"


def test_the_map_of_capacitive_probes():
    with open("drivers/maps/soil_capacitive.json") as file:
        data = json.load(file)
    assert AnalogProbe(ADC(2000000), data).CHANNELS == (("moisture", "%", 10),)
    (_, dry), (_, wet) = data["points"]
    assert (dry, wet) == (0, 1000)
    for mv, _ in data["points"]:
        assert data["lowest_mv"] < mv < data["highest_mv"]
