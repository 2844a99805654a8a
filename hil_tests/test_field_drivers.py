"""Drivers of garden, weather and water sensors against their models, with faults that fired."""

from __future__ import annotations

import json
from typing import Any

import pytest

import drivers.flow_meter
from drivers.analog_probe import AnalogProbe
from drivers.bmx280 import BMX280
from drivers.ds18b20 import DS18B20
from drivers.errors import SensorError
from drivers.flow_meter import FlowMeter, Pulses
from drivers.modbus_probe import ModbusProbe
from drivers.rs485 import RS485
from drivers.sht3x import SHT3x
from drivers.sht4x import SHT4x

from .driver_rig import MANIFEST, ROOT, SOIL_MAP, Pin, Rig, Ticks, Uart, make_rig
from .virtual.models.bmx280 import BMP280
from .virtual.models.field_station import register_map
from .virtual.models.modbus_slave import MappedSlave
from .virtual.models.onewire import DS18B20 as Thermometer
from .virtual.models.onewire import sealed

__all__ = ("make_rig",)

FITTED = MANIFEST["fitted"]


@pytest.fixture
def rig(make_rig):
    return make_rig()


def reading(rig: Rig, driver: Any) -> list[float]:
    """Probe and read a driver once and undo the scales of its channels."""
    rig.run(driver.probe())
    counts = rig.run(driver.read())
    assert all(isinstance(count, int) for count in counts if count is not None)
    pairs = zip(counts, driver.CHANNELS, strict=True)
    return [count if count is None else count / scale for count, (_, _, scale) in pairs]


def fails(rig: Rig, driver: Any) -> str:
    """The reason with which a round of the sampler would fail."""
    with pytest.raises(SensorError) as caught:
        rig.run(driver.probe())
        rig.run(driver.read())
    return caught.value.reason


class Wire:
    """onewire.OneWire over a line of the bench."""

    def __init__(self, rig: Rig) -> None:
        self.line = rig.fitted.wires["wire"]
        self.reset = self.line.reset
        self.write = self.line.write

    def readinto(self, buffer: Any) -> None:
        buffer[:] = self.line.read(len(buffer))


