# The manifest of a board turned into pins, buses and parts.
# SPDX-License-Identifier: Apache-2.0
import json

from drivers.tests.support import on_stream
from firmware.board import Board, BoardError
from firmware.parts import register_map
from firmware.tests.support import World, run
from protocols.tests.support import raises


def greenhouse():
    with open("boards/greenhouse_esp32.json") as file:
        return Board(json.load(file)["fieldbeat"])


def made(world, name):
    return [(args, keywords) for kind, args, keywords in world.made if kind == name]


def pin_numbers(keywords):
    return {name: pin.args[0] for name, pin in keywords.items() if hasattr(pin, "args")}


def test_every_fitted_part_of_the_greenhouse_can_be_made():
    world = World()
    board = greenhouse()
    parts = {name: on_stream(board.part, name, {}) for name in board.manifest["fitted"]}
    assert sorted(parts) == ["air", "battery", "co2", "light", "soil"]
    for part in parts.values():
        assert part.CHANNELS and part.probe and part.read
    assert len(made(world, "I2C")) == 1  # shared by three parts
    (args, keywords) = made(world, "I2C")[0]
    assert args == (0,) and keywords["freq"] == 100000
    assert pin_numbers(keywords) == {"scl": 22, "sda": 21}
    (args, keywords) = made(world, "UART")[0]
    assert args == (1,) and keywords["baudrate"] == 9600
    assert pin_numbers(keywords) == {"tx": 25, "rx": 26} and "rxbuf" not in keywords
    world.adc_uv = 2100000
    assert run(parts["battery"].read()) == (4200,)


def test_the_modem_has_its_port_and_pins():
    world = World()
    board = greenhouse()
    modem = on_stream(board.modem)
    assert modem.POWER_KEY_MS and modem.send
    assert board.bus("modem") is board.bus("modem")
    (args, keywords) = made(world, "UART")[0]
    assert args == (2,) and keywords["baudrate"] == 115200
    assert min(keywords["txbuf"], keywords["rxbuf"]) > 2 * modem.MAX_DATAGRAM + 64
    outputs = [args[0] for args, keywords in made(world, "Pin") if keywords.get("value") == 0]
    assert outputs == [4, 5]


def test_a_config_overrides_address_and_use():
    World()
    board = greenhouse()
    assert board.part("light", {"address": 0x5C})._address == 0x5C
    assert board.part("light", {})._address == 0x23
    assert board.part("light", {"enabled": False}) is None
    assert board.manifest["fitted"]["light"]["address"] == 0x23


def test_what_is_not_there_is_named():
    World()
    board = Board({"buses": {"x": {"kind": "can"}}, "fitted": {"y": {"part": "z", "bus": "x"}}})
    for call, expected in (
        ((board.bus, "i2c0"), "bus i2c0 is not known, there is: x"),
        ((board.bus, "x"), "kind of bus can is not known, there is: i2c, rs485, uart"),
        ((board.part, "air", {}), "fitted part air is not known, there is: y"),
        ((board.part, "y", {}), "part z is not known, there is: battery, bh1750"),
        ((Board({}).bus, "i2c0"), "there is: nothing"),
    ):
        assert expected in str(raises(BoardError, *call))
    assert "build the image again" in str(raises(ValueError, register_map, "none"))
