# SPDX-License-Identifier: Apache-2.0
import struct

from drivers.bmx280 import BMX280
from drivers.errors import SensorError
from drivers.tests.support import I2C, Clock, fails, run

# BMP280 datasheet, 3.12: trimming values, counts and what they give.
TRIM = (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
TEMPERATURE, PRESSURE = 519888, 415148
# Its example ends with 25.08 Cel and 100653.27 Pa (64 bits: 25767236 / 256).
EXPECTED = (2508, 100653)
# A BME280's humidity: H1 .. H6 of a real chip, as they are widely seen.
TRIM_HUMIDITY = (75, 362, 0, 311, 50, 30)


def trimming(h1=0):
    return struct.pack("<HhhHhhhhhhhh", *TRIM) + bytes((0, h1))


def humidity_trimming():
    _, h2, h3, h4, h5, h6 = TRIM_HUMIDITY
    return struct.pack("<hBbBbb", h2, h3, h4 >> 4, h5 << 4 & 0xF0 | h4 & 15, h5 >> 4, h6)


def values(temperature=TEMPERATURE, pressure=PRESSURE, humidity=0, status=0):
    burst = bytes((status, 0x24, 0, 0))
    for counts in (pressure, temperature):
        burst += bytes((counts >> 12, counts >> 4 & 0xFF, counts << 4 & 0xF0))
    return "r " + (burst + bytes((humidity >> 8, humidity & 0xFF))).hex()


def probing(chip="58", h1=0, more=()):
    steps = ("w d0", "r " + chip, "w e0b6", "w f3", "r 00", "w 88", "r " + trimming(h1).hex())
    return steps + tuple(more) + ("w f500",)


def bme280(*steps):
    more = ("w e1", "r " + humidity_trimming().hex())
    return I2C(0x76, *probing("60", TRIM_HUMIDITY[0], more), *steps)


def read(bus, clock=None):
    clock = clock or Clock()
    sensor = BMX280(bus)
    run(clock, sensor.probe())
    return run(clock, sensor.read())


def test_the_example_of_the_datasheet():
    clock = Clock()
    bus = I2C(0x76, *probing(), "w f425", "w f3", values())
    assert read(bus, clock) == EXPECTED + (None,)  # a BMP280 has no humidity
    assert clock.elapsed_ms >= 9
    bus.done()


def test_every_chip_is_calibrated_by_its_own_values_once():
    bus = I2C(0x77, *probing(), "w f425", "w f3", values(), "w f425", "w f3", values(519000))
    sensor = BMX280(bus, 0x77)
    run(Clock(), sensor.probe())
    assert run(Clock(), sensor.read())[:2] == EXPECTED
    assert run(Clock(), sensor.read())[0] == 2480
    bus.done()


# The formulas with a decimal point of the BME280's datasheet, 8.1: the outside check.
def humidity_in_percent(counts, temperature):
    h1, h2, h3, h4, h5, h6 = TRIM_HUMIDITY
    t1, t2, t3 = TRIM[:3]
    fine = (temperature / 16384 - t1 / 1024) * t2
    fine += (temperature / 131072 - t1 / 8192) ** 2 * t3
    x = fine - 76800
    x = (counts - (h4 * 64 + h5 / 16384 * x)) * (
        h2 / 65536 * (1 + h6 / 67108864 * x * (1 + h3 / 67108864 * x))
    )
    return min(max(x * (1 - h1 * x / 524288), 0), 100)


def test_humidity_of_a_bme280():
    for counts in (20000, 25000, 28000, 31000, 36000, 60000):
        bus = bme280("w f201", "w f425", "w f3", values(humidity=counts))
        temperature, pressure, humidity = read(bus)
        assert (temperature, pressure) == EXPECTED
        assert abs(humidity - 100 * humidity_in_percent(counts, TEMPERATURE)) <= 2
        bus.done()


def test_the_order_of_the_bits_of_h4_and_h5():
    # Table 16: E4 is H4[11:4], E5 holds H4[3:0] below H5[3:0], E6 is H5[11:4]; both have signs.
    from drivers.bmx280 import _humidity_trimming

    data = bytes.fromhex("0a01 00 ff 2e fe 1e".replace(" ", ""))
    assert _humidity_trimming(75, data) == (75, 266, 0, -2, -30, 30)


def test_another_chip_is_refused():
    for chip in ("00", "ff", "61", "55"):  # 0x61 is a BME680, 0x55 a BMP180
        error = fails(SensorError, Clock(), BMX280(I2C(0x76, "w d0", "r " + chip)).probe())
        assert error.reason == "sensor_identity" and chip in str(error)


def test_a_chip_without_trimming_values_is_refused():
    for empty in ("00" * 26, "ff" * 6 + "00" * 20):
        bus = I2C(0x76, "w d0", "r 58", "w e0b6", "w f3", "r 00", "w 88", "r " + empty)
        assert fails(SensorError, Clock(), BMX280(bus).probe()).reason == "sensor_identity"


def test_what_it_did_not_measure_is_told():
    for broken, reason in (
        (values(status=8), "sensor_timeout"),
        (values(temperature=0x80000), "sensor_range"),
        (values(pressure=0x80000), "sensor_range"),
    ):
        sensor = BMX280(I2C(0x76, *probing(), "w f425", "w f3", broken))
        run(Clock(), sensor.probe())
        assert fails(SensorError, Clock(), sensor.read()).reason == reason
    sensor = BMX280(bme280("w f201", "w f425", "w f3", values(humidity=0x8000)))
    run(Clock(), sensor.probe())
    assert fails(SensorError, Clock(), sensor.read()).reason == "sensor_range"


def test_a_start_that_does_not_end():
    bus = I2C(0x76, "w d0", "r 60", "w e0b6", "w f3", "r 01")
    assert fails(SensorError, Clock(), BMX280(bus).probe()).reason == "sensor_timeout"


def test_bus_errors():
    for steps, reason in ((("w nack",), "i2c_nack"), (("w d0", "r stuck"), "sensor_timeout")):
        assert fails(SensorError, Clock(), BMX280(I2C(0x76, *steps)).probe()).reason == reason
    sensor = BMX280(I2C(0x76, *probing(), "w f425", "w f3", "r nack"))
    run(Clock(), sensor.probe())
    assert fails(SensorError, Clock(), sensor.read()).reason == "i2c_nack"
