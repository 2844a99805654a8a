"""Device models of the virtual bench, made from what a board's manifest says is fitted.

A model is written from the datasheet of its part, never from our driver for it. To add one: a file
here with the class, and a line in PARTS. The same files run on a MicroPython board, as a physical
stimulus fixture, so they keep to what both interpreters have (test_stimulus_models.py). Those of
a loudspeaker or a river do not: they are loaded where a manifest has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..errors import BenchError
from ..network import Network
from ..scene import Scene
from ..world import World
from .at_modem import ATModem
from .battery import BatteryDivider
from .bc26 import BC26
from .bh1750 import BH1750
from .i2c import I2CDevice
from .modbus_soil import SoilProbe
from .rs485 import Rs485Line
from .scd4x import SCD4x
from .sht4x import SHT4x
from .uart import UartDevice

SOIL_MAP, RADAR_MAP = "soil_7in1_womaster", "radar_distance"  # of drivers/maps
SOLAR = "solar"  # the part of that name is a panel


class AdcSource(Protocol):
    """A voltage at an ADC pin."""

    def read_uv(self) -> int:
        """Return microvolts."""


class PinListener(Protocol):
    """Something that an output pin of the board drives."""

    def changed(self, value: int) -> None:
        """Take the pin's new level."""


class Fitted:
    """What is soldered around a board: how the bench reaches the models."""

    def __init__(self) -> None:
        self.i2c: dict[tuple[str, int], I2CDevice] = {}
        self.uart: dict[str, UartDevice] = {}
        self.adc: dict[int, AdcSource] = {}
        self.pins: dict[int, PinListener] = {}
        self.parts: dict[str, Any] = {}  # by its name in the manifest
        self.nics: list[Any] = []  # of the local network
        self.sinks: dict[str, Any] = {}  # DACs, by their I2S bus
        self.inputs: dict[int, Any] = {}  # contacts, by their pin
        self.cameras: dict[str, Any] = {}  # at parallel ports, by their bus
        self.wires: dict[str, Any] = {}  # 1-Wire lines, by their bus
        self.wiring: dict[str, dict[str, Any]] = {}  # the manifest's buses
        self.modem: ATModem | None = None


class ManifestError(BenchError):
    """The manifest asks for a part that has no model, or for a bus that it does not name."""


def build(world: World, manifest: dict[str, Any], scene: Scene, network: Network) -> Fitted:
    """Return the models of a board's manifest (or of its "fieldbeat" map alone)."""
    spec = manifest.get("fieldbeat", manifest)
    fitted = Fitted()
    fitted.wiring = spec.get("buses", {})
    for name, bus in fitted.wiring.items():
        if bus["kind"] == "i2s":
            from .i2s_sink import I2sSink

            fitted.sinks[name] = I2sSink(world)
        if bus["kind"] == "rs485":
            line = fitted.uart[name] = Rs485Line(world, bus["baud"])
            if bus.get("de") is not None:
                fitted.pins[bus["de"]] = line.enable
    for name, part in spec.get("fitted", {}).items():
        make = PARTS.get(part["part"])
        if make is None:
            raise ManifestError(
                f'fitted.{name}.part "{part["part"]}" has no model; there are: {", ".join(PARTS)}'
            )
        fitted.parts[name] = make(world, scene, fitted, dict(part, name=name))
    for name, rail in spec.get("rails", {}).items():
        river_part("rail")(spec, fitted, name, rail["pin"])
    for kind in ("ethernet", "wifi"):
        if spec.get(kind):
            nic = fitted.parts[kind] = network.lan.join(kind)
            fitted.nics.append(nic)
    if spec.get("modem"):
        fit_modem(world, network, spec, fitted)
    return fitted


