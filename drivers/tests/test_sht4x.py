# SPDX-License-Identifier: Apache-2.0
from drivers.errors import SensorError
from drivers.sht4x import SHT4x
from drivers.tests.support import I2C, Clock, fails, run


def test_probe_reads_the_serial_number():
    bus = I2C(0x44, "w 89", "r beef92 01f433")
    assert run(Clock(), SHT4x(bus).probe()) is None
    bus.done()


def test_probe_refuses_an_empty_serial_number():
    for serial in ("r 000081 000081", "r ffffac ffffac"):
        error = fails(SensorError, Clock(), SHT4x(I2C(0x44, "w 89", serial)).probe())
        assert error.reason == "sensor_identity"


def test_read_gives_hundredths():
    clock = Clock()
    bus = I2C(0x44, "w fd", "r 6667a2 5eb93c")
    # -45 + 175 * 26215 / 65535 = 25.004, -6 + 125 * 24249 / 65535 = 40.252
    assert run(clock, SHT4x(bus).read()) == (2500, 4025)
    assert clock.elapsed_ms >= 9  # datasheet: 8.3 ms
    bus.done()


def test_ends_of_the_scale():
    bus = I2C(0x45, "w fd", "r 000081 000081", "w fd", "r ffffac ffffac")
    sensor = SHT4x(bus, 0x45)
    assert run(Clock(), sensor.read()) == (-4500, 0)
    assert run(Clock(), sensor.read()) == (13000, 10000)
    bus.done()


def test_every_broken_bit_is_noticed():
    good = bytes.fromhex("6667a25eb93c")
    for bit in range(48):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        bus = I2C(0x44, "w fd", "r " + data.hex())
        assert fails(SensorError, Clock(), SHT4x(bus).read()).reason == "sensor_crc"
        bus.done()


def test_bus_errors():
    for steps, reason in (
        (("w nack",), "i2c_nack"),
        (("w fd", "r nack"), "i2c_nack"),
        (("w stuck",), "sensor_timeout"),
    ):
        bus = I2C(0x44, *steps)
        error = fails(SensorError, Clock(), SHT4x(bus).read())
        assert error.reason == reason and "0x44" in str(error)
        bus.done()
