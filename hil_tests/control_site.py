"""Climate stations on a bench, and an observer outside of them: at pins, coils and motors.

with ControlSite(seed=1) as site:
    station = site.put_up({"look_s": 10, ...})
    site.hold(air_temperature=31)
    site.run_for(60)
    assert site.observer.runs("fan")
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldbeat.host_tools import node_config
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.protocols import cbor, event

from .virtual.board import VirtualBoard
from .virtual.models.motor import Motor
from .virtual.models.relays import RelayBoard
from .virtual.site import CONFIG, Site

UNIT = "climate-01"
BOARD = "greenhouse_climate_esp32"
SAMPLING = "[sampling]\ninterval_s = 900\nreport_samples = 4\n"
# What may come late: a second of the uptime, the step after it, the edge itself.
SLACK_S = 2.0
SECOND_S = 1.0  # an uptime has whole ones: a pause may be one shorter
Run = tuple[float, float]  # seconds of the world


class Controlled(NodeConfig):
    """A node whose table `control` is given as its unit gets it."""

    def to_device_map(self) -> dict[str, Any]:
        return super().to_device_map() | {"control": TABLES[self.source]}


TABLES: dict[str, dict[str, Any]] = {}


def climate_config(control: dict[str, Any] | None, unit: str = UNIT, more: str = "") -> NodeConfig:
    """The node of a climate station; `control` is the table of its unit."""
    text = CONFIG.format(unit=unit, board=BOARD).replace('"greenhouse"', '"climate"')
    node = node_config.parse(text + SAMPLING + more, f"{unit}.toml")
    if control is None:
        return node
    TABLES[node.source] = control
    return Controlled(**vars(node))


def actuator(
    name: str,
    idle: int = 0,
    safe: int = 0,
    lease_s: int = 60,
    max_run_s: int = 0,
    min_pause_s: int = 0,
    max_day_s: int = 0,
    needs: tuple[int, ...] = (),
    switch: str | None = None,
    interlock: str | None = None,
    confirm: list[int] | None = None,
) -> list[Any]:
    """A row of `actuators`."""
    limits = [lease_s, max_run_s, min_pause_s, max_day_s]
    return [name, idle, safe, *limits, list(needs), switch, interlock, confirm]


def rule(
    number: int,
    index: int,
    *conditions: list[Any],
    value: int = 100,
    blind: int | None = 0,
    overrides: bool = False,
    along: list[int] | None = None,
    dose: list[int] | None = None,
) -> list[Any]:
    """A row of `rules`."""
    low = 0 if along else value
    return [number, index, overrides, low, value, blind, along, dose, list(conditions)]


def table(
    inputs: list[str],
    actuators: list[list[Any]],
    rules: list[list[Any]],
    derived: list[list[int]] | None = None,
    look_s: int = 10,
    stale_s: int = 30,
    place: list[int] | None = None,
) -> dict[str, Any]:
    """The table `control` of a unit, in China's time."""
    return {
        "look_s": look_s,
        "stale_s": stale_s,
        "utc_offset_s": 8 * 3600,
        "place": place,
        "inputs": inputs,
        "derived": derived or [],
        "actuators": actuators,
        "rules": [cbor.encode(each) for each in rules],
    }


@dataclass
class Output:
    """What the observer has of one output: who it is, its level while on, its runs."""

    name: str
    active: int = 1
    on: bool = False
    begin_s: float = 0.0
    runs: list[Run] = field(default_factory=list)


