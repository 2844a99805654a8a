# SPDX-License-Identifier: Apache-2.0
import drivers.surface
from drivers.errors import SensorError
from drivers.level import Level
from drivers.tests.support import Clock, fails, run


class Part:
    CHANNELS = (("temperature", "Cel", 10), ("distance", "m", 100))

    # A value that is None is a reading that fails.
    def __init__(self, *values):
        self.values = list(values)
        self.temperature = 214

    async def probe(self):
        pass

    async def read(self):
        value = self.values.pop(0)
        if value is None:
            raise SensorError("sensor_crc")
        self.temperature += 1
        return self.temperature, value


class Depth(Part):
    CHANNELS = (("depth", "m", 1000),)

    async def read(self):
        return (self.values.pop(0),)


def level(part, sign=-1, readings=1, **options):
    drivers.surface.time = Clock()
    data = {"of": part.CHANNELS[-1][0], "sign": sign, "readings": readings}
    return Level(part, data, **options)


def test_a_level_is_the_datum_less_the_distance_or_more_the_depth():
    assert run(Clock(), level(Part(321), datum_mm=5000).read()) == (1790, 215, 321)
    assert run(Clock(), level(Part(321)).read()) == (None, 215, 321)
    assert run(Clock(), level(Depth(2500), 1, datum_mm=-300).read()) == (2200, 2500)
    assert level(Part()).CHANNELS == (("level", "m", 1000),) + Part.CHANNELS


def test_the_reading_in_the_middle_counts_whole():
    for distances in ((200, 90, 205), (205, 200, 90), (90, 205, 200)):
        sensor = level(Part(*distances), readings=3, datum_mm=5000)
        # What else that reading told goes with it.
        assert run(Clock(), sensor.read()) == (3000, 215 + distances.index(200), 200)


def test_one_reading_that_fails_fails_all():
    sensor = level(Part(200, None, 200), readings=3, datum_mm=5000)
    assert fails(SensorError, Clock(), sensor.read()).reason == "sensor_crc"


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
    dry = level(Depth(*[0] * 9), 1)
    clock = drivers.surface.time
    for _ in range(9):
        assert run(clock, dry.read()) == (None, 0)
        clock.now_ms += 25 * 900 * 1000
