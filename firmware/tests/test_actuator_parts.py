# Actuators out of a board's manifest.
# SPDX-License-Identifier: Apache-2.0
from drivers.tests.support import on_stream
from firmware.tests.support import World
from firmware.tests.test_board import made, named


def test_every_actuator_is_made_at_rest():
    world = World()
    board = named("greenhouse_climate_esp32")
    fitted = board.manifest["fitted"]
    fitted["drip"] = {"part": "latching_valve", "open": 4, "close": 5, "pulse_ms": 40}
    fitted["dark"] = {"part": "pwm_output", "pin": 12, "active": 0, "freq_hz": 500}
    fitted["low"] = {"part": "relay", "pin": 0, "active": 0}
    parts = {name: on_stream(board.part, name, {}) for name in fitted}
    levels = {args[0]: keywords.get("value") for args, keywords in made(world, "Pin")}
    for pin in (13, 14, 18, 19, 23, 32, 33, 4, 5):
        assert levels[pin] == 0, pin
    assert levels[0] == levels[12] == 1
    duties = {args[0].args[0]: keywords["duty_u16"] for args, keywords in made(world, "PWM")}
    assert duties == {23: 0, 12: 65535}
    for name in ("valve", "lamp", "roof", "mist", "drip"):
        assert parts[name].CHANNELS == (("value", "%", 1),) and parts[name].off
    assert [stop() for stop in parts["roof"]._stops] == [0, 0]
    modes = {args[0]: args[1:] for args, _ in made(world, "Pin")}
    assert modes[36] == modes[39] == (1,)  # inputs without a pull-up, since they have none
