"""The actuators of a station: how each hangs on the board's pins and on the scene's plant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scene import Scene
from ..world import World
from .motor import Motor
from .relays import Lamp, LatchingValve, Relay, RelayBoard

if TYPE_CHECKING:
    from . import Fitted

MAPS = Path(__file__).parents[3] / "drivers" / "maps"


def relay(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Relay:
    """A relay at a pin."""
    model = Relay(world, scene.plant, part["name"], part.get("active", 1))
    fitted.pins[part["pin"]] = model
    return model


def pwm_output(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Lamp:
    """A lamp or a fan at a pin."""
    model = Lamp(world, scene.plant, part["name"], part.get("active", 1))
    fitted.pins[part["pin"]] = model
    return model


def latching_valve(
    world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]
) -> LatchingValve:
    """A valve with two coils at two pins."""
    model = LatchingValve(world, scene.plant, part["name"], part["pulse_ms"])
    for which, coil in model.coils.items():
        fitted.pins[part[which]] = coil
    return model


def two_relay_motor(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Motor:
    """A motor with two relays and, where the board has inputs for them, its end stops."""
    model = Motor(world, scene.plant, part["name"], part["travel_ms"], part.get("active", 1))
    for which, own in model.relays.items():
        fitted.pins[part[which]] = own
    for key, stop in (("open_stop", "open"), ("closed_stop", "close")):
        if part.get(key) is not None:
            fitted.inputs[part[key]] = model.stops[stop]
    return model


def modbus_relay(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> RelayBoard:
    """One output of a relay board, which hangs on its line once for all of them."""
    line: Any = fitted.uart[part["bus"]]
    found = [slave for slave in line.slaves if isinstance(slave, RelayBoard)]
    board = next((each for each in found if each.address == part["address"]), None)
    if board is None:
        data = json.loads((MAPS / f"{part['map']}.json").read_text(encoding="utf-8"))
        timed = {key: data[key] for key in ("timed_coil", "timed_unit_ms") if key in data}
        board = RelayBoard(world, scene.plant, part["address"], data["outputs"], **timed)
        line.slaves.append(board)
    board.hang(part["output"], part["name"])
    return board
