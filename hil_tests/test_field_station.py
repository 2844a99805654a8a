"""A greenhouse with sensors that its config adds: firmware, MicroPython and bench together."""

from __future__ import annotations

import re

import pytest

from .virtual.models.onewire import DS18B20
from .virtual.site import Site, config

ADDED = ("outside", "barometer", "water", "pot", "flow", "weather", "solution")
ENABLED = "".join(f"[fitted.{name}]\nenabled = true\n" for name in ADDED)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(seed=3, workdir=tmp_path_factory.mktemp("field")) as site:
        site.add_station(config(more=ENABLED))
        site.run_for(4000)
        yield site


def read(site, name: str, wait_s: float = 6) -> str:
    """What the station's console says of a part."""
    (board,) = site.boards.values()
    before = len(board.output)
    board.console_write(f"\rread {name}\r".encode())
    site.run_for(wait_s)
    return board.output[before:].decode()


def values(site, name: str) -> dict[str, float]:
    found = re.findall(r"(\w+)[ :=]+(-?\d+(?:\.\d+)?)", read(site, name))
    return {name: float(value) for name, value in found}


def test_the_station_works_with_them(site):
    (board,) = site.boards.values()
    assert b"MemoryError" not in board.output and b"safe mode" not in board.output
    assert site.views.unit("gh-01", site.now_s)


def test_each_is_read_on_the_board(site):
    scene, now_us = site.scene, site.world.now_us
    outside = values(site, "outside")
    assert outside["temperature"] == pytest.approx(scene.value("air_temperature", now_us), abs=0.2)
    assert outside["humidity"] == pytest.approx(scene.value("air_humidity", now_us), abs=1)
    barometer = values(site, "barometer")
    assert barometer["pressure"] == pytest.approx(scene.value("pressure", now_us), abs=15)
    assert values(site, "weather")["humidity"] == pytest.approx(outside["humidity"], abs=1)
    water = values(site, "water")
    assert water["temperature"] == pytest.approx(scene.value("water_temperature", now_us), abs=0.3)
    pot = values(site, "pot")
    assert pot["moisture"] == pytest.approx(scene.value("soil_moisture", now_us), abs=1)
    solution = values(site, "solution")
    assert solution["ph"] == pytest.approx(scene.value("water_ph", now_us), abs=0.1)


def test_water_is_counted(site):
    (board,) = site.boards.values()
    meter = board.fitted.parts["flow"]
    before = values(site, "flow")["volume"]
    meter.run(6.0)
    site.run_for(20)
    meter.run(0)
    found = values(site, "flow")
    assert found["volume"] - before == pytest.approx(meter.litres, abs=0.2)


def test_what_is_broken_is_told_and_gives_no_value(site):
    (board,) = site.boards.values()
    for name, fault, told in (
        ("water", "unplugged", "sensor_timeout: nobody on the 1-Wire"),
        ("water", "unpowered", "sensor_range: 85.0 Cel"),
        ("pot", "unplugged", "sensor_range: "),
        ("outside", "bad_crc", "sensor_crc"),
        ("barometer", "other_chip", "sensor_identity: chip id 07"),
        ("solution", "other_address", "sensor_crc: no valid answer of device 3"),
    ):
        faults = board.fitted.parts[name].faults
        setattr(faults, fault, 7 if fault.startswith("other") else True)
        assert told in read(site, name)
        assert faults.unfired() == []
        faults.clear()
    assert values(site, "water")


def test_the_roms_on_a_wire_are_found_with_micropythons_own_module(site):
    """As the message says that asks for a rom; last, since it ends the program."""
    (board,) = site.boards.values()
    line = board.fitted.wires["wire"]
    line.devices += [DS18B20(site.world, site.scene) for _ in range(5)]
    before = len(board.output)
    board.console_write(b"\x03")
    assert site.world.run_real(30, lambda: b">>> " in board.output[before:])
    board.console_write(
        b"import machine, onewire; "
        b"print([bytes(r).hex() for r in onewire.OneWire(machine.Pin(32)).scan()], 'end')\r"
    )
    assert site.world.run_real(30, lambda: b"] end" in board.output[before:])
    found = set(re.findall(r"'(28[0-9a-f]{14})'", board.output[before:].decode()))
    assert found == {device.rom.hex() for device in line.devices} and len(found) == 6