class Observer:
    """Writes down each edge of each output pin, and each change of each coil, when it happens.

    It knows the wiring and nothing of the program. A pin that nobody drives is off: a resistor
    holds it.
    """

    def __init__(self, site: Site, station: VirtualBoard) -> None:
        self.site = site
        self.station = station
        self.outputs: dict[int | str, Output] = {}
        fitted = station.spec["fitted"]
        for name, part in fitted.items():
            active = part.get("active", 1)
            if part["part"] in ("relay", "pwm_output"):
                self.outputs[part["pin"]] = Output(name, active)
            elif part["part"] == "two_relay_motor":
                for key in ("open", "close"):
                    self.outputs[part[key]] = Output(f"{name}.{key}", active)
            elif part["part"] == "modbus_relay":
                self.outputs[name] = Output(name)
        self.both: list[float] = []  # when both relays of a motor were closed
        station.hardware.buses.probes.append(self._edge)
        site.scene.plant.listeners.append(self._coil)

    @property
    def now_s(self) -> float:
        return self.site.world.now_us / 1e6

    def _edge(self, pin: int, level: float | None) -> None:
        output = self.outputs.get(pin)
        if output is not None:
            on = level is not None and (level > 0 if output.active else level < 1)
            self._change(output, on)

    def _coil(self, name: str, value: float, _now_us: int) -> None:
        if name in self.outputs:
            self._change(self.outputs[name], bool(value))

    def _change(self, output: Output, on: bool) -> None:
        if on == output.on:
            return
        output.on = on
        if on:
            output.begin_s = self.now_s
        else:
            output.runs.append((output.begin_s, self.now_s))
        name, _, way = output.name.partition(".")
        if on and way:
            other = next(
                each
                for each in self.outputs.values()
                if each.name.startswith(f"{name}.") and each is not output
            )
            if other.on:
                self.both.append(self.now_s)

    def is_on(self, name: str) -> bool:
        """Whether it is on at this moment."""
        return next(each.on for each in self.outputs.values() if each.name == name)

    def runs(self, name: str) -> list[Run]:
        """When it was on; one that goes on ends now."""
        output = next(each for each in self.outputs.values() if each.name == name)
        return output.runs + ([(output.begin_s, self.now_s)] if output.on else [])

    def on_s(self, name: str, begin_s: float = 0.0, end_s: float = 1e12) -> float:
        """How long it was on between two moments."""
        spans = ((max(begin, begin_s), min(end, end_s)) for begin, end in self.runs(name))
        return sum(end - begin for begin, end in spans if end > begin)

    def check(self, rows: list[list[Any]], dead_s: float = 2.0) -> None:
        """Raises AssertionError where a limit of the actuators' rows was broken."""
        assert not self.both, f"both relays of a motor at once at {self.both}"
        motors = {
            each.name.partition(".")[0] for each in self.outputs.values() if "." in each.name
        }
        for motor in motors:
            found = sorted(
                (begin, end, way)
                for way in ("open", "close")
                for begin, end in self.runs(f"{motor}.{way}")
            )
            for before, after in zip(found, found[1:], strict=False):
                if before[2] != after[2]:
                    assert after[0] - before[1] >= dead_s - 0.001, (motor, before, after)
        for row in rows:
            name, max_run_s, min_pause_s, max_day_s = row[0], *row[4:7]
            if name in motors:
                continue
            runs = self.runs(name)
            for begin, end in runs:
                if max_run_s:
                    assert end - begin <= max_run_s + SLACK_S, (name, begin, end)
            # A reset forgets a pause, and begins one: it is kept from the start on.
            for (_, ended), (begun, _) in zip(runs, runs[1:], strict=False):
                if min_pause_s:
                    assert begun - ended > min_pause_s - SECOND_S, (name, ended, begun)
            if max_day_s:
                for day in range(int(self.now_s + 8 * 3600) // 86_400 + 1):
                    begin_s = day * 86_400 - 8 * 3600
                    spent_s = self.on_s(name, begin_s, begin_s + 86_400)
                    assert spent_s <= max_day_s + SLACK_S * (len(runs) + 1), (name, day, spent_s)


class ControlSite(Site):
    """A site with one climate station."""

    station: VirtualBoard
    observer: Observer

    def put_up(
        self, control: dict[str, Any], run_s: float = 0, more: str = "", unit: str = UNIT
    ) -> VirtualBoard:
        """A station with its observer, switched on now."""
        node = climate_config(control, unit, more)
        self.unit = unit
        self.station = self.add_station(node)
        self.observer = Observer(self, self.station)
        self.run_for(run_s)
        return self.station

    def part(self, name: str) -> Any:
        """The model of a fitted part."""
        return self.station.fitted.parts[name]

    @property
    def roof(self) -> Motor:
        return self.part("roof")

    @property
    def relays(self) -> RelayBoard:
        return self.part("mist")

    def hold(self, **values: float) -> None:
        """Keep channels of the scene at values."""
        for name, value in values.items():
            self.scene.hold(name, value)

    def type(self, line: str) -> str:
        """What the console answers to a line."""
        before = len(self.station.output)
        self.station.console_write(line.encode() + b"\r")
        self.run_for(1)
        return self.station.output[before:].decode()

    def events(self, kind: int) -> list[dict[int, Any]]:
        """The bodies of what the unit told the collector of a kind, in order."""
        rows = self.store.database.all(
            "SELECT events.body FROM events JOIN records ON records.id = events.record"
            " WHERE type = ? ORDER BY run, rn",
            kind,
        )
        return [cbor.decode(row["body"]) for row in rows]

    def decisions(self, name: str) -> list[tuple[int, int, int, int]]:
        """(value, cause, rule, why) of each decision about an actuator, after a wake."""
        return [
            (body[3], body[4], body[5], body[6])
            for body in self.events(event.DECISION)
            if body[event.DECISION_ACTUATOR] == name
        ]

    def faults_told(self) -> list[tuple[str, int, int]]:
        """(name, reason code, value) of each fault that the collector has."""
        return [(body[2], body[3], body[4]) for body in self.events(event.ACTUATOR_FAULT)]
