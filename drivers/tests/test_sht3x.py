# SPDX-License-Identifier: Apache-2.0
from drivers.errors import SensorError
from drivers.sht3x import SHT3x
from drivers.tests.support import I2C, Clock, fails, run
from protocols.crc import crc8


def word(value):
    data = bytes((value >> 8, value & 0xFF))
    return "r " + (data + bytes((crc8(data),))).hex()


def test_probe_resets_it_and_reads_its_status():
    clock = Clock()
    bus = I2C(0x44, "w 30a2", "w f32d", word(0x8010))  # after a reset, table 18
    assert run(clock, SHT3x(bus).probe()) is None
    assert clock.elapsed_ms >= 2  # table 4: 1.5 ms
    bus.done()


def test_another_chip_is_refused():
    for status in (0x0000, 0xFFFF, 0x8000, 0x8210, 0xC010):
        bus = I2C(0x44, "w 30a2", "w f32d", word(status))
        assert fails(SensorError, Clock(), SHT3x(bus).probe()).reason == "sensor_identity"
    # An SHT4x has commands of one byte and refuses these.
    bus = I2C(0x44, "w nack")
    assert fails(SensorError, Clock(), SHT3x(bus).probe()).reason == "i2c_nack"


def test_read_gives_hundredths():
    clock = Clock()
    bus = I2C(0x45, "w 2400", "r 6667a2 5eb93c")
    # -45 + 175 * 26215 / 65535 = 25.003, 100 * 24249 / 65535 = 37.002
    assert run(clock, SHT3x(bus, 0x45).read()) == (2500, 3700)
    assert clock.elapsed_ms >= 16  # table 4: 15.5 ms
    bus.done()


def test_ends_of_the_scale():
    bus = I2C(0x44, "w 2400", "r 000081 000081", "w 2400", "r ffffac ffffac")
    sensor = SHT3x(bus)
    assert run(Clock(), sensor.read()) == (-4500, 0)
    assert run(Clock(), sensor.read()) == (13000, 10000)
    bus.done()


def test_every_broken_bit_is_noticed():
    good = bytes.fromhex("6667a25eb93c")
    for bit in range(48):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        bus = I2C(0x44, "w 2400", "r " + data.hex())
        assert fails(SensorError, Clock(), SHT3x(bus).read()).reason == "sensor_crc"
        bus.done()


def test_bus_errors():
    for steps, reason in (
        (("w nack",), "i2c_nack"),
        (("w 2400", "r nack"), "i2c_nack"),  # measuring still, or gone
        (("w stuck",), "sensor_timeout"),
    ):
        bus = I2C(0x44, *steps)
        error = fails(SensorError, Clock(), SHT3x(bus).read())
        assert error.reason == reason and "0x44" in str(error)
        bus.done()
