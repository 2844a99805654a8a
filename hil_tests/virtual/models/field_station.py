"""The parts of gardens, weather and water stations: how each hangs on scene, buses and pins."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..plant import water_l_min
from ..scene import Scene
from ..world import World
from .analog_probe import AnalogProbe
from .bmx280 import BMX280
from .flow_pulses import FlowPulses
from .modbus_slave import MappedSlave, scene_name
from .onewire import DS18B20, OneWireLine
from .sht3x import SHT3x

if TYPE_CHECKING:
    from . import Fitted

MAPS = Path(__file__).parents[3] / "drivers" / "maps"


class Apart:
    """A world with chance of its own: what only some units have changes no other series."""

    def __init__(self, world: World, name: str) -> None:
        self.random = random.Random(f"{world.seed}/{name}")
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)


@cache
def register_map(name: str) -> dict[str, Any]:
    """A file of drivers/maps."""
    found: dict[str, Any] = json.loads((MAPS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def i2c(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Any:
    """A chip on its I2C bus."""
    model: Any = {"sht3x": SHT3x, "bmx280": BMX280}[part["part"]]
    device = model(Apart(world, part["name"]), scene, part["address"])
    fitted.i2c[part["bus"], part["address"]] = device
    return device


def slave(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> MappedSlave:
    """What a register map tells of, on its RS485 line."""
    of = f"{part['map']}_{part['name']}"
    apart: Any = Apart(world, part["name"])
    model = MappedSlave(apart, scene, part["address"], register_map(part["map"]), of)
    line: Any = fitted.uart[part["bus"]]
    line.slaves.append(model)
    return model


def ds18b20(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> DS18B20:
    """A thermometer on its 1-Wire bus; what it hangs in is a word of its name."""
    rom = bytes.fromhex(part["rom"]) if "rom" in part else None
    channel = scene_name(scene, part["name"], "temperature")
    apart: Any = Apart(world, part["name"])
    sensor = DS18B20(apart, scene, rom, channel)
    fitted.wires.setdefault(part["bus"], OneWireLine()).devices.append(sensor)
    return sensor


def analog_probe(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> AnalogProbe:
    """A probe's voltage at an ADC pin."""
    data = register_map(part["map"])
    of = f"{part['map']}_{part['name']}"
    channel = scene_name(scene, of, data["channel"]["name"])
    apart: Any = Apart(world, part["name"])
    probe = AnalogProbe(apart, scene, data, channel, part.get("points_mv"))
    fitted.adc[part["pin"]] = probe
    return probe


def flow_meter(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> FlowPulses:
    """A turbine's pulses at a pin, behind the valve and the pump of the scene's plant."""
    meter = FlowPulses(world, part.get("active", 0), part["pulses_per_l"])
    outputs = scene.plant.outputs
    flow = water_l_min(outputs)
    meter.run(flow)

    def changed(*_: object) -> None:
        nonlocal flow
        before, flow = flow, water_l_min(outputs)
        if flow != before:
            meter.run(flow)

    scene.plant.listeners.append(changed)
    fitted.inputs[part["pin"]] = meter
    return meter
