"""What people call the rules of a unit, and what its actuators are: kept in the registry.

The unit knows rules by numbers. It is written when a unit is built or provisioned, so that it is
what the unit has.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fieldbeat.protocols import cbor

from . import control_plan, control_words, open_files
from .control_plan import Plan
from .language import tr
from .profiles import Channel

if TYPE_CHECKING:
    from .node_config import NodeConfig


class RuleWords(NamedTuple):
    """A rule: its actuator, its name, what it does when, and whether it goes before orders."""

    actuator: str
    name: str
    says: str
    overrides: bool = False


class Input(NamedTuple):
    """A channel or derived value: its name, its unit, and counts per unit."""

    name: str
    unit: str
    scale: int


@dataclass(frozen=True)
class Spoken:
    """Rules by their number, derived values in their order, the part that drives each actuator.

    Of motors `travels_s` has how long they take from end to end; `channels` are those that rules
    look at. Registries from before they kept some of it have none.
    """

    rules: dict[int, RuleWords]
    derived: list[Input]
    actuators: dict[str, str]
    travels_s: dict[str, float] = field(default_factory=dict)
    channels: dict[str, Input] = field(default_factory=dict)


def of_plan(plan: Plan) -> Spoken:
    """Return what the rules of a plan are called."""
    rules = {}
    for rule, row in plan.rules:
        says = tr("{does}, when: {when}").format(
            does=control_words.does(plan, row), when=control_words.when(plan, row)
        )
        rules[rule.number] = RuleWords(rule.actuator, rule.name, says, rule.overrides)
    inputs = plan.inputs
    derived = [_input(channel) for channel in inputs.derived.values()]
    channels = {name: _input(channel) for name, channel in inputs.used.items()}
    return Spoken(rules, derived, dict(plan.parts), plan.travels_s, channels)


def _input(channel: Channel) -> Input:
    return Input(channel.name, channel.unit, channel.scale)


def of_node(config: NodeConfig) -> str:
    """Return it for the registry; '' where nothing is controlled."""
    plan = control_plan.read(config)
    if plan is None:
        return ""
    return json.dumps(vars(of_plan(plan)), ensure_ascii=False)


def parse(text: str) -> Spoken | None:
    """Return what `of_node` gave, None for ''."""
    if not text:
        return None
    found = json.loads(text)
    rules = {int(number): RuleWords(*words) for number, words in found["rules"].items()}
    derived = [Input(*each) for each in found["derived"]]
    channels = {name: Input(*each) for name, each in found.get("channels", {}).items()}
    kept = found.get("actuators", {}), found.get("travels_s", {})
    return Spoken(rules, derived, *kept, channels)


def of_unit(
    known: tuple[NodeConfig, Plan] | None, unit: str, registry: Path | None
) -> tuple[Spoken | None, str]:
    """Return what the rules of a unit are called, and what is to be said of its file."""
    own = of_plan(known[1]) if known else None
    with open_files.registry_if_there(registry) as units:
        if units is None:
            return own, ""
        kept, there = units.control(unit), units.unit(unit)
    if known is None:
        return parse(kept), ""
    if there is None or not there.config_sha256:
        return own, ""
    device = known[0].renamed(unit, there.site or None).to_device_map()
    if hashlib.sha256(cbor.encode(device)).hexdigest() == there.config_sha256:
        return own, ""
    file = known[0].source
    return own, tr(
        "{file} is not what {unit} was provisioned with, its rules may be others"
    ).format(file=file, unit=unit)
