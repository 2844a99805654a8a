# SPDX-License-Identifier: Apache-2.0
import drivers.air
from drivers.air import Air
from drivers.errors import SensorError
from drivers.tests.support import Clock, run


class Thermometer:
    def __init__(self, *values):
        self.values = list(values)
        self.asked = 0

    async def read(self):
        self.asked += 1
        value = self.values.pop(0)
        if value is None:
            raise SensorError("sensor_timeout")
        return value, 5000


class Way:
    def __init__(self, reckoned_c, *values):
        self.clock = drivers.air.time = Clock()
        self.thermometer = Thermometer(*values)
        self.air = Air(self.thermometer, reckoned_c)

    def mm(self, mm):
        return run(self.clock, self.air.corrected(mm))

    def wait(self, seconds):
        self.clock.now_ms += seconds * 1000


def test_by_the_speed_of_sound():
    # 343.42 m/s at 20, 331.3 at 0, 319.18 at -20, 355.54 at 40 degrees
    for centi, expected in ((2000, 3000), (0, 2894), (-2000, 2788), (4000, 3106)):
        assert Way(20, centi).mm(3000) == expected
    assert Way(0, 2000).mm(3000) == 3110
    assert Way(20, 4000).mm(4500) == 4659 and Way(20, 0).mm(30) == 29


def test_air_is_looked_at_every_ten_minutes():
    way = Way(20, 2000, 0)
    assert [way.mm(3000) for _ in range(5)] == [3000] * 5
    way.wait(599)
    assert way.mm(3000) == 3000 and way.thermometer.asked == 1
    way.wait(1)
    assert way.mm(3000) == 2894 and way.thermometer.asked == 2


def test_without_a_thermometer_it_goes_on_with_the_last():
    way = Way(20, None, 0, None, None, 2000)
    assert way.mm(3000) == 3000  # none yet: as the sensor reckons
    assert way.mm(3000) == 2894  # the next time it is asked again
    way.wait(600)
    assert [way.mm(3000), way.mm(3000)] == [2894, 2894]
    assert way.mm(3000) == 3000 and way.thermometer.values == []
