"""Why an actuator does what it does, or did at a time, by what its unit has told."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from math import inf
from typing import Any

from fieldbeat.protocols import actuator, control_rules

from . import decisions, motor_position, obeyed_orders, quantities
from .control_spoken import Input, Spoken
from .decision_log import Step, Told, faults, of_unit, position, steps, why_unknown
from .decisions import Decision, Fault
from .errors import CannotTry
from .language import tr
from .obeyed_orders import Obeyed
from .scaled import symbol
from .store import Store
from .times import iso, span
from .validation import did_you_mean

_DERIVED = "derived "  # and its number, from 1: a unit has no names of them


class Why:
    """Why an actuator does what it does, or did at a time.

    Args:
        spoken: what its rules are called, where that is known.
    """

    def __init__(self, store: Store, unit: str, spoken: Spoken | None = None) -> None:
        self._store, self._unit, self._spoken = store, unit, spoken
        self._told = of_unit(store, unit)

    def decision(self, name: str, at_s: float | None, now_s: float) -> Told:
        """Return the decision that counts, at a time or now, and since when.

        Raises:
            CannotTry: none is known.
        """
        if not any(told.actuator == name and told.decision for told in self._told):
            raise self._untold(name)
        known = steps(self._told, name)
        before = steps(self._told, name, now_s if at_s is None else at_s)
        if at_s is None and not before:  # its clock is ahead of ours
            before = known[:1]
        if not before:
            step = tr("give a later --at")
            raise CannotTry(
                tr("{unit} has told nothing of {name} until then").format(
                    unit=self._unit, name=name
                ),
                step,
            )
        if not before[-1].known:
            after = known[len(before) :]
            raise self._not_known(name, before[-1], after[0].begin_s if after else inf)
        return before[-1].told

    def _not_known(self, name: str, step: Step, until_s: float) -> CannotTry:
        """Return why nobody knows what an actuator did from a step on to a time."""
        message = tr("nobody knows what {name} of {unit} did from {since} to {until}: {why}")
        return CannotTry(
            message.format(
                name=name,
                unit=self._unit,
                since=tr("its begin") if step.begin_s == -inf else iso(step.begin_s),
                until=tr("now") if until_s == inf else iso(until_s),
                why=why_unknown(step),
            ),
            tr("see 'fieldbeat show {unit} --gaps'").format(unit=self._unit),
        )

    def _untold(self, name: str) -> CannotTry:
        """Return why nothing is known of an actuator: it is none, or it has not moved yet."""
        known = {told.actuator for told in self._told}
        fitted = set(self._spoken.actuators) if self._spoken else set()
        if order := obeyed_orders.last(self._store, self._unit, name):
            message = tr("{obeyed}, and its decision has not come yet").format(
                obeyed=self._obeyed(order)
            )
            return CannotTry(message, tr("ask again after its next report"))
        if name in known:
            message = tr("{unit} has told a fault of {name}, and no decision").format(
                unit=self._unit, name=name
            )
            return CannotTry(message, tr("see 'fieldbeat show {unit}'").format(unit=self._unit))
        if name in fitted:
            message = tr(
                "{unit} has told nothing of {name} yet: it has not moved since the unit began to "
                "report"
            ).format(unit=self._unit, name=name)
            step = tr("'control' in 'fieldbeat console' says what it does now")
            return CannotTry(message, step)
        if fitted:
            message = tr("{unit} has no actuator '{name}'").format(unit=self._unit, name=name)
            return CannotTry(message, did_you_mean(name, fitted | known))
        message = tr("{unit} has told nothing of an actuator '{name}'").format(
            unit=self._unit, name=name
        )
        return CannotTry(
            message, tr("known: {value}").format(value=", ".join(sorted(known)) or tr("none"))
        )

    def _obeyed(self, order: Obeyed) -> str:
        return tr("{unit} obeyed an order at {at}, '{told}'").format(
            unit=self._unit, at=iso(order.heard_s), told=order.told
        )

    def _undecided(self, name: str, told: Told, now_s: float) -> list[str]:
        """Say that an order was obeyed after the last decision, and that its own has not come."""
        order, found = obeyed_orders.last(self._store, self._unit, name), told.decision
        if order is None or found is None or not order.heard_s <= now_s < order.end_s:
            return []
        if found.cause == control_rules.ORDER and found.value == order.value:
            return []
        if (told.by_s if told.at_s is None else told.at_s) >= order.heard_s:
            return []
        obeyed = self._obeyed(order)
        if rule := self._before_orders(found):
            return [tr("{obeyed}: {rule} goes before it").format(obeyed=obeyed, rule=rule)]
        return [tr("{obeyed}: no decision of it has come yet").format(obeyed=obeyed)]

    def overruling(self, name: str, now_s: float) -> str:
        """Return the rule that has an actuator now and goes before orders, '' for none."""
        try:
            found = self.decision(name, None, now_s).decision
        except CannotTry:
            return ""
        return self._before_orders(found) if found else ""

    def _before_orders(self, found: Decision) -> str:
        words = self._spoken.rules.get(found.rule) if self._spoken else None
        return self._named(found.rule) if words and words.overrides else ""

    def fault(self, name: str) -> Fault | None:
        """Return the fault that an actuator has now."""
        return next((told.fault for told in faults(self._told) if told.actuator == name), None)

    def lines(self, name: str, at_s: float | None, now_s: float) -> list[str]:
        """Return it in plain words."""
        told = self.decision(name, at_s, now_s)
        begun_s, found = told.at_s, told.decision
        assert found
        since = tr("since before its clock was set")
        if begun_s is not None:
            lasted = (
                tr(", for {value}").format(value=span(now_s - begun_s)) if at_s is None else ""
            )
            since = tr("since {begun_s}{lasted}").format(begun_s=iso(begun_s), lasted=lasted)
        travel_s = self._travel_s(name)
        words = decisions.value_in_words(found, travel_s is not None)
        lines = [
            tr("{name} of {unit}: {words} {since}").format(
                name=name, unit=self._unit, words=words, since=since
            )
        ]
        if travel_s is not None:
            stands = motor_position.in_words(self._position(name, now_s if at_s is None else at_s))
            lines.append(
                tr("{stands}; end to end takes {time}").format(stands=stands, time=span(travel_s))
            )
        who = tr("nobody: the unit has begun anew") if told.anew else self._who(found)
        lines += [tr("decided by {who}").format(who=who), *self._rule(found)]
        if found.inputs:
            values = ", ".join(self.value(n, counts) for n, counts in found.inputs.items())
            lines.append(tr("it looked at {values}").format(values=values))
        if found.why != actuator.ASKED:
            lines.append(
                tr("held back: {why_name}").format(why_name=decisions.why_name(found.why))
            )
        if at_s is None:
            lines += self._undecided(name, told, now_s)
        if at_s is None and (fault := self.fault(name)):
            lines.append(tr("AT FAULT: it {text}").format(text=fault.text))
        return lines

    def as_map(self, name: str, at_s: float | None, now_s: float) -> dict[str, Any]:
        """Return it for JSON; `position` is a motor's, in per cent, None if not known."""
        told = self.decision(name, at_s, now_s)
        begun_s, found = told.at_s, told.decision
        assert found
        position = self._position(name, now_s if at_s is None else at_s)
        fault = self.fault(name) if at_s is None else None
        return {
            "unit": self._unit,
            "actuator": name,
            "value": found.value,
            "position": None if position is None else round(position),
            "since_s": begun_s,
            "cause": decisions.cause_name(found.cause),
            "rule": found.rule or None,
            "rule_name": self._name(found.rule) or None,
            "inputs": found.inputs,
            "limited": None if found.why == actuator.ASKED else decisions.why_name(found.why),
            "fault": fault.reason if fault else None,
        }

    def value(self, name: str, counts: int | None) -> str:
        """Return an input as people write it."""
        known = self._input(name)
        if known:
            return _written(known.name, counts, known.scale, known.unit)
        if counts is None:
            return tr("{name} without a value").format(name=name)
        return tr("{name} {counts} counts").format(name=name, counts=counts)

    def _input(self, name: str) -> Input | None:
        """Return what an input is called, with its unit and scale, where that is known."""
        if name.startswith(_DERIVED) and self._spoken:
            index = int(name.removeprefix(_DERIVED)) - 1
            derived = self._spoken.derived
            return derived[index] if 0 <= index < len(derived) else None
        row = self._store.database.one(
            "SELECT symbol, scale FROM series WHERE unit = ? AND name = ? ORDER BY id DESC",
            *(self._unit, name),
        )
        if row:
            return Input(name, row["symbol"], row["scale"])
        return self._spoken.channels.get(name) if self._spoken else None

    def _travel_s(self, name: str) -> float | None:
        return self._spoken.travels_s.get(name) if self._spoken else None

    def _position(self, name: str, at_s: float) -> float | None:
        travel_s = self._travel_s(name)
        return None if travel_s is None else position(self._told, name, travel_s, at_s)

    def _who(self, found: Decision) -> str:
        if found.cause == control_rules.ORDER:
            return tr("a person's order")
        if not found.rule:
            return tr("no rule: none applies, it is idle")
        named = self._named(found.rule)
        if found.cause != control_rules.BLIND:
            return named
        return tr("{named}, which is blind: {why}").format(named=named, why=self._unseen(found))

    def _unseen(self, found: Decision) -> str:
        """What a blind rule does not see."""
        names = [name for name, counts in found.inputs.items() if counts is None]
        if not names and not found.synced:
            return tr("it does not know the time, its clock was never set")
        if not names:
            return tr("it does not see what it looks at")
        known = [self._input(name) for name in names]
        called = [each.name if each else name for each, name in zip(known, names, strict=True)]
        return tr("it does not see {listed}").format(listed=", ".join(called))

    def _named(self, number: int) -> str:
        name = self._name(number)
        return (
            tr("rule {number}, '{name}'").format(number=number, name=name)
            if name
            else tr("rule {number}").format(number=number)
        )

    def _name(self, number: int) -> str:
        words = self._spoken.rules.get(number) if self._spoken else None
        return words.name if words else ""

    def _rule(self, found: Decision) -> list[str]:
        """What the rule says, where that is known."""
        if not self._spoken or not found.rule:
            return []
        words = self._spoken.rules.get(found.rule)
        if words is None or words.actuator != found.actuator:
            return [
                tr("the file has no rule {rule} of {actuator}: it is another one").format(
                    rule=found.rule, actuator=found.actuator
                )
            ]
        return [tr("it says: {says}").format(says=words.says)]


def _written(name: str, counts: int | None, scale: int, unit: str) -> str:
    if counts is None:
        return tr("{name} without a value").format(name=name)
    return f"{name} {quantities.quantity(counts, scale, symbol(unit))}"
