# What is put to rest at a start, and remembered for boot.py.
# SPDX-License-Identifier: Apache-2.0
from drivers.tests.support import on_stream
from firmware import at_rest, boot
from firmware.counters import Counters
from firmware.tests.support import NVS, World, remove_tree, temp_dir

FITTED = {
    "air": {"part": "sht4x", "bus": "i2c0"},
    "hand": {"part": "contact", "pin": 15, "active": 0},
    "fan": {"part": "relay", "pin": 19, "active": 0},
    "lamp": {"part": "pwm_output", "pin": 23, "active": 1},
    "roof": {"part": "two_relay_motor", "open": 32, "close": 33, "active": 1, "open_stop": 36},
    "drip": {"part": "latching_valve", "open": 4, "close": 5, "pulse_ms": 40},
}
LEVELS = {19: 1, 23: 0, 32: 0, 33: 0, 4: 0, 5: 0}


def levels(world):
    pins, world.made = world.made, []
    return {args[0]: keywords["value"] for kind, args, keywords in pins if kind == "Pin"}


def test_outputs_go_to_rest_also_before_any_file_is_read():
    world = World()
    boot.rest(NVS("fieldbeat"))
    assert levels(world) == {}
    at_rest.rest({"id": "b", "fitted": FITTED}, None)
    assert levels(world) == LEVELS
    boot.rest(NVS("fieldbeat"))
    assert levels(world) == LEVELS
    written = world.nvs_writes
    at_rest.rest({"id": "b", "fitted": FITTED}, None)
    at_rest.rest({"id": "unknown", "fitted": {}}, None)  # which cannot be read
    assert world.nvs_writes == written
    levels(world)
    boot.rest(NVS("fieldbeat"))
    assert levels(world) == LEVELS
    at_rest.rest({"id": "b", "fitted": {}}, None)  # another board
    boot.rest(NVS("fieldbeat"))
    assert levels(world) == {}


class Node:
    def __init__(self, root):
        self.root = root
        self.counters = Counters()


def test_an_nvs_that_takes_nothing_is_told_and_outputs_are_at_rest_all_the_same():
    def refuse(self, key, value):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")

    world, node = World(), Node(temp_dir())
    set_blob, NVS.set_blob = NVS.set_blob, refuse
    try:
        assert at_rest.rest({"id": "b", "fitted": FITTED}, node) is True
    finally:
        NVS.set_blob = set_blob
    assert levels(world) == LEVELS
    assert node.counters.snapshot() == {"fs_corrupt": 1}
    with open(node.root + "/crash.txt") as file:
        assert "NOT_ENOUGH_SPACE" in file.read()
    remove_tree(node.root)
    assert at_rest.rest({"id": "b", "fitted": FITTED}, node) is False


def test_what_has_no_pin_of_its_own_is_told_and_a_board_that_is_wrong_raises_nothing():
    world = World()
    on_stream(at_rest.off, {"id": "b", "buses": {}, "fitted": FITTED})
    assert 5 in levels(world)  # a pulse to the valve
    for fitted in ({"x": {"part": "modbus_relay", "bus": "none"}}, {"x": {}}, None):
        at_rest.off({"id": "b", "fitted": fitted})
