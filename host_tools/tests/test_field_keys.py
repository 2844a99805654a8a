"""Thermometers on one wire, voltage probes and flow meters: what a unit's file says of them."""

import copy

import pytest
from fieldbeat.host_tools import boards, field_keys, node_config
from fieldbeat.host_tools.validation import InvalidData

BASE = """
[node]
name = "a"
site = "b"
board = "greenhouse_esp32"
profile = "greenhouse"

[uplink]
host = "10.0.0.1"
port = 1
apn = ""
"""
ROM = "28ff641e0f9a3b" + f"{field_keys.crc8(bytes.fromhex('28ff641e0f9a3b')):02x}"


def problems(more: str) -> list[str]:
    with pytest.raises(InvalidData) as caught:
        node_config.parse(BASE + more, "x.toml")
    return caught.value.problems


def test_a_unit_has_its_own_rom_calibration_and_pulses():
    config = node_config.parse(
        BASE + f'[fitted.water]\nrom = "{ROM}"\n[fitted.pot]\npoints_mv = [2480, 1250]\n'
        "[fitted.flow]\npulses_per_l = 10\n",
        "x.toml",
    )
    assert config.to_device_map()["fitted"] == {
        "water": {"enabled": True, "rom": ROM},
        "pot": {"enabled": True, "points_mv": [2480, 1250]},
        "flow": {"enabled": True, "pulses_per_l": 10},
    }


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('[fitted.water]\nrom = "28ff"', "[fitted.water] rom = '28ff': must be 16 hex digits"),
        ('[fitted.water]\nrom = "10ff641e0f9a3b00"', "must begin with 28"),
        ('[fitted.water]\nrom = "28ff641e0f9a3b00"', "its check byte is wrong, look for a slip"),
        (f'[fitted.air]\nrom = "{ROM}"', f"rom = {ROM}: only ds18b20 knows it, remove it"),
        ("[fitted.pot]\npoints_mv = [1250, 2480]", "has them the other way round, [2600, 1100]"),
        ("[fitted.pot]\npoints_mv = [2000]", "must be two voltages in mV"),
        ("[fitted.pot]\npoints_mv = [2000, 2000]", "points_mv = [2000, 2000]: must be two volt"),
        ("[fitted.pot]\npoints_mv = [3, 1]", "points_mv = [3, 1]: must be two voltages in mV, 50"),
        ("[fitted.battery]\npoints_mv = [1, 2]", "only analog_probe knows it, remove it"),
        ("[fitted.flow]\npulses_per_l = 0", "[fitted.flow] pulses_per_l = 0: must be a whole nu"),
    ],
)
def test_a_mistake_is_told(more, message):
    assert any(message in problem for problem in problems(more)), problems(more)


def two_on_a_wire(first: str | None, second: str | None) -> list[str]:
    manifest = copy.deepcopy(boards.manifest("greenhouse_esp32"))
    fitted = manifest["fieldbeat"]["fitted"]
    for name, rom in (("water", first), ("pipe", second)):
        fitted[name] = {"part": "ds18b20", "bus": "wire"} | ({"rom": rom} if rom else {})
    board = boards.parse(manifest, "x", "greenhouse_esp32")
    config = node_config.parse(BASE, "x.toml")
    two = node_config.NodeConfig("x", config.tables, board, config.profile)
    return list(field_keys.config_problems(two))


def test_several_on_a_wire_need_their_roms():
    other = "28000000000001" + f"{field_keys.crc8(bytes.fromhex('28000000000001')):02x}"
    assert two_on_a_wire(ROM, other) == []
    [found] = two_on_a_wire(ROM, None)
    assert "[fitted.pipe] rom: missing, wire has several" in found
    assert "onewire.OneWire(machine.Pin(32)).scan()" in found
    assert two_on_a_wire(ROM, ROM) == [
        f"[fitted.pipe] rom = '{ROM}': 'water' has it on wire",
    ]


def test_a_flow_meter_needs_its_pulses():
    manifest = copy.deepcopy(boards.manifest("greenhouse_esp32"))
    del manifest["fieldbeat"]["fitted"]["flow"]["pulses_per_l"]
    with pytest.raises(InvalidData, match="pulses_per_l: missing, its label or data sheet"):
        boards.parse(manifest, "x", "greenhouse_esp32")


def test_the_check_byte_is_maxims():
    assert field_keys.crc8(bytes.fromhex("021cb801000000")) == 0xA2  # application note 27
