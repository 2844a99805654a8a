"""A node's file while its control is read: what it names, and what is wrong so far."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from . import quantities, times
from .board_model import SWITCHES
from .control_inputs import Inputs
from .control_tables import WHOLE, Actuator, Control
from .language import tr

if TYPE_CHECKING:
    from .node_config import NodeConfig
    from .profiles import Channel

DAY_S = 86_400


class Reading:
    """What actuators, rules and conditions of one file share.

    Attributes:
        actuators: by name, those that others need before these.
        rules: those that are enabled.
        inputs: all that is looked at, with their numbers.
        index: of an actuator, by its name.
        problems: what is wrong.
    """

    def __init__(self, config: NodeConfig, control: Control) -> None:
        self.config, self.control = config, control
        self.problems: list[str] = []
        self.actuators = _in_order(config.tables.actuator)
        self.rules = [rule for rule in config.tables.rule if rule.enabled]
        self.inputs = Inputs(config.profile.channels, control.derived)
        self._find_inputs()
        self.index = {name: n for n, name in enumerate(self.actuators)}

    def _find_inputs(self) -> None:
        """Number all that is looked at, before any row is made."""
        self.inputs.use_sources()
        for name, actuator in self.actuators.items():
            if actuator.confirm:
                place = f"[actuator.{name}.confirm] channel"
                self.inputs.find(place, actuator.confirm.channel)
        for rule in self.rules:
            place = f"[[rule]] {rule.number}"
            for n, condition in enumerate(rule.when, 1):
                if condition.channel is not None:
                    self.inputs.find(f"{place} when {n} channel", condition.channel)
            if rule.along:
                self.inputs.find(f"{place} along channel", rule.along.channel)
            if rule.dose:
                self.inputs.find(f"{place} dose channel", rule.dose.channel)

    @cached_property
    def channels(self) -> dict[str, Channel]:
        """The channels that are looked at, by name."""
        return {channel.name: channel for channel in self.inputs.channels}

    def only_motors(self, place: str, ends: Sequence[str], name: str) -> None:
        """Say that what is no motor has no ends, where a file gives it one."""
        part = self.config.board.fitted.get(name)
        if part and not part.travel_ms:
            for key in ends:
                text = tr("{place} {key}: only a motor is 'open' or 'closed', take 'on' or 'off'")
                self.problems.append(text.format(place=place, key=key))

    def whole(self, place: str, value: int, name: str) -> None:
        """Say that a switch has no value between, where a file gives it one."""
        part = self.config.board.fitted.get(name)
        if part and part.part in SWITCHES and value % WHOLE:
            text = tr("{place} = {value}: a {part} is 'on' or 'off', nothing between").format(
                place=place, value=value, part=part.part
            )
            self.problems.append(text)

    def counts(self, place: str, text: str, channel: Channel, difference: bool = False) -> int:
        """Return a quantity in counts of a channel; something that it may be, if it is none."""
        try:
            return quantities.counts(text, channel, difference=difference)
        except ValueError as error:
            self.problems.append(f"{place} = '{text}': {error}")
            # Something that it may be.
            return 0 if difference else (channel.minimum + channel.maximum) // 2

    def in_reach(self, place: str, channel: Channel, counts: int, below: bool | None) -> None:
        """Say that a channel never passes a threshold; `below` is its side, None: it has none."""
        low, high = channel.minimum, channel.maximum
        if below is None:
            fine = low <= counts <= high
        else:
            fine = low < counts <= high if below else low <= counts < high
        if not fine:
            self.problems.append(quantities.never_passed(place, channel))

    def seconds(self, place: str, text: str) -> int:
        """Return a time of whole seconds, at most a day."""
        try:
            seconds = times.duration(text)
        except ValueError:
            seconds = 0.0
        if not 1 <= seconds <= DAY_S or seconds % 1:
            allowed = tr("a time like '30 s', '5 min' or '2 h', of whole seconds, at most a day")
            self.problems.append(
                tr("{place} = '{text}': must be {allowed}").format(
                    place=place, text=text, allowed=allowed
                )
            )
            return DAY_S
        return int(seconds)


def _in_order(tables: Mapping[str, Actuator]) -> dict[str, Actuator]:
    """Return actuators with those that others need before these; those in a circle at last."""
    found: dict[str, Actuator] = {}
    left = dict(tables)
    while left:
        ready = [n for n, each in left.items() if not any(o in left for o in each.needs)]
        for name in ready or list(left):
            found[name] = left.pop(name)
    return found
