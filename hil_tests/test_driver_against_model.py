"""Our drivers against our models, neither written from the other: the outside check of both.

The drivers run on CPython here: a coroutine that sleeps lets the world run, nothing else moves.
"""

from __future__ import annotations

from typing import Any

import pytest

from drivers.battery import Battery
from drivers.bh1750 import BH1750 as BH1750Driver
from drivers.bmx280 import BMX280 as BMX280Driver
from drivers.errors import ModemError, SensorError
from drivers.scd4x import SCD4x as SCD4xDriver
from drivers.sht3x import SHT3x as SHT3xDriver
from drivers.sht4x import SHT4x as SHT4xDriver

from .driver_rig import SINCE_2024_S, SOIL_MAP, Rig, Server, make_rig, session

__all__ = ("make_rig",)


@pytest.fixture
def rig(make_rig):
    return make_rig()


# Each driver reads what the scene says, within what its sensor may be off.

I2C_DRIVERS = {
    "air": (SHT4xDriver, 68, [("air_temperature", 0.1), ("air_humidity", 0.3)]),
    "co2": (SCD4xDriver, 98, [("co2", 40), ("air_temperature", 0.5), ("air_humidity", 2)]),
    "light": (BH1750Driver, 35, [("illuminance", 3)]),
    "outside": (SHT3xDriver, 69, [("air_temperature", 0.1), ("air_humidity", 0.3)]),
    "barometer": (
        BMX280Driver,
        118,
        [("air_temperature", 0.03), ("pressure", 8), ("air_humidity", 0.15)],
    ),
}


def reading(rig: Rig, driver: Any) -> list[float]:
    """Read a driver once and undo the scales of its channels."""
    counts = rig.run(driver.read())
    assert all(isinstance(count, int) for count in counts)
    return [count / scale for count, (_, _, scale) in zip(counts, driver.CHANNELS, strict=True)]


@pytest.mark.parametrize("name", I2C_DRIVERS)
@pytest.mark.parametrize("hour", [0, 5, 13, 20])
def test_i2c_drivers_read_the_scene(rig, name, hour):
    make, address, channels = I2C_DRIVERS[name]
    rig.world.run_for(hour * 3600)
    driver = make(rig.bus, address)
    rig.run(driver.probe())
    values = reading(rig, driver)
    for value, (channel, tolerance) in zip(values, channels, strict=True):
        assert value == pytest.approx(rig.scene.value(channel, rig.world.now_us), abs=tolerance)


def test_light_beyond_the_default_range_is_read_with_the_short_measurement_time(rig):
    rig.fitted.parts["light"].faults.forced = {"illuminance": 90_000.0}
    assert reading(rig, BH1750Driver(rig.bus, 35)) == [pytest.approx(90_000, rel=1e-4)]


def test_soil_driver_reads_the_scene_also_below_zero(rig):
    soil = rig.soil()
    values = reading(rig, soil)
    now_us = rig.world.now_us
    for value, channel, tolerance in zip(
        values,
        ("soil_moisture", "soil_temperature", "soil_ec", "soil_ph"),
        (0.5, 0.3, 15, 0.2),
        strict=False,
    ):
        assert value == pytest.approx(rig.scene.value(channel, now_us), abs=tolerance)
    rig.fitted.parts["soil"].faults.forced = {"soil_temperature": -7.3}
    assert reading(rig, soil)[1] == -7.3
    assert rig.fitted.uart["rs485"].collisions == rig.fitted.uart["rs485"].unheard == 0


def test_battery_driver_reads_the_scene(rig):
    battery = Battery(rig.fitted.adc[34], 2, 1)
    (volts,) = reading(rig, battery)
    assert volts == pytest.approx(rig.scene.value("battery", rig.world.now_us), abs=0.01)


