"""What a report says of a broken sensor: the sampler, the drivers and the models together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import firmware.tests.support  # noqa: F401, which gives CPython the modules of a chip
from drivers.modbus_probe import ModbusProbe
from firmware.counters import Counters
from firmware.sampler import Sampler
from protocols import schema

from .driver_rig import SOIL_MAP, make_rig
from .test_field_drivers import driver_of, probe_of

__all__ = ("make_rig",)

PARTS = ("outside", "barometer", "water", "pot", "solution", "weather", "soil")
# (channel, part and its channel, unit, scale, minimum, maximum, rounds that make it stuck)
CHANNELS = (
    ("air_temperature", "outside.temperature", "Cel", 100, -4000, 8500, 6),
    ("pressure", "barometer.pressure", "Pa", 1, 85_000, 110_000, 0),
    ("water_temperature", "water.temperature", "Cel", 10, -50, 600, 12),
    ("pot_moisture", "pot.moisture", "%", 10, 0, 1000, 0),
    ("water_ph", "solution.ph", "pH", 100, 200, 1200, 12),
    ("wind_speed", "weather.wind_speed", "m/s", 10, 0, 600, 0),
    ("soil_temperature", "soil.temperature", "Cel", 10, -200, 800, 24),
)
NAMES = ("name", "from", "unit", "scale", "minimum", "maximum", "stuck_rounds")
PROFILE = {
    "id": "field",
    "schema": {"id": 99, "version": 1},
    "interval_s": 300,
    "channels": [dict(zip(NAMES, row, strict=True), dead_band=0) for row in CHANNELS],
}
COMM, SENSOR, RANGE = schema.COMM_FAULT, schema.SENSOR_FAULT, schema.OUT_OF_RANGE


class Clock:
    """One that is set and never jumps."""

    jumps = 0
    synced = True


class Station:
    """A sampler over drivers over models."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        solution = driver_of(rig, "solution")
        rs485 = solution._rs485  # one line for all three
        parts = {name: driver_of(rig, name) for name in ("outside", "barometer", "water", "pot")}
        weather = probe_of(rig, "weather")
        weather._rs485 = rs485
        rs485._port.uart.device.attach(rs485._port.uart.rx.extend)
        parts |= {"solution": solution, "weather": weather}
        parts["soil"] = ModbusProbe(rs485, 1, SOIL_MAP)
        self.counters = Counters()
        fixed = asyncio.Lock(), Clock(), self.counters, None, 300, 400
        self.sampler = Sampler(PROFILE, parts, *fixed)

    def round(self) -> dict[str, tuple[int | None, int]]:
        """Channel -> (counts, quality) of one round."""
        self.rig.world.run_for(300)
        self.rig.run(self.sampler.round(self.rig.world.now_us // 1_000_000))
        return {name: last[:2] for name, last in self.sampler.last.items()}


@pytest.fixture
def station(make_rig):
    rig = make_rig()
    rig.world.run_for(13 * 3600)
    return Station(rig)


def test_all_of_them_are_healthy(station):
    for name, (value, quality) in station.round().items():
        assert quality == schema.NORMAL and value, name
    assert station.counters.snapshot() == {}


FAULTS = [
    ("air_temperature", "outside", "unplugged", True, None, COMM, "i2c_nack"),
    ("air_temperature", "outside", "bad_crc", True, None, COMM, "sensor_crc"),
    ("air_temperature", "outside", "slow", 9, None, COMM, "i2c_nack"),
    ("air_temperature", "outside", "forced", {"air_temperature": 125.0}, 12500, RANGE, None),
    ("pressure", "barometer", "unplugged", True, None, COMM, "i2c_nack"),
    ("pressure", "barometer", "other_chip", 0x61, None, SENSOR, "sensor_identity"),
    ("pressure", "barometer", "stuck", True, None, COMM, "sensor_timeout"),
    ("water_temperature", "water", "unplugged", True, None, COMM, "sensor_timeout"),
    ("water_temperature", "water", "bad_crc", True, None, COMM, "sensor_crc"),
    ("water_temperature", "water", "unpowered", True, None, SENSOR, "sensor_range"),
    ("water_temperature", "water", "forced", {"water_temperature": 99.0}, 990, RANGE, None),
    ("pot_moisture", "pot", "unplugged", True, None, SENSOR, "sensor_range"),
    ("pot_moisture", "pot", "grounded", True, None, SENSOR, "sensor_range"),
    ("water_ph", "solution", "other_address", 2, None, COMM, "sensor_crc"),
    ("water_ph", "solution", "stuck", True, None, SENSOR, "sensor_range"),
    ("water_ph", "solution", "forced", {"water_ph": 14.0}, 1400, RANGE, None),
    ("wind_speed", "weather", "unplugged", True, None, COMM, "sensor_timeout"),
    ("wind_speed", "weather", "forced", {"wind_speed": 75.0}, 750, RANGE, None),
    ("soil_temperature", "soil", "cut", 3, None, COMM, "sensor_crc"),
]


@pytest.mark.parametrize("channel, part, fault, value, counts, quality, reason", FAULTS)
def test_a_broken_sensor_is_told_and_never_a_zero(
    station, channel, part, fault, value, counts, quality, reason
):
    """It may only touch its own part, and a round later all is well again."""
    faults = station.rig.fitted.parts[part].faults
    setattr(faults, fault, value)
    rows = station.round()
    found, told = rows.pop(channel)
    assert told == quality
    assert found is None if counts is None else found == pytest.approx(counts, abs=10)
    assert all(told == schema.NORMAL for _, told in rows.values())
    assert station.counters.snapshot().get(reason or "sensor_range")
    assert faults.unfired() == []
    faults.clear()
    station.rig.world.run_for(3600)
    assert station.round()[channel][1] == schema.NORMAL


@pytest.mark.parametrize(
    "channel, part, rounds",
    [
        ("air_temperature", "outside", 6),
        ("water_temperature", "water", 12),
        ("water_ph", "solution", 12),
        ("soil_temperature", "soil", 24),
    ],
)
def test_a_frozen_sensor_is_told_after_its_rounds(station, channel, part, rounds):
    model = station.rig.fitted.parts[part]
    station.round()
    model.faults.frozen = True
    qualities = [station.round()[channel][1] for _ in range(rounds + 3)]
    first = qualities.index(schema.SENSOR_FAULT)
    assert rounds - 2 <= first <= rounds - 1  # the first frozen value may be the last live one
    assert set(qualities[first:]) == {schema.SENSOR_FAULT}
    assert station.sampler.last[channel][0]  # its value is told with it
    model.faults.frozen = False
    assert any(station.round()[channel][1] == schema.NORMAL for _ in range(3))


def test_live_sensors_are_not_called_stuck_for_a_day(station):
    for _ in range(288):
        assert all(quality == schema.NORMAL for _, quality in station.round().values())
    assert station.counters.snapshot() == {}
