"""The rules of a node as the rows that its unit gets."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .board_model import SWITCHES
from .control_inputs import is_counter
from .control_tables import SAFE, SKIP, WHOLE, Rule
from .language import tr
from .validation import did_you_mean

if TYPE_CHECKING:
    pass

from .control_reading import Reading
from .rule_conditions import Conditions

CONDITIONS_MAX = 8


class RuleRows:
    """Makes rows, and notes what is wrong of their tables."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._conditions = Conditions(reading)

    def row(self, rule: Rule) -> list[Any] | None:
        """Return the row of a rule, None if it cannot be one."""
        place = f"[[rule]] {rule.number}"
        actuator = self._reading.index.get(rule.actuator)
        if actuator is None:
            near = did_you_mean(rule.actuator, self._reading.index)
            text = tr("{place} actuator = '{actuator}': no [actuator.{actuator}], {near}").format(
                place=place, actuator=rule.actuator, near=near
            )
            self._reading.problems.append(text)
            return None
        self._reading.only_motors(place, rule.ends, rule.actuator)
        if (rule.set_ is None) == (rule.along is None):
            self._reading.problems.append(
                tr(
                    "{place}: must have either set, {whole}, 'on' or 'off', or along, a table"
                ).format(place=place, whole=WHOLE)
            )
            return None
        if len(rule.when) > CONDITIONS_MAX:
            text = tr("{place} when: {count} conditions, must be at most {conditions_max}").format(
                place=place, count=len(rule.when), conditions_max=CONDITIONS_MAX
            )
            self._reading.problems.append(text)
        low = high = rule.set_ or 0
        if rule.along:
            low, high = rule.along.set_
            part = self._reading.config.board.fitted.get(rule.actuator)
            if part and part.part in SWITCHES:
                self._reading.problems.append(
                    tr(
                        "{place} along: a {part} is on or off and follows nothing; take set"
                    ).format(place=place, part=part.part)
                )
        else:
            self._reading.whole(f"{place} set", low, rule.actuator)
        blind = self._reading.actuators[rule.actuator].safe if rule.blind == SAFE else rule.blind
        if blind != SKIP:
            self._reading.whole(f"{place} blind", blind, rule.actuator)
        found = [
            self._conditions.row(f"{place} when {n}", condition)
            for n, condition in enumerate(rule.when, 1)
        ]
        return [
            *(rule.number, actuator, rule.overrides, low, high),
            None if blind == SKIP else blind,
            self._along(place, rule),
            self._dose(place, rule),
            [row for row in found if row is not None],
        ]

    def _along(self, place: str, rule: Rule) -> list[int] | None:
        along = rule.along
        channel = along and self._reading.channels.get(along.channel)
        if not along or not channel:
            return None
        ends = [
            self._reading.counts(f"{place} along {key}", text, channel)
            for key, text in (("from", along.from_), ("to", along.to))
        ]
        if ends[0] == ends[1]:
            self._reading.problems.append(
                tr("{place} along: from and to are the same, '{to}'").format(
                    place=place, to=along.to
                )
            )
        for key, counts in zip(("from", "to"), ends, strict=True):
            if not channel.minimum <= counts <= channel.maximum:
                self._reading.in_reach(f"{place} along {key}", channel, counts, None)
        if along.set_[0] == along.set_[1]:
            self._reading.problems.append(
                tr("{place} along set: both are {set}, take set instead").format(
                    place=place, set=along.set_[0]
                )
            )
        return [self._reading.inputs.index(channel.name), *ends, along.step]

    def _dose(self, place: str, rule: Rule) -> list[int] | None:
        dose = rule.dose
        channel = dose and self._reading.channels.get(dose.channel)
        if not dose or not channel:
            return None
        if channel.name in self._reading.inputs.derived or not is_counter(channel):
            self._reading.problems.append(
                tr("{place} dose channel = '{name}': is no counter, {counters}").format(
                    place=place, name=channel.name, counters=self._reading.inputs.counters()
                )
            )
            return None
        if not rule.along and not rule.set_:
            self._reading.problems.append(
                tr(
                    "{place} dose: set = 'off' gives nothing to count; take set = 'on', or "
                    "remove dose"
                ).format(place=place)
            )
        amount = self._reading.counts(
            tr("{place} dose amount").format(place=place), dose.amount, channel
        )
        if amount <= 0:
            self._reading.problems.append(
                tr("{place} dose amount = '{amount}': must be above 0").format(
                    place=place, amount=dose.amount
                )
            )
        return [self._reading.inputs.index(channel.name), amount]