@pytest.mark.parametrize(
    "name, fault, value, reason",
    [
        ("air", "unplugged", True, "i2c_nack"),
        ("air", "bad_crc", True, "sensor_crc"),
        ("air", "slow", 5, "i2c_nack"),
        ("co2", "unplugged", True, "i2c_nack"),
        ("co2", "bad_crc", True, "sensor_crc"),
        ("light", "unplugged", True, "i2c_nack"),
        ("soil", "unplugged", True, "sensor_timeout"),
        ("soil", "bad_crc", True, "sensor_crc"),
        ("soil", "stuck", True, "sensor_range"),
        ("soil", "cut", 4, "sensor_crc"),
        ("soil", "slow", 400, "sensor_timeout"),
        ("soil", "other_address", 2, "sensor_crc"),
        ("air", "stuck", True, "i2c_nack"),
    ],
)
def test_a_fault_becomes_its_counted_reason(rig, name, fault, value, reason):
    model = rig.fitted.parts[name]
    if name == "soil":
        driver: Any = rig.soil()
    else:
        make, address, _ = I2C_DRIVERS[name]
        driver = make(rig.bus, address)
        rig.run(driver.probe())
    setattr(model.faults, fault, value)
    with pytest.raises(SensorError) as caught:
        for _ in range(2):
            rig.run(driver.read())
    assert caught.value.reason == reason
    assert model.faults.unfired() == []


def test_a_co2_sensor_that_lost_its_supply_is_started_again(rig):
    driver = SCD4xDriver(rig.bus, 98)
    rig.run(driver.probe())
    rig.fitted.parts["co2"].power_on()
    rig.world.run_for(1)
    with pytest.raises(SensorError, match="sensor_timeout"):
        rig.run(driver.read())
    rig.world.run_for(5)
    assert len(rig.run(driver.read())) == 3


def test_junk_before_a_modbus_answer_does_not_matter(rig):
    rig.fitted.parts["soil"].faults.junk = b"\x00\xff"
    assert len(reading(rig, rig.soil())) == len(SOIL_MAP["registers"])
    assert rig.fitted.parts["soil"].faults.fired["junk"]


# Modem


def test_a_wake_from_power_off_to_the_answer(rig):
    server = Server(rig.network)
    modem = rig.modem()
    data = bytes(range(256)) + bytes(224)
    assert rig.run(session(modem, data)) == b"ack 480"
    assert server.arrived == [data]
    assert rig.model.settings["+QCGDEFCONT"] == '"IP","ctnb"'
    assert not modem.counters
    time_s = rig.run(modem.network_time())
    assert time_s == pytest.approx(rig.world.utc_s - SINCE_2024_S, abs=1.5)
    assert -140 <= rig.run(modem.signal())["rsrp_dbm"] <= -60


def test_sleep_and_the_wake_after_it(rig):
    server = Server(rig.network)
    modem = rig.modem()
    rig.run(session(modem, b"first"))
    rig.run(modem.sleep())
    rig.world.run_for(600)
    assert rig.model.state == "asleep"
    assert rig.run(session(modem, b"second")) == b"ack 6"
    assert server.arrived == [b"first", b"second"]
    assert rig.model.boots == 2  # the second boot was for the APN, none for the wake


@pytest.mark.parametrize(
    "fault, value, reason",
    [
        ("silent", True, "modem_silent"),
        ("cereg", 2, "reg_searching"),
        ("cereg", 3, "reg_denied"),
        ("error_on", {"AT+QIOPEN": "+CME ERROR: 561"}, "modem_error"),
        ("error_on", {"AT+CGATT": 100}, "modem_error"),
        ("send_fail", True, "send_failed"),
        ("send_ok_lost", True, "send_failed"),
    ],
)
def test_modem_faults_become_counted_reasons(rig, fault, value, reason):
    setattr(rig.model.faults, fault, value)
    modem = rig.modem()
    with pytest.raises(ModemError) as caught:
        rig.run(session(modem, b"x"))
    assert caught.value.reason == reason
    assert modem.counters[reason] >= 1
    assert rig.model.faults.unfired() == []
