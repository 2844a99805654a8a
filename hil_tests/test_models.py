"""The sensor models against the transcripts of their datasheets, and the recorded scene."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fieldbeat.host_tools import recorded_year

from .virtual.models import ManifestError, build
from .virtual.models.battery import BatteryDivider
from .virtual.models.bh1750 import BH1750
from .virtual.models.i2c import Nack, sensirion_crc
from .virtual.models.modbus_slave import crc16
from .virtual.models.modbus_soil import SoilProbe
from .virtual.models.rs485 import Rs485Line
from .virtual.models.scd4x import SCD4x
from .virtual.models.sht4x import SHT4x
from .virtual.network import Network
from .virtual.scene import Scene, read_columns
from .virtual.world import World

BOARDS = Path(__file__).parent.parent / "boards"
RECORDED = read_columns(recorded_year.path())


class Still:
    """A scene in which nothing changes."""

    def __init__(self, **values: float) -> None:
        self.values = values

    def value(self, name: str, now_us: int) -> float:
        return self.values[name]


@pytest.fixture
def world():
    world = World(seed=7)
    yield world
    world.close()


def quiet(device, **values):
    """Give a model a still scene and take its noise away."""
    device.source.scene = Still(**values)
    device.source.noise = {}
    return device


def words(data: bytes) -> list[int]:
    """Check each Sensirion word and return the values."""
    assert len(data) % 3 == 0
    for i in range(0, len(data), 3):
        assert sensirion_crc(data[i : i + 2]) == data[i + 2]
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 3)]


@pytest.mark.parametrize(
    "word, check",
    [("beef", 0x92), ("01f4", 0x33), ("6667", 0xA2), ("5eb9", 0x3C), ("f896", 0x31)],
)
def test_check_byte_is_that_of_the_datasheets(word, check):
    assert sensirion_crc(bytes.fromhex(word)) == check


# SHT4x


@pytest.fixture
def sht4x(world):
    return quiet(SHT4x(world, Still()), air_temperature=25.0, air_humidity=37.0)


@pytest.mark.parametrize("command, us", [(0xFD, 8_300), (0xF6, 4_500), (0xE0, 1_600)])
def test_sht4x_refuses_until_the_measurement_is_over(world, sht4x, command, us):
    sht4x.write(bytes([command]))
    world.run_for((us - 1) / 1e6)
    with pytest.raises(Nack):
        sht4x.read(6)
    world.run_for(1e-6)
    temperature, humidity = words(sht4x.read(6))
    assert -45 + 175 * temperature / 65535 == pytest.approx(25.0, abs=0.002)
    assert -6 + 125 * humidity / 65535 == pytest.approx(37.0, abs=0.001)
    with pytest.raises(Nack):
        sht4x.read(6)  # a result is read once


def test_sht4x_serial_reset_and_unknown_commands(world, sht4x):
    sht4x.write(b"\x89")
    high, low = words(sht4x.read(6))
    assert high << 16 | low == sht4x.serial
    sht4x.write(b"\xfd")
    with pytest.raises(Nack):
        sht4x.write(b"\xfd")  # busy
    sht4x.write(b"\x94")  # but a soft reset always gets through
    world.run_for(0.001)
    with pytest.raises(Nack):
        sht4x.read(6)
    with pytest.raises(Nack):
        sht4x.write(b"\x00")


def test_sht4x_heater_takes_its_second(world, sht4x):
    sht4x.write(b"\x39")
    world.run_for(1.09)
    with pytest.raises(Nack):
        sht4x.read(6)
    world.run_for(0.02)
    assert len(words(sht4x.read(6))) == 2


def measure(world, sht4x) -> list[int]:
    sht4x.write(b"\xfd")
    world.run_for(0.01)
    return words(sht4x.read(6))


def test_i2c_faults_take_effect_and_are_counted(world, sht4x):
    faults = sht4x.faults
    faults.limit("bad_crc", 1)
    with pytest.raises(AssertionError):
        measure(world, sht4x)
    good = measure(world, sht4x)

    faults.frozen = True
    sht4x.source.scene = Still(air_temperature=30.0, air_humidity=50.0)
    assert measure(world, sht4x) == good
    faults.frozen = False
    faults.forced = {"air_temperature": 130.0}
    assert measure(world, sht4x)[0] == 65535
    faults.forced = None

    faults.slow = 3
    sht4x.write(b"\xfd")
    world.run_for(0.02)
    with pytest.raises(Nack):
        sht4x.read(6)
    world.run_for(0.006)
    sht4x.read(6)
    faults.slow = 0

    faults.unplugged = True
    with pytest.raises(Nack):
        sht4x.write(b"")
    assert set(faults.fired) == {"bad_crc", "frozen", "forced", "slow", "unplugged"}
    assert faults.fired["bad_crc"] == 1
    faults.stuck = True
    assert faults.unfired() == ["stuck"]


def test_a_fault_that_does_not_exist_is_an_error(sht4x):
    with pytest.raises(AttributeError, match="no fault 'unpluged'; this model has: unplugged"):
        sht4x.faults.unpluged = True


def test_noise_is_that_of_the_datasheet_and_of_the_seed():
    def series(seed):
        world = World(seed)
        device = SHT4x(world, Still(air_temperature=20.0, air_humidity=60.0))
        values = [measure(world, device)[0] for _ in range(200)]
        world.close()
        return [-45 + 175 * value / 65535 for value in values]

    first = series(1)
    assert first == series(1) != series(2)
    assert 0.01 < max(first) - min(first) < 0.12


# SCD4x


@pytest.fixture
def scd4x(world):
    device = quiet(SCD4x(world, Still()), co2=500.0, air_temperature=25.003, air_humidity=37.002)
    world.run_for(0.03)
    return device


def ask(world, device, command: str, n: int) -> bytes:
    device.write(bytes.fromhex(command))
    world.run_for(0.001)
    return device.read(n)


def test_scd4x_measures_every_five_seconds_as_in_the_datasheet(world, scd4x):
    scd4x.write(bytes.fromhex("21b1"))
    world.run_for(4.9)
    assert words(ask(world, scd4x, "e4b8", 3))[0] & 0x7FF == 0
    scd4x.write(bytes.fromhex("ec05"))
    world.run_for(0.001)
    with pytest.raises(Nack):
        scd4x.read(9)  # no sample yet
    world.run_for(0.1)
    assert words(ask(world, scd4x, "e4b8", 3))[0] & 0x7FF
    # Datasheet table 12: 500 ppm, 25 Cel, 37 %RH.
    assert ask(world, scd4x, "ec05", 9).hex() == "01f4336667a25eb93c"
    assert words(ask(world, scd4x, "e4b8", 3))[0] & 0x7FF == 0  # read, so it is gone
    world.run_for(5.0)
    assert words(ask(world, scd4x, "e4b8", 3))[0] & 0x7FF


@pytest.mark.parametrize("command", ["3682", "21b1", "219d", "3646", "2313", "36e0"])
def test_scd4x_refuses_these_while_it_measures(world, scd4x, command):
    scd4x.write(bytes.fromhex("21b1"))
    world.run_for(1)
    with pytest.raises(Nack):
        scd4x.write(bytes.fromhex(command))


def test_scd4x_stops_in_half_a_second(world, scd4x):
    scd4x.write(bytes.fromhex("21b1"))
    world.run_for(6)
    scd4x.write(bytes.fromhex("3f86"))
    world.run_for(0.499)
    with pytest.raises(Nack):
        scd4x.write(bytes.fromhex("3682"))
    world.run_for(0.001)
    high, middle, low = words(ask(world, scd4x, "3682", 9))
    assert high << 32 | middle << 16 | low == scd4x.serial


def test_scd4x_settings_single_shot_and_power_down(world, scd4x):
    scd4x.write(bytes.fromhex("2427") + b"\x07\x9e" + bytes([sensirion_crc(b"\x07\x9e")]))
    world.run_for(0.001)
    assert words(ask(world, scd4x, "2322", 3)) == [0x079E]
    with pytest.raises(Nack):
        scd4x.write(bytes.fromhex("2427079e00"))  # check byte
    scd4x.write(bytes.fromhex("219d"))
    with pytest.raises(Nack):
        scd4x.read(9)
    world.run_for(5)
    assert words(ask(world, scd4x, "ec05", 9))[0] == 500
    scd4x.write(bytes.fromhex("36e0"))
    world.run_for(0.001)
    with pytest.raises(Nack):
        scd4x.write(bytes.fromhex("3682"))
    scd4x.write(bytes.fromhex("36f6"))
    world.run_for(0.03)
    assert len(ask(world, scd4x, "3682", 9)) == 9


def test_scd4x_that_is_stuck_never_has_a_sample(world, scd4x):
    scd4x.faults.stuck = True
    scd4x.write(bytes.fromhex("21b1"))
    world.run_for(60)
    assert words(ask(world, scd4x, "e4b8", 3))[0] & 0x7FF == 0
    assert scd4x.faults.fired["stuck"] == 1


# BH1750


@pytest.fixture
def bh1750(world):
    return quiet(BH1750(world, Still()), illuminance=1000.0)


def test_bh1750_one_shot_gives_the_old_value_until_it_is_done(world, bh1750):
    bh1750.write(b"\x01")
    bh1750.write(b"\x20")
    world.run_for(0.179)
    assert bh1750.read(2) == b"\x00\x00"
    world.run_for(0.001)
    assert int.from_bytes(bh1750.read(2), "big") == 1200  # lux * 1.2
    assert not bh1750.powered
    bh1750.write(b"\x07")  # not accepted in power down
    assert int.from_bytes(bh1750.read(2), "big") == 1200
    bh1750.write(b"\x01")
    bh1750.write(b"\x07")
    assert bh1750.read(2) == b"\x00\x00"


@pytest.mark.parametrize(
    "opcodes, wait_s, count",
    [("20", 0.18, 1200), ("21", 0.18, 2400), ("23", 0.024, 1200), ("477e20", 0.663, 4417)],
)
def test_bh1750_modes_and_measurement_time(world, bh1750, opcodes, wait_s, count):
    # 47 7e: measurement time 7 << 5 | 30 = 254, the longest; 180 ms * 254 / 69
    for opcode in bytes.fromhex(opcodes):
        bh1750.write(bytes([opcode]))
    world.run_for(wait_s)
    assert int.from_bytes(bh1750.read(2), "big") == count


def test_bh1750_saturates_and_measures_continuously(world, bh1750):
    bh1750.write(b"\x10")
    world.run_for(0.2)
    bh1750.source.scene = Still(illuminance=100_000.0)
    assert bh1750.read(2) == b"\xff\xff"
    assert bh1750.powered


# Soil probe


@pytest.fixture
def line(world):
    line = Rs485Line(world, 9600)
    probe = SoilProbe(world, Still(), 1, 9600)
    quiet(probe, soil_moisture=23.4, soil_temperature=-1.5, soil_ec=321.0, soil_ph=6.8)
    line.slaves.append(probe)
    return line


def transact(world, line, request: str, wait_s: float = 0.3) -> tuple[bytes, float]:
    """Return what came back and when, in ms after the request began."""
    heard: list[bytes] = []
    begin_us, at_ms = world.now_us, [0.0]

    def take(data: bytes) -> None:
        heard.append(data)
        at_ms[0] = (world.now_us - begin_us) / 1000

    line.attach(take)
    line.receive(bytes.fromhex(request))
    world.run_for(wait_s)
    return b"".join(heard), at_ms[0]


@pytest.mark.parametrize(
    "frame", ["010300000002c40b", "01030000000ac5cd", "0103000000044409", "0103000000070408"]
)
def test_modbus_vectors_of_the_reference(frame):
    assert crc16(bytes.fromhex(frame)) == 0
    assert crc16(b"123456789") == 0x4B37


def test_soil_probe_answers_with_a_signed_temperature_at_the_pace_of_the_line(world, line):
    answer, at_ms = transact(world, line, "0103000000044409")
    assert crc16(answer) == 0
    assert answer[:3].hex() == "010308"
    registers = [int.from_bytes(answer[3 + 2 * i : 5 + 2 * i], "big") for i in range(4)]
    assert registers == [234, 0x10000 - 15, 321, 68]
    # 8 bytes out, 3.5 characters of silence, 25 ms turnaround, 13 bytes back at 960 B/s
    assert at_ms == pytest.approx(8 / 0.96 + 3.5 / 0.96 + 25 + 13 / 0.96, abs=0.1)


@pytest.mark.parametrize(
    "request_body, answer_body",
    [
        ("010400000001", "018401"),  # a function that it does not have
        ("0103000000ff", "018303"),  # more than 125 registers
        ("010300080002", "018302"),  # register 9 does not exist
    ],
)
def test_soil_probe_exceptions(world, line, request_body, answer_body):
    body = bytes.fromhex(request_body)
    frame = body + crc16(body).to_bytes(2, "little")
    answer, _ = transact(world, line, frame.hex())
    assert answer[:-2].hex() == answer_body
    assert crc16(answer) == 0


@pytest.mark.parametrize("frame", ["020300000004443a", "0103000000044408", "01", ""])
def test_soil_probe_is_silent_to_others_and_to_noise(world, line, frame):
    assert transact(world, line, frame)[0] == b""


def test_soil_probe_reads_one_frame_from_pieces(world, line):
    line.receive(bytes.fromhex("01030000"))
    world.run_for(0.004)  # still on the line
    assert crc16(transact(world, line, "00044409")[0]) == 0


def test_rs485_direction_pin_must_be_up_to_send_and_down_to_hear(world, line):
    line.enable.changed(0)
    assert transact(world, line, "0103000000044409")[0] == b""
    assert line.unheard == 8
    line.enable.changed(1)
    assert transact(world, line, "0103000000044409")[0] == b""
    assert line.collisions == 1
    world.call_after(10_000, lambda: line.enable.changed(0))
    assert transact(world, line, "0103000000044409")[0]


def test_soil_probe_faults(world, line):
    probe = line.slaves[0]
    request = "0103000000044409"
    probe.faults.limit("bad_crc", 1)
    assert crc16(transact(world, line, request)[0]) != 0
    probe.faults.limit("junk", 1, b"\x00\xff")
    answer, _ = transact(world, line, request)
    assert answer[:2] == b"\x00\xff" and crc16(answer[2:]) == 0
    probe.faults.limit("cut", 1, 3)
    assert len(transact(world, line, request)[0]) == 10
    probe.faults.limit("stuck", 1)
    assert transact(world, line, request)[0][:3].hex() == "018306"
    probe.faults.limit("slow", 1, 8)
    assert transact(world, line, request)[1] > 200
    probe.faults.limit("unplugged", 1)
    assert transact(world, line, request)[0] == b""
    assert probe.faults.unfired() == []
    assert crc16(transact(world, line, request)[0]) == 0


# Battery


def test_battery_behind_its_divider(world):
    divider = quiet(BatteryDivider(world, Still(), 2, 1), battery=3.9)
    assert divider.read_uv() == 1_950_000
    divider.faults.limit("stuck", 1)
    assert divider.read_uv() == 3_130_000
    divider.faults.limit("unplugged", 1)
    assert divider.read_uv() == 142_000


# Recorded year


def test_recorded_year_is_whole_and_plausible():
    limits = {
        "air_temperature": (-5, 42),
        "air_humidity": (5, 100),
        "co2": (300, 1100),
        "illuminance": (0, 54_612),  # what a BH1750 can tell
        "soil_moisture": (3, 55),
        "soil_temperature": (0, 43),
        "soil_ec": (100, 1500),
        "soil_ph": (6, 8),
        "battery": (3.0, 4.2),
        "radiation": (-20, 1200),
        "wind_speed": (0, 25),
        "rain": (0, 300),  # millimetres since the year's begin
    }
    assert set(RECORDED) == set(limits)
    for name, (low, high) in limits.items():
        column = RECORDED[name]
        assert len(column) == 8760
        assert low <= min(column) < max(column) <= high, name
        if name != "rain":  # which most days do not have
            assert sum(a == b for a, b in zip(column, column[24:], strict=False)) < 6500, name


def test_recorded_year_has_days_and_seasons():
    temperature, light = RECORDED["air_temperature"], RECORDED["illuminance"]
    assert sum(temperature[4344:5088]) > sum(temperature[:744]) + 744 * 10  # July, January
    for name, noon_over_night in (("illuminance", True), ("co2", False)):
        column = RECORDED[name]
        noon = sum(column[h] for h in range(12, 8760, 24))
        night = sum(column[h] for h in range(2, 8760, 24))
        assert (noon > night) is noon_over_night, name
    assert all(light[h] == 0 for h in range(0, 8760, 24))  # midnight, local time


def test_scene_starts_at_the_worlds_date_and_draws_straight_lines():
    scene = Scene(datetime(2025, 3, 1, tzinfo=UTC), utc_offset_h=0)
    hour = (31 + 28) * 24
    column = RECORDED["air_temperature"]
    assert scene.value("air_temperature", 0) == column[hour]
    assert scene.value("air_temperature", 1_800_000_000) == pytest.approx(
        (column[hour] + column[hour + 1]) / 2
    )
    assert (
        Scene(datetime(2025, 3, 1, tzinfo=UTC), utc_offset_h=8).value("air_temperature", 0)
        == (column[hour + 8])
    )
    year_us = 8760 * 3_600_000_000
    assert scene.value("co2", year_us + 5) == scene.value("co2", 5)
    with pytest.raises(KeyError, match="soil_ph"):
        scene.value("soil_smell", 0)


# From a manifest


def test_build_fits_what_the_manifest_names(world):
    manifest = json.loads((BOARDS / "greenhouse_esp32.json").read_text())
    fitted = build(world, manifest, Scene(world.start), Network(world))
    optional = {"outside", "barometer", "water", "pot", "flow", "weather", "solution"}
    assert set(fitted.i2c) == {("i2c0", address) for address in (68, 98, 35, 69, 118)}
    assert set(fitted.uart) == {"rs485", "modem"}
    assert set(fitted.adc) == {34, 35}
    assert set(fitted.pins) == {27, 4, 5}
    assert set(fitted.wires) == {"wire"}
    assert set(fitted.parts) == {"air", "co2", "light", "soil", "battery"} | optional
    assert fitted.modem is fitted.uart["modem"]


def test_build_names_the_part_that_has_no_model(world):
    manifest = {"fitted": {"wind": {"part": "anemometer"}}}
    with pytest.raises(ManifestError, match='fitted.wind.part "anemometer" has no model'):
        build(world, manifest, Scene(world.start), Network(world))
