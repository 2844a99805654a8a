# SPDX-License-Identifier: Apache-2.0
from drivers.errors import SensorError
from drivers.scd4x import SCD4x
from drivers.tests.support import I2C, Clock, fails, run

NOT_READY = ("w e4b8", "r 8000a2")
READY = ("w e4b8", "r 800604")
# The datasheet's example: 500 ppm, 25 Cel, 37 %.
MEASUREMENT = ("w ec05", "r 01f433 6667a2 5eb93c")


def test_probe_stops_identifies_and_starts():
    clock = Clock()
    bus = I2C(0x62, "w 3f86", "w 3682", "r f89631 9f07c2 3bbe89", "w 21b1")
    run(clock, SCD4x(bus).probe())
    assert clock.elapsed_ms >= 501  # datasheet: stop takes 500 ms
    bus.done()


def test_probe_of_another_chip():
    # A chip that acknowledges but drives no data leaves the bus high.
    bus = I2C(0x62, "w 3f86", "w 3682", "r ffffffffffffffffff")
    assert fails(SensorError, Clock(), SCD4x(bus).probe()).reason == "sensor_crc"
    bus.done()
    bus = I2C(0x62, "w 3f86", "w 3682", "r 000081 000081 000081")
    assert fails(SensorError, Clock(), SCD4x(bus).probe()).reason == "sensor_identity"
    bus.done()


def test_a_reset_while_it_stops():
    clock = Clock()
    bus = I2C(0x62, "w nack", "w 3f86", "w 3682", "r f89631 9f07c2 3bbe89", "w 21b1")
    run(clock, SCD4x(bus).probe())
    assert clock.elapsed_ms >= 1001  # until it has stopped, and once more
    bus.done()


def test_absent():
    bus = I2C(0x62, "w nack", "w nack")
    assert fails(SensorError, Clock(), SCD4x(bus).probe()).reason == "i2c_nack"
    bus.done()


def test_read():
    bus = I2C(0x62, *READY, *MEASUREMENT)
    assert run(Clock(), SCD4x(bus).read()) == (500, 2500, 3700)
    bus.done()


def test_read_waits_for_the_first_value():
    clock = Clock()
    bus = I2C(0x62, *(NOT_READY * 5), *READY, *MEASUREMENT)
    assert run(clock, SCD4x(bus).read()) == (500, 2500, 3700)
    assert 5000 <= clock.elapsed_ms < 5100
    bus.done()


def test_an_idle_sensor_is_started_again():
    bus = I2C(0x62, *(NOT_READY * 6), "w 21b1", *READY, *MEASUREMENT)
    sensor = SCD4x(bus)
    assert fails(SensorError, Clock(), sensor.read()).reason == "sensor_timeout"
    assert run(Clock(), sensor.read())[0] == 500
    bus.done()


def test_zero_ppm_is_no_value():
    bus = I2C(0x62, *READY, "w ec05", "r 000081 6667a2 5eb93c")
    assert fails(SensorError, Clock(), SCD4x(bus).read()).reason == "sensor_range"
    bus.done()


def test_wrong_crc():
    bus = I2C(0x62, *READY, "w ec05", "r 01f433 6667a3 5eb93c")
    assert fails(SensorError, Clock(), SCD4x(bus).read()).reason == "sensor_crc"
    bus.done()


def test_a_sensor_that_refuses_the_start_has_still_timed_out():
    bus = I2C(0x62, *(NOT_READY * 6), "w nack")  # it measures, but nothing comes of it
    assert fails(SensorError, Clock(), SCD4x(bus).read()).reason == "sensor_timeout"
    bus.done()
