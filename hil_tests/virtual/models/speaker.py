"""The parts of a loudspeaker: how each one hangs on the others and on the board's pins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import BenchError
from ..scene import Scene
from ..world import World
from .amplifier import Amplifier
from .contact import Contact
from .es8388 import ES8388
from .i2s_sink import I2sSink
from .line_current import LineCurrent
from .tts_chip import SYN6288, XFS5152, TtsChip

if TYPE_CHECKING:
    from . import Fitted

CHIPS: dict[str, type[TtsChip]] = {"syn6288": SYN6288, "xfs5152": XFS5152}
CALM = ("ac", "guard")  # contacts of that name are active while nothing is wrong


def dac(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> I2sSink:
    """The DAC on an I2S bus."""
    return fitted.sinks[part["bus"]]


def amplifier(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Amplifier:
    """An amplifier behind the DAC of its bus."""
    model = Amplifier(world, fitted.sinks[part["bus"]])
    fitted.pins[part["mute"]] = model.mute
    fitted.pins[part["relay"]] = model.relay
    if part.get("fault") is not None:
        fitted.inputs[part["fault"]] = model.failed
    return model


def tts(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> TtsChip:
    """A chip that speaks into the amplifier."""
    bus = part["bus"]
    chip = CHIPS[part["part"]](world, fitted.wiring[bus]["baud"], _only_sink(fitted))
    fitted.uart[bus] = chip
    return chip


def line_monitor(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> LineCurrent:
    """The current of the amplifier's line at an ADC pin."""
    found = [model for model in fitted.parts.values() if isinstance(model, Amplifier)]
    if not found:
        raise BenchError("a line_monitor needs an amplifier: name that first under fitted")
    ratio = part.get("numerator", 1), part.get("denominator", 1)
    fitted.adc[part["pin"]] = model = LineCurrent(world, found[0], *ratio)
    return model


def contact(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Contact:
    """A contact at a pin."""
    model = Contact(world, part.get("active", 1), part["name"] in CALM)
    fitted.inputs[part["pin"]] = model
    return model


def es8388(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> ES8388:
    """A codec between the I2S bus and the amplifier."""
    address = part.get("address", 0x10)
    device = ES8388(world, scene, address, _only_sink(fitted))
    fitted.i2c[part["bus"], address] = device
    return device


def _only_sink(fitted: Fitted) -> I2sSink:
    if not fitted.sinks:
        raise BenchError("there is no bus of kind i2s: add one to the manifest")
    return next(iter(fitted.sinks.values()))
