"""The parts of a river station: how each hangs on the scene's river and on the board's pins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..river_view import RiverView
from ..scene import Scene
from ..world import World
from .dvp_sensor import DvpSensor
from .rain_contact import RainContact
from .solar import SolarPanel
from .supply import Supply
from .vc0706 import VC0706
from .water_level import CurrentLoop, RadarLevel

if TYPE_CHECKING:
    from . import Fitted


def rail(spec: dict[str, Any], fitted: Fitted, name: str, pin: int) -> None:
    """A supply, and all that hangs on it."""
    supply = fitted.pins[pin] = Supply()
    fitted.parts[f"rail {name}"] = supply
    for part, entry in spec["fitted"].items():
        if entry.get("rail") == name:
            supply.feed(fitted.parts[part].supplied)


def rain_gauge(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> RainContact:
    """A rain gauge's contact at a pin."""
    contact = RainContact(world, scene.river, part.get("active", 0), part.get("tip_um", 200))
    fitted.inputs[part["pin"]] = contact
    return contact


def current_loop(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> CurrentLoop:
    """A pressure transmitter's shunt at an ADC pin."""
    loop = fitted.adc[part["pin"]] = CurrentLoop(world, scene.river, part["shunt_mohm"])
    return loop


def radar(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> RadarLevel:
    """A radar on its RS485 line."""
    slave = RadarLevel(world, scene.river, part["address"])
    line: Any = fitted.uart[part["bus"]]
    line.slaves.append(slave)
    return slave


def solar(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> SolarPanel:
    """A panel's divider at an ADC pin."""
    ratio = part.get("numerator", 1), part.get("denominator", 1)
    panel = fitted.adc[part["pin"]] = SolarPanel(world, scene, *ratio)
    return panel


def uart_camera(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> VC0706:
    """A camera on its UART; what it sees is the part `view`."""
    view = fitted.parts["view"] = RiverView(world, scene)
    baud = fitted.wiring[part["bus"]]["baud"]
    camera = fitted.uart[part["bus"]] = VC0706(world, view, baud)
    return camera


def dvp_camera(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> DvpSensor:
    """A camera at its parallel port; what it sees is the part `view`."""
    view = fitted.parts["view"] = RiverView(world, scene)
    sensor = fitted.cameras[part["bus"]] = DvpSensor(view)
    return sensor