def i2c_part(model: Callable[[World, Scene, int], I2CDevice]) -> Callable[..., I2CDevice]:
    """Return a maker that puts an I2C model on its bus."""

    def make(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> I2CDevice:
        device = model(world, scene, part["address"])
        fitted.i2c[part["bus"], part["address"]] = device
        return device

    return make


def modbus_probe(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Any:
    """Hang what the part's map is of on its RS485 line."""
    if part.get("map", SOIL_MAP) == SOIL_MAP:
        return soil_probe(world, scene, fitted, part)
    make = river_part("radar") if part["map"] == RADAR_MAP else field_part("slave")
    return make(world, scene, fitted, part)


def soil_probe(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> SoilProbe:
    """Hang a probe on its RS485 line."""
    line = fitted.uart.get(part["bus"])
    if not isinstance(line, Rs485Line):
        raise ManifestError(f'bus "{part["bus"]}" is not of kind rs485')
    probe = SoilProbe(world, scene, part["address"], line.baud)
    line.slaves.append(probe)
    return probe


def battery(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Any:
    """Put a divider on its ADC pin."""
    if part["name"] == SOLAR:
        return river_part("solar")(world, scene, fitted, part)
    ratio = part.get("numerator", 1), part.get("denominator", 1)
    divider = BatteryDivider(world, scene, *ratio)
    fitted.adc[part["pin"]] = divider
    return divider


def fit_modem(world: World, network: Network, spec: dict[str, Any], fitted: Fitted) -> None:
    """Put the modem on its UART and its pins."""
    modem = spec["modem"]
    make = MODEMS.get(modem["part"])
    if make is None:
        raise ManifestError(
            f'modem.part "{modem["part"]}" has no model; there are: {", ".join(MODEMS)}'
        )
    model = fitted.modem = make(world, network, spec["buses"][modem["bus"]]["baud"])
    fitted.uart[modem["bus"]] = model
    for key, listener in (("pwrkey", model.pwrkey), ("reset", model.reset)):
        if modem.get(key) is not None:
            fitted.pins[modem[key]] = listener


def level_sensor(world: World, scene: Scene, fitted: Fitted, part: dict[str, Any]) -> Any:
    """A distance sensor on its UART, above the scene's river where the board has one.

    Where the config decides (`enabled` is false) it is silent until a test hangs it somewhere.
    """
    from .a02yyuw import A02YYUW

    sensor = fitted.uart[part["bus"]] = A02YYUW(world, fitted.wiring[part["bus"]]["baud"])
    if part.get("enabled", True):
        river = scene.river
        sensor.hang(lambda: river.datum_mm - river.level_mm(world.now_us))
    return sensor


def speaker_part(maker: str) -> Callable[..., Any]:
    """Return a maker out of speaker.py, which is loaded for it."""

    def make(*args: Any) -> Any:
        from . import speaker

        return getattr(speaker, maker)(*args)

    return make


def river_part(maker: str) -> Callable[..., Any]:
    """Return a maker out of river_station.py, which is loaded for it."""

    def make(*args: Any) -> Any:
        from . import river_station

        return getattr(river_station, maker)(*args)

    return make


def control_part(maker: str) -> Callable[..., Any]:
    """Return a maker out of control_parts.py, which is loaded for it."""

    def make(*args: Any) -> Any:
        from . import control_parts

        return getattr(control_parts, maker)(*args)

    return make


def field_part(maker: str) -> Callable[..., Any]:
    """Return a maker out of field_station.py, which is loaded for it."""

    def make(*args: Any) -> Any:
        from . import field_station

        return getattr(field_station, maker)(*args)

    return make


def bc95(*args: Any) -> ATModem:
    """Return a modem whose model is loaded for it, as the next one's is."""
    from .bc95 import BC95

    return BC95(*args)


def sim7020(*args: Any) -> ATModem:
    from .sim7020 import SIM7020

    return SIM7020(*args)


MODEMS: dict[str, Callable[..., ATModem]] = {"bc26": BC26, "bc95": bc95, "sim7020": sim7020}
PARTS: dict[str, Callable[..., Any]] = {
    "sht4x": i2c_part(SHT4x),
    "scd4x": i2c_part(SCD4x),
    "bh1750": i2c_part(BH1750),
    "modbus_probe": modbus_probe,
    "battery": battery,
    "a02yyuw": level_sensor,
    "i2s_output": speaker_part("dac"),
    "amplifier": speaker_part("amplifier"),
    "syn6288": speaker_part("tts"),
    "xfs5152": speaker_part("tts"),
    "line_monitor": speaker_part("line_monitor"),
    "contact": speaker_part("contact"),
    "es8388": speaker_part("es8388"),
    "rain_gauge": river_part("rain_gauge"),
    "current_loop": river_part("current_loop"),
    "vc0706": river_part("uart_camera"),
    "dvp_camera": river_part("dvp_camera"),
    "relay": control_part("relay"),
    "pwm_output": control_part("pwm_output"),
    "latching_valve": control_part("latching_valve"),
    "two_relay_motor": control_part("two_relay_motor"),
    "modbus_relay": control_part("modbus_relay"),
    "sht3x": field_part("i2c"),
    "bmx280": field_part("i2c"),
    "ds18b20": field_part("ds18b20"),
    "analog_probe": field_part("analog_probe"),
    "flow_meter": field_part("flow_meter"),
}
