"""The models of garden, weather and water sensors against their datasheets."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from .test_models import Still, quiet, transact, words
from .virtual.errors import BenchError
from .virtual.models.analog_probe import AnalogProbe
from .virtual.models.bmx280 import BME280, BMP280, BMX280, pressure, temperature
from .virtual.models.field_station import register_map
from .virtual.models.flow_pulses import FlowPulses
from .virtual.models.i2c import Nack
from .virtual.models.modbus_slave import MappedSlave, crc16
from .virtual.models.onewire import DS18B20, OneWireLine, sealed
from .virtual.models.rs485 import Rs485Line
from .virtual.models.sht3x import SHT3x
from .virtual.scene import Scene
from .virtual.world import World

MAPS = Path(__file__).parents[1] / "drivers" / "maps"


@pytest.fixture
def world():
    world = World(seed=7)
    yield world
    world.close()


# SHT3x


@pytest.fixture
def sht3x(world):
    return quiet(SHT3x(world, Still()), air_temperature=25.0, air_humidity=37.0)


@pytest.mark.parametrize("command, us", [("2400", 15_500), ("240b", 6_500), ("2416", 4_500)])
def test_sht3x_refuses_until_the_measurement_is_over(world, sht3x, command, us):
    sht3x.write(bytes.fromhex(command))
    world.run_for((us - 1) / 1e6)
    with pytest.raises(Nack):
        sht3x.read(6)
    with pytest.raises(Nack):
        sht3x.write(bytes.fromhex("f32d"))
    world.run_for(1e-6)
    temperature_code, humidity_code = words(sht3x.read(6))
    assert -45 + 175 * temperature_code / 65535 == pytest.approx(25.0, abs=0.002)
    assert 100 * humidity_code / 65535 == pytest.approx(37.0, abs=0.001)
    with pytest.raises(Nack):
        sht3x.read(6)  # a result is read once


def test_sht3x_status_heater_and_reset(world, sht3x):
    def status() -> int:
        sht3x.write(bytes.fromhex("f32d"))
        return words(sht3x.read(3))[0]

    assert status() == 0x8010  # table 18: a reset was seen, an alert is pending
    sht3x.write(bytes.fromhex("3041"))
    assert status() == 0
    sht3x.write(bytes.fromhex("306d"))
    assert status() == 0x2000
    sht3x.write(bytes.fromhex("30a2"))
    with pytest.raises(Nack):
        sht3x.write(bytes.fromhex("f32d"))
    world.run_for(0.0015)
    assert status() == 0x8010
    for unknown in ("89", "fd", "1234"):  # the first two are an SHT4x's
        with pytest.raises(Nack):
            sht3x.write(bytes.fromhex(unknown))


# BME280 and BMP280


@pytest.fixture
def bme280(world):
    values = {"air_temperature": 25.08, "pressure": 100_653.27, "air_humidity": 45.0}
    return quiet(BMX280(world, Still()), **values)


def registers(chip, first: int, n: int) -> bytes:
    chip.write(bytes([first]))
    return chip.read(n)


def test_bmp280_formulas_give_the_example_of_the_datasheet():
    celsius, fine = temperature(519_888)  # BMP280 3.12
    assert celsius == pytest.approx(25.08, abs=0.005)
    assert fine == pytest.approx(128_422.29, abs=0.01)
    assert pressure(415_148, fine) == pytest.approx(100_653.27, abs=0.02)


def test_bme280_registers_after_the_start(world, bme280):
    assert registers(bme280, 0xD0, 1) == b"\x60"
    assert registers(bme280, 0xF7, 8).hex() == "8000008000008000"
    assert struct.unpack("<HhhH", registers(bme280, 0x88, 8)) == (27504, 26435, -1000, 36477)
    assert registers(bme280, 0xA1, 1)[0] == 75
    # Table 16: H4 = 311 = 0x137, H5 = 50 = 0x032.
    assert registers(bme280, 0xE1, 7).hex() == "6a0100" + "13" + "27" + "03" + "1e"


def test_bme280_measures_once_in_forced_mode(world, bme280):
    bme280.write(bytes.fromhex("f201"))
    bme280.write(bytes.fromhex("f425"))
    assert registers(bme280, 0xF3, 1) == b"\x08"
    assert registers(bme280, 0xF7, 3).hex() == "800000"
    world.run_for(0.0094)  # 9.1: 9.3 ms
    assert registers(bme280, 0xF3, 2) == b"\x00\x24"  # asleep again
    data = registers(bme280, 0xF7, 8)
    assert int.from_bytes(data[:3], "big") >> 4 == pytest.approx(415_148, abs=3)
    assert int.from_bytes(data[3:6], "big") >> 4 == pytest.approx(519_888, abs=25)
    assert 20_000 < int.from_bytes(data[6:], "big") < 40_000


def test_bme280_leaves_out_what_is_not_asked_for(world, bme280):
    bme280.write(bytes.fromhex("f201"))
    bme280.write(bytes.fromhex("f421"))  # temperature alone, and humidity
    world.run_for(0.01)
    assert registers(bme280, 0xF7, 3).hex() == "800000"
    bme280.write(bytes.fromhex("f200"))  # takes effect with the next write of 0xF4
    bme280.write(bytes.fromhex("f425"))
    world.run_for(0.01)
    assert registers(bme280, 0xFD, 2).hex() == "8000"


def test_bmp280_has_no_humidity_and_its_own_id(world, bme280):
    bme280.chip_id = BMP280
    bme280.write(bytes.fromhex("e0b6"))
    world.run_for(0.002)
    assert registers(bme280, 0xD0, 1) == b"\x58"
    assert registers(bme280, 0xE1, 7) == bytes(7)
    bme280.write(bytes.fromhex("f425"))
    world.run_for(0.01)
    assert registers(bme280, 0xFD, 2).hex() == "8000"
    assert bme280.chip_id != BME280


# 1-Wire


def wire_of(world, *roms) -> OneWireLine:
    line = OneWireLine()
    for n, rom in enumerate(roms):
        sensor = DS18B20(world, Still(air_temperature=20.0 + n), rom)
        sensor.source.noise = {}
        line.devices.append(sensor)
    return line


def command(line, data: str, n: int = 0) -> bytes:
    assert line.reset()
    line.write(bytes.fromhex(data))
    return line.read(n)


ROMS = tuple(sealed(bytes.fromhex(text)) for text in ("28ff641e0f9a3b", "2861640a1b2c3d"))


def test_the_check_byte_is_maxims():
    assert sealed(bytes.fromhex("021cb801000000")).hex() == "021cb801000000a2"


def test_ds18b20_at_its_start_and_after_a_conversion(world):
    line = wire_of(world, ROMS[0])
    assert command(line, "33", 8) == ROMS[0]
    # Figure 9: 85 Cel, TH and TL, 12 bits; FF, reserved, 10, check byte.
    assert command(line, "ccbe", 9)[:8].hex() == "50054b467fff0c10"
    assert command(line, "cc44", 1) == b"\x00"  # it converts
    world.run_for(0.749)
    assert command(line, "ccbe", 2).hex() == "5005"
    world.run_for(0.001)
    data = command(line, "ccbe", 9)
    assert data[:2].hex() == "4001" and sealed(data[:8]) == data  # 20 Cel = 320 / 16


def test_ds18b20_with_nine_bits_is_done_in_an_eighth_of_the_time(world):
    line = wire_of(world, ROMS[0])
    line.devices[0].source.scene = Still(air_temperature=10.3)
    command(line, "cc4e4b461f")
    command(line, "cc44")
    world.run_for(0.094)
    assert command(line, "ccbe", 5).hex() == "a0004b461f"  # 10.0


def test_each_is_called_by_its_rom_and_all_together_collide(world):
    line = wire_of(world, *ROMS)
    command(line, "cc44")
    world.run_for(0.75)
    for n, rom in enumerate(ROMS):
        assert command(line, "55" + rom.hex() + "be", 2).hex() == ("4001", "5001")[n]
    both = bytes(a & b for a, b in zip(*ROMS, strict=True))
    assert command(line, "33", 8) == both != sealed(both[:7])
    stranger = sealed(bytes.fromhex("28000000000001"))
    assert command(line, "55" + stranger.hex() + "be", 9) == b"\xff" * 9


def test_faults_of_the_wire_and_of_a_sensor(world):
    line = wire_of(world, ROMS[0])
    sensor = line.devices[0]
    line.faults.limit("open", 1)
    assert not line.reset()
    line.faults.shorted = True
    assert line.reset() and line.read(2) == b"\0\0"
    line.faults.shorted = False
    sensor.faults.limit("bad_crc", 1)
    data = command(line, "ccbe", 9)
    assert sealed(data[:8]) != data
    sensor.faults.limit("unpowered", 1)
    command(line, "cc44")
    world.run_for(0.75)
    assert command(line, "ccbe", 2).hex() == "5005"
    sensor.faults.limit("slow", 1, 2)
    command(line, "cc44")
    world.run_for(1.4)
    assert command(line, "ccbe", 2).hex() == "5005"
    world.run_for(0.1)
    assert command(line, "ccbe", 2).hex() == "4001"
    sensor.faults.unplugged = True
    assert not line.reset()
    assert sensor.faults.unfired() == line.faults.unfired() == []


# Modbus slaves out of maps


def names_of_maps() -> list[str]:
    found = (path.stem for path in sorted(MAPS.glob("*.json")))
    own = "radar_distance"  # its model is RadarLevel, at the river
    return [name for name in found if "registers" in register_map(name) and name != own]


@pytest.mark.parametrize("name", names_of_maps())
def test_every_register_map_has_a_model_with_values_of_the_scene(world, name):
    data = json.loads((MAPS / f"{name}.json").read_text())
    scene = Scene(world.start)
    slave = MappedSlave(world, scene, 7, data, name)
    world.run_for(13 * 3600)
    table = slave.registers()
    names = {entry["name"]: scene_name for entry, scene_name in slave.entries}
    for entry in data["registers"]:
        count = table[entry["register"]]
        if entry.get("words") == 2:
            count = count << 16 | table[entry["register"] + 1]
        if entry.get("signed") and count & 0x8000:
            count -= 0x10000
        wanted = scene.value(names[entry["name"]], world.now_us)
        in_units = wanted / 100 if entry["unit"] == "hPa" else wanted
        assert count / entry["scale"] == pytest.approx(in_units, abs=5 / entry["scale"])


@pytest.mark.parametrize("of", ["soil_mine", "my_soil", "probe_of_mine_soil"])
def test_any_word_of_a_name_says_what_a_map_is_of(world, of):
    slave = MappedSlave(world, Scene(world.start), 7, register_map("soil_7in1_womaster"), of)
    assert [name for _, name in slave.entries][:2] == ["soil_moisture", "soil_temperature"]


def test_a_map_without_values_in_the_scene_says_what_to_do(world):
    with pytest.raises(BenchError, match='moon_dust: the bench has no "moisture".* word in the'):
        MappedSlave(world, Scene(world.start), 7, register_map("soil_7in1_womaster"), "moon_dust")


def test_a_mapped_slave_refuses_what_its_map_does_not_name(world):
    line = Rs485Line(world, 9600)
    line.slaves.append(
        MappedSlave(world, Scene(world.start), 2, register_map("weather_500"), "weather")
    )

    def asked(body: str) -> str:
        frame = bytes.fromhex(body)
        return transact(world, line, (frame + crc16(frame).to_bytes(2, "little")).hex())[0].hex()

    assert asked("020301f4000c").startswith("020318")
    assert asked("020301f4000d").startswith("028302")
    assert asked("020401f40001").startswith("028401")
    assert asked("010301f40001") == ""


def test_a_slave_that_answers_with_another_address(world):
    line = Rs485Line(world, 9600)
    slave = MappedSlave(world, Scene(world.start), 2, register_map("water_ec_ph"), "water")
    line.slaves.append(slave)
    slave.faults.limit("other_address", 1, 9)
    frame = bytes.fromhex("020300000003")
    answer, _ = transact(world, line, (frame + crc16(frame).to_bytes(2, "little")).hex())
    assert answer[:3].hex() == "090306" and crc16(answer) == 0
    assert slave.faults.unfired() == []


# Voltage probe and flow meter


def test_a_voltage_probe_between_its_points(world):
    probe = AnalogProbe(
        world, Still(soil_moisture=50.0), register_map("soil_capacitive"), "soil_moisture"
    )
    found = [probe.read_uv() for _ in range(64)]
    assert sum(found) / 64 == pytest.approx(1_850_000, abs=3_000) and len(set(found)) > 5
    probe.faults.frozen = True
    assert probe.read_uv() == probe.read_uv()
    probe.faults.frozen = False
    for fault, low_uv, high_uv in (
        ("grounded", 142_000, 142_000),
        ("shorted", 3_130_000, 3_130_000),
        ("unplugged", 800_000, 2_200_000),
    ):
        probe.faults.limit(fault, 1)
        assert low_uv <= probe.read_uv() <= high_uv
    assert probe.faults.unfired() == []


def test_a_turbine_gives_its_pulses(world):
    meter = FlowPulses(world, 0, 450)
    edges = []
    meter.listeners.append(lambda: edges.append(meter.level(True)))
    meter.run(6.0)  # 45 pulses a second
    world.run_for(10)
    assert meter.pulses == pytest.approx(450, abs=1) and edges.count(0) == meter.pulses
    assert meter.litres == pytest.approx(1.0, abs=0.01)
    meter.run(0)
    world.run_for(10)
    assert meter.pulses == pytest.approx(450, abs=1)
    meter.faults.loose = True
    before = edges.count(0)
    meter.run(6.0)
    world.run_for(1)
    assert edges.count(0) == before and meter.faults.fired["loose"]
    meter.run(0)
    meter.faults.loose = False
    meter.faults.humming = True
    world.run_for(1)
    assert 49 <= edges.count(0) - before <= 51
