"""The control of a node, read out of its file into the rows that its unit gets.

What is wrong of one entry is said by what makes its row: an unknown name, a quantity in another
unit, a threshold that is never passed.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fieldbeat.protocols import cbor

from . import control_clock
from .actuator_rows import ActuatorRows
from .control_inputs import Inputs
from .control_reading import Reading
from .control_tables import Actuator, Control, Rule
from .language import tr
from .rule_rows import RuleRows

if TYPE_CHECKING:
    from .node_config import NodeConfig

PLACE_SCALE = 10_000


@dataclass
class Plan:
    """The control of a node as its unit gets it, with what people call things.

    Attributes:
        actuators: by index.
        rules: with their rows as control_rules.py has them, in the order in which they count.
        parts: which part drives each actuator.
        travels_s: of those that are motors, from end to end.
        problems: what is wrong; with any, the rest is not to be used.
    """

    control: Control
    inputs: Inputs
    actuators: dict[str, Actuator]
    rules: list[tuple[Rule, list[Any]]]
    rows: list[list[Any]]
    stale_s: int
    utc_offset_s: int
    place: tuple[float, float] | None
    parts: dict[str, str]
    travels_s: dict[str, float]
    problems: list[str]

    def to_device_map(self) -> dict[str, Any]:
        """Return the table `control` of `/config.cbor`."""
        place = self.place and [round(degrees * PLACE_SCALE) for degrees in self.place]
        return {
            "look_s": self.control.look_s,
            "stale_s": self.stale_s,
            "utc_offset_s": self.utc_offset_s,
            "place": place,
            "inputs": list(self.inputs.used),
            "derived": self.inputs.entries(),
            "actuators": self.rows,
            # Each for itself: a unit has room for one of them, not for all.
            "rules": [cbor.encode(row) for _, row in self.rules],
        }


def read(config: NodeConfig) -> Plan | None:
    """Return the control of a node, None where it has none."""
    control = config.tables.control
    return _plan(Reading(config, control)) if control else None


def _plan(reading: Reading) -> Plan:
    node, control = reading.config.tables.node, reading.control
    place = None
    if node.latitude is not None and node.longitude is not None:
        place = node.latitude, node.longitude
    stale_s = reading.seconds("[control] stale", control.stale)
    if stale_s < control.look_s:
        reading.problems.append(
            tr("[control] stale = '{stale}': must be at least look_s, {look_s} s").format(
                stale=control.stale, look_s=control.look_s
            )
        )
    offset_s = 0
    try:
        offset_s = control_clock.offset_s(control.utc_offset)
    except ValueError:
        reading.problems.append(
            tr("[control] utc_offset = '{utc_offset}': must be an offset like '+08:00'").format(
                utc_offset=control.utc_offset
            )
        )
    actuator_rows, rule_rows = ActuatorRows(reading), RuleRows(reading)
    rows = [actuator_rows.row(name, each) for name, each in reading.actuators.items()]
    ranks = {id(rule): (not rule.overrides, -rule.priority) for rule in reading.rules}
    ordered = sorted(reading.rules, key=lambda rule: ranks[id(rule)])
    rules = [(rule, row) for rule in ordered if (row := rule_rows.row(rule)) is not None]
    fitted = reading.config.board.fitted
    parts = {name: fitted[name].part for name in reading.actuators if name in fitted}
    travels_s = {name: ms / 1000 for name in parts if (ms := _travel_ms(reading.config, name))}
    return Plan(
        *(control, reading.inputs, reading.actuators, rules, rows, stale_s, offset_s, place),
        *(parts, travels_s, reading.inputs.problems + reading.problems),
    )


def _travel_ms(config: NodeConfig, name: str) -> int | None:
    override = config.tables.fitted.get(name)
    return (override and override.travel_ms) or config.board.fitted[name].travel_ms
