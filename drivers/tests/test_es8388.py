# SPDX-License-Identifier: Apache-2.0
from drivers.errors import SensorError
from drivers.es8388 import ES8388
from drivers.tests.support import I2C, Clock, fails, run

SETUP = ["w 1904", "w 0150", "w 0200", "w 0800", "w 04c0", "w 0012", "w 1718", "w 1802"]
SETUP += ["w 1a00", "w 1b00", "w 2600", "w 2790", "w 2a90", "w 2b80", "w 2d00"]
SETUP += ["w 2e1e", "w 2f1e", "w 301e", "w 311e", "w 043c", "w 1900"]


def test_it_is_muted_first_and_unmuted_last():
    bus = I2C(0x10, *SETUP, "w 1904", "w 04c0")
    codec = ES8388(bus)
    run(Clock(), codec.start())
    codec.stop()
    bus.done()


def test_probe_reads_back_what_it_wrote():
    bus = I2C(0x11, "w 1718", "w 17", "r 18")
    run(Clock(), ES8388(bus, 0x11).probe())
    bus.done()
    bus = I2C(0x10, "w 1718", "w 17", "r 00")
    assert fails(SensorError, Clock(), ES8388(bus).probe()).reason == "sensor_identity"


def test_one_that_is_not_there():
    assert fails(SensorError, Clock(), ES8388(I2C(0x10, "w nack")).start()).reason == "i2c_nack"