class Adc:
    """machine.ADC over a model."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.read_uv = rig.fitted.parts[name].read_uv


def probe_of(rig: Rig, name: str, map_name: str | None = None) -> ModbusProbe:
    """A Modbus probe of the board, perhaps with another map."""
    entry = FITTED[name]
    uart = Uart(rig.world, rig.fitted.uart["rs485"])
    rs485 = RS485(uart, Pin(rig.fitted.pins[27]))
    return ModbusProbe(rs485, entry["address"], register_map(map_name or entry["map"]))


def driver_of(rig: Rig, name: str) -> Any:
    """The driver of an optional part of the board."""
    if name == "outside":
        return SHT3x(rig.bus, 69)
    if name == "barometer":
        return BMX280(rig.bus, 118)
    if name == "water":
        return DS18B20(Wire(rig))
    if name == "pot":
        return AnalogProbe(Adc(rig, "pot"), register_map("soil_capacitive"))
    return probe_of(rig, name)


VALUES = {  # I2C: test_driver_against_model.py
    "water": {"water_temperature": 0.2},
    "pot": {"soil_moisture": 0.4},
    "solution": {"water_ec": 4, "water_temperature": 0.4, "water_ph": 0.05},
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("hour", [0, 5, 13, 20])
def test_each_reads_the_scene(rig, name, hour):
    rig.world.run_for(hour * 3600)
    values = reading(rig, driver_of(rig, name))
    for value, (channel, tolerance) in zip(values, VALUES[name].items(), strict=True):
        assert value == pytest.approx(rig.scene.value(channel, rig.world.now_us), abs=tolerance)


def test_a_weather_box_reads_the_scene(rig):
    rig.world.run_for(13 * 3600)
    driver = driver_of(rig, "weather")
    names = [name for name, _, _ in driver.CHANNELS]
    found = dict(zip(names, reading(rig, driver), strict=True))
    value = lambda name: rig.scene.value(name, rig.world.now_us)  # noqa: E731
    assert found["temperature"] == pytest.approx(value("air_temperature"), abs=0.3)
    assert found["wind_speed"] == pytest.approx(value("wind_speed"), abs=0.5)
    assert found["pressure"] == pytest.approx(value("pressure") / 100, abs=4)
    assert (
        found["illuminance"] == pytest.approx(value("illuminance"), abs=200) and found["pm10"] > 0
    )
    assert found["wind_octant"] in range(9) and 0 <= found["wind_direction"] <= 361


FAULTS = [
    ("outside", "unplugged", True, "i2c_nack"),
    ("outside", "bad_crc", True, "sensor_crc"),
    ("outside", "slow", 5, "i2c_nack"),
    ("barometer", "unplugged", True, "i2c_nack"),
    ("barometer", "slow", 5, "sensor_timeout"),
    ("barometer", "stuck", True, "sensor_timeout"),
    ("barometer", "other_chip", 0x61, "sensor_identity"),
    ("barometer", "other_chip", 0x55, "sensor_identity"),
    ("water", "unplugged", True, "sensor_timeout"),
    ("water", "bad_crc", True, "sensor_crc"),
    ("water", "slow", 3, "sensor_range"),  # 85 Cel: it has not converted
    ("water", "unpowered", True, "sensor_range"),
    ("water", "forced", {"water_temperature": 126.0}, "sensor_range"),
    ("pot", "unplugged", True, "sensor_range"),
    ("pot", "grounded", True, "sensor_range"),
    ("pot", "shorted", True, "sensor_range"),
    ("weather", "unplugged", True, "sensor_timeout"),
    ("weather", "bad_crc", True, "sensor_crc"),
    ("weather", "cut", 4, "sensor_crc"),
    ("weather", "stuck", True, "sensor_range"),
    ("weather", "slow", 50, "sensor_timeout"),
    ("weather", "other_address", 1, "sensor_crc"),
    ("solution", "other_address", 2, "sensor_crc"),
]


@pytest.mark.parametrize("name, fault, value, reason", FAULTS)
def test_a_fault_becomes_its_counted_reason(rig, name, fault, value, reason):
    model = rig.fitted.parts[name]
    setattr(model.faults, fault, value)
    assert fails(rig, driver_of(rig, name)) == reason
    assert model.faults.unfired() == []
    model.faults.clear()
    rig.world.run_for(5)
    assert reading(rig, driver_of(rig, name))


@pytest.mark.parametrize("name", [*VALUES, "outside", "barometer", "weather"])
def test_a_frozen_one_gives_the_same_for_hours_and_a_live_one_does_not(rig, name):
    driver, model = driver_of(rig, name), rig.fitted.parts[name]

    def rounds() -> set[Any]:
        found = set()
        for _ in range(12):
            rig.world.run_for(1200)
            found.add(tuple(rig.run(driver.read())))
        return found

    rig.run(driver.probe())
    assert len(rounds()) > 3
    model.faults.frozen = True
    assert len(rounds()) == 1
    assert model.faults.unfired() == []


def test_how_long_a_live_one_says_the_same(rig):
    """What `stuck_rounds` must be above: of a day with a round in five minutes, for each value."""
    names = [*VALUES, "outside", "barometer"]
    parts = {name: driver_of(rig, name) for name in names}
    parts["soil"] = ModbusProbe(parts["solution"]._rs485, 1, SOIL_MAP)
    longest: dict[str, int] = {}
    same: dict[str, tuple[int, int]] = {}
    for driver in parts.values():
        rig.run(driver.probe())
    for _ in range(288):
        rig.world.run_for(300)
        for name, driver in parts.items():
            for value, (channel, _, _) in zip(
                rig.run(driver.read()), driver.CHANNELS, strict=True
            ):
                key = f"{name}.{channel}"
                before, count = same.get(key, (None, 0))
                same[key] = value, count + 1 if value == before else 1
                longest[key] = max(longest.get(key, 0), same[key][1])
    coarse = {key for key, count in longest.items() if count > 12}
    assert coarse <= {"soil.nitrogen", "soil.phosphorus", "soil.potassium", "soil.ph"}, longest
    assert max(longest.values()) < 72, longest


def test_a_bmp280_has_no_humidity(rig):
    model = rig.fitted.parts["barometer"]
    model.chip_id = BMP280
    model.power_on()
    values = reading(rig, driver_of(rig, "barometer"))
    assert values[1] == pytest.approx(rig.scene.value("pressure", rig.world.now_us), abs=8)
    assert values[2] is None


def test_one_that_lost_its_supply_is_told_and_measures_on(rig):
    driver, model = driver_of(rig, "barometer"), rig.fitted.parts["barometer"]
    first = reading(rig, driver)
    model.power_on()
    assert rig.run(driver.read())[0] == pytest.approx(first[0] * 100, abs=5)


def test_another_chip_at_the_address_is_refused(rig):
    # SHT3x and SHT4x have the same addresses, and each refuses the other's commands.
    assert fails(rig, SHT3x(rig.bus, FITTED["air"]["address"])) == "i2c_nack"
    assert fails(rig, SHT4x(rig.bus, FITTED["outside"]["address"])) == "i2c_nack"
    assert fails(rig, SHT3x(rig.bus, FITTED["light"]["address"])) == "sensor_crc"
    assert fails(rig, BMX280(rig.bus, FITTED["light"]["address"])) == "sensor_identity"
    assert fails(rig, BMX280(rig.bus, FITTED["outside"]["address"])) == "i2c_nack"


# 1-Wire


def hang(rig: Rig, rom: bytes | None) -> Any:
    second = Thermometer(rig.world, rig.scene, rom, "soil_temperature")
    rig.fitted.wires["wire"].devices.append(second)
    return second


def test_two_thermometers_on_one_wire_by_their_roms(rig):
    first, second = rig.fitted.parts["water"], hang(rig, None)
    for sensor in (first, second):
        (value,) = reading(rig, DS18B20(Wire(rig), sensor.rom))
        wanted = rig.scene.value(sensor.channel, rig.world.now_us)
        assert value == pytest.approx(wanted, abs=0.2)
    assert fails(rig, DS18B20(Wire(rig))) == "sensor_crc"  # which of them?
    stranger = sealed(bytes.fromhex("28000000000001"))
    assert fails(rig, DS18B20(Wire(rig), stranger)) == "sensor_timeout"
    second.faults.unplugged = True
    assert fails(rig, DS18B20(Wire(rig), second.rom)) == "sensor_timeout"
    assert len(reading(rig, DS18B20(Wire(rig), first.rom))) == 1


def test_another_family_on_the_wire_is_refused(rig):
    rig.fitted.parts["water"].rom = sealed(bytes.fromhex("10ff641e0f9a3b"))
    assert fails(rig, DS18B20(Wire(rig))) == "sensor_identity"


@pytest.mark.parametrize(
    "fault, reason", [("shorted", "sensor_identity"), ("open", "sensor_timeout")]
)
def test_a_broken_wire_gives_no_zero(rig, fault, reason):
    line = rig.fitted.wires["wire"]
    setattr(line.faults, fault, True)
    for rom in (None, rig.fitted.parts["water"].rom):
        assert fails(rig, DS18B20(Wire(rig), rom)) == reason
    assert line.faults.unfired() == []


# Modbus


@pytest.mark.parametrize(
    "fitted, wrong", [("weather_500", "weather_501"), ("weather_501", "weather_500")]
)
def test_a_map_of_another_vendor_is_refused(rig, fitted, wrong):
    line = rig.fitted.uart["rs485"]
    line.slaves = [MappedSlave(rig.world, rig.scene, 2, register_map(fitted), "weather")]
    assert len(reading(rig, probe_of(rig, "weather", fitted))) == 11
    assert fails(rig, probe_of(rig, "weather", wrong)) == "sensor_identity"


def test_a_probe_whose_registers_have_gaps(rig):
    line = rig.fitted.uart["rs485"]
    spread = register_map("soil_7in1_spread")
    line.slaves = [MappedSlave(rig.world, rig.scene, 2, spread, "soil")]
    found = reading(rig, probe_of(rig, "weather", "soil_7in1_spread"))
    names = ("soil_moisture", "soil_temperature", "soil_ec", "soil_ph")
    for value, name, tolerance in zip(found, names, (0.3, 0.3, 3, 0.03), strict=False):
        assert value == pytest.approx(rig.scene.value(name, rig.world.now_us), abs=tolerance)
    assert fails(rig, probe_of(rig, "weather", "soil_7in1_womaster")) == "sensor_identity"


def test_a_probe_at_a_swapped_address_is_refused(rig):
    """Soil probe and weather box have changed places: neither map fits the other."""
    soil, weather = rig.fitted.parts["soil"], rig.fitted.parts["weather"]
    soil.address, weather.address = weather.address, soil.address
    assert fails(rig, driver_of(rig, "weather")) == "sensor_identity"
    assert fails(rig, rig.soil()) == "sensor_identity"


# Pulses


class InputPin:
    """machine.Pin with interrupts over a contact."""

    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, contact: Any) -> None:
        self.contact = contact
        self.before = contact.level(True)
        contact.listeners.append(self.look)

    def irq(self, handler: Any, trigger: int) -> None:
        self.handler, self.trigger = handler, trigger

    def look(self) -> None:
        level, before = self.contact.level(True), self.before
        self.before = level
        if level != before and self.trigger == (self.IRQ_RISING if level else self.IRQ_FALLING):
            self.handler(self)


class Store(dict):
    def put(self, name: str, value: int) -> None:
        self[name] = value


@pytest.fixture
def meter(rig, monkeypatch):
    monkeypatch.setattr(drivers.flow_meter, "time", Ticks(rig.world))
    model = rig.fitted.parts["flow"]
    return FlowMeter(Pulses(InputPin(model)), Store(), 450, FITTED["flow"]["most_l_min"])


def test_a_flow_meter_counts_what_has_flowed(rig, meter):
    model = rig.fitted.parts["flow"]
    model.run(6.0)
    rig.world.run_for(300)
    assert reading(rig, meter) == [30.0, pytest.approx(6.0, abs=0.02)]
    model.run(0)
    rig.world.run_for(300)
    assert reading(rig, meter) == [30.0, 0.0]
    assert model.litres == pytest.approx(30.0, abs=0.01)


def test_a_flow_meter_whose_cable_hums_is_told(rig, meter):
    model = rig.fitted.parts["flow"]
    few = FlowMeter(Pulses(InputPin(model)), Store(), 10, 60)  # 10 pulses a litre
    model.faults.humming = True
    rig.world.run_for(60)
    assert fails(rig, few) == "sensor_range"
    assert model.faults.unfired() == []


def test_the_maps_say_where_they_are_from():
    for path in sorted((ROOT / "drivers" / "maps").glob("*.json")):
        data = json.loads(path.read_text())
        assert len(data["part"]) > 10 and len(data["source"]) > 20, path.name
