# SPDX-License-Identifier: Apache-2.0
from drivers.bh1750 import BH1750
from drivers.errors import SensorError
from drivers.tests.support import I2C, Clock, fails, run

DEFAULT = ("w 01", "w 42", "w 65", "w 20")  # MTreg 69 = 010 00101
BRIGHT = ("w 01", "w 40", "w 7f", "w 20")  # MTreg 31 = 000 11111


def test_probe():
    bus = I2C(0x23, "w 01")
    run(Clock(), BH1750(bus).probe())
    bus.done()
    assert fails(SensorError, Clock(), BH1750(I2C(0x23, "w nack")).probe()).reason == "i2c_nack"


def test_read():
    # The datasheet's example: 8390h = 33680 counts = 28067 lx.
    for counts, lux in ((0, 0), (1, 1), (12, 10), (0x8390, 28067), (0xFFFE, 54612)):
        clock = Clock()
        bus = I2C(0x5C, *DEFAULT, "r %04x" % counts)
        assert run(clock, BH1750(bus, 0x5C).read()) == (lux,)
        assert clock.elapsed_ms >= 180
        bus.done()


def test_direct_sun_is_measured_again():
    bus = I2C(0x23, *DEFAULT, "r ffff", *BRIGHT, "r c000", *DEFAULT, "r 0078")
    sensor = BH1750(bus)
    assert run(Clock(), sensor.read()) == (91169,)  # 49152 / 1.2 * 69 / 31
    assert run(Clock(), sensor.read()) == (100,)
    bus.done()


def test_lost_while_measuring():
    bus = I2C(0x23, *DEFAULT, "r nack")
    assert fails(SensorError, Clock(), BH1750(bus).read()).reason == "i2c_nack"
    bus.done()
