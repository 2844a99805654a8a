# The parts that a config adds to a board: gardens, weather and water.
# SPDX-License-Identifier: Apache-2.0
import json
import sys

from drivers.tests.support import on_stream
from firmware.board import Board
from firmware.tests.support import MICROPYTHON, World, run


def greenhouse():
    with open("boards/greenhouse_esp32.json") as file:
        return Board(json.load(file)["fieldbeat"])


OPTIONAL = {
    "outside": "SHT3x",
    "barometer": "BMX280",
    "water": "DS18B20",
    "pot": "AnalogProbe",
    "flow": "FlowMeter",
    "weather": "ModbusProbe",
    "solution": "ModbusProbe",
}


class OneWire:
    def __init__(self, pin):
        self.pin = pin


class OneWireModule:
    OneWire = OneWire


def test_every_part_that_a_config_may_add_to_the_greenhouse_can_be_made():
    world = World()
    sys.modules["onewire"] = OneWireModule
    board = greenhouse()
    config = {name: {"enabled": True} for name in OPTIONAL}
    config["water"]["rom"] = "28ff641e0f9a3b8e"
    config["pot"]["points_mv"] = [2500, 1200]
    config["flow"]["pulses_per_l"] = 10
    for name, kind in OPTIONAL.items():
        part = on_stream(board.part, name, config[name])
        driver = part._made() if hasattr(part, "_made") else part
        assert type(driver).__name__ == kind
        assert part.CHANNELS and part.probe and part.read
        assert board.part(name, {}) is None  # without the config it is not there
    assert board.bus("wire").pin.args[0] == 32
    assert on_stream(board.part, "water", config["water"])._rom == bytes.fromhex(
        "28ff641e0f9a3b8e"
    )
    world.adc_uv = 1850000
    assert run(board.part("pot", config["pot"]).read()) == (500,)


METER = {"part": "flow_meter", "pin": 35, "pulses_per_l": 10}


def litres(world, **fitted):
    board = Board({"buses": {}, "fitted": fitted})
    return [run(board.part(name, {}).read())[0] for name in sorted(fitted)]


def test_each_meter_and_gauge_keeps_its_own():
    world = World()
    world.nvs["kept"] = {"flow": 420, "rain": 7}  # of a unit with one of each, before it had pins
    two = {"a": METER, "b": dict(METER, pin=34)}
    gauge = {"part": "rain_gauge", "pin": 33}
    assert litres(world, a=METER, rain=gauge) == [420, 14]
    assert litres(world, **two) == [0, 0]  # whose it was nobody knows
    board = Board({"buses": {}, "fitted": two})
    for name, value in (("a", 11), ("b", 22)):
        board.part(name, {}).store.put("flow", value)
    assert litres(world, **two) == [11, 22]
    assert litres(world, a=METER) == [11]
    assert world.nvs["kept"]["flow"] == 420


def test_the_list_of_parts_of_other_modules_is_theirs():
    from firmware import board, later

    for line in () if MICROPYTHON else board._ELSEWHERE:  # there it is a constant of the module
        module, *names = line.split()
        assert sorted(later.load(module, "PARTS")) == names
