"""Has a unit hold an actuator at a value for a time, and tells what has become of that.

plan = operation_orders.plan(desk, "gh-07", "roof", 40, 1200, [])
...  # the person confirms plan.summary
order = desk.send(plan, keys)
answer = operation_orders.answer(desk.store, order)
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fieldbeat.protocols import command, receipt

from . import control_spoken, decisions, unit_orders
from .alert_desk import Desk
from .alert_error import AlertError
from .alert_plan import Plan
from .board_model import SWITCHES
from .decision_reasons import Why
from .language import tr
from .orders import Order
from .store import Store
from .times import span
from .unit_orders import REFUSED, WAITING, Answer
from .validation import did_you_mean

ROLE = "station"
# What comes much later than it was meant surprises who stands in the house.
WINDOW_S = 3600.0
LATEST_REPORTS = 2  # a unit hears of it when it reports
MOST_S = 86_400
OBEYED = "obeyed"


def value_of(text: str) -> int | None:
    """Return the value that a person asks for; None for the rules'.

    Raises:
        AlertError: it is none.
    """
    named = {"on": 100, "open": 100, "off": 0, "closed": 0, "auto": None}
    if text in named:
        return named[text]
    if not text.isdigit() or int(text) > 100:
        step = tr("give on, off, open, closed, auto, or a number from 0 to 100")
        raise AlertError(tr("'{text}' is no value of an actuator").format(text=text), step)
    return int(text)


def plan(
    desk: Desk,
    unit: str,
    actuator: str,
    value: int | None,
    for_s: float | None,
    issuers: Sequence[str],
) -> Plan:
    """Return the order that holds an actuator at a value, or leaves it to the rules again.

    Args:
        desk: where it is made.
        unit: the name of a station with actuators.
        actuator: its name there.
        value: 0 to 100, None: as the rules have it.
        for_s: how long it is held, whole seconds up to a day.
        issuers: who signs, by name; nobody: who alone may.

    Raises:
        AlertError: there is no such unit or actuator, it cannot have that value, or it is not said
            for how long.
        IssuerError: nobody may order it, or it is not told who does.
    """
    found = desk.registry.unit(unit)
    if found is None or found.role != ROLE:
        known = ", ".join(each.name for each in desk.registry.units() if each.role == ROLE)
        raise AlertError(
            tr("no station is called '{unit}'").format(unit=unit),
            tr("known: {value}").format(value=known or tr("none")),
        )
    spoken = control_spoken.parse(desk.registry.control(unit))
    _check_actuator(spoken, unit, actuator, value)
    if value is not None and not (for_s and 1 <= for_s <= MOST_S):
        step = tr("say how long, at most a day: --for '20 min'")
        told = (
            tr("{actuator} cannot be held for {span}").format(actuator=actuator, span=span(for_s))
            if for_s
            else tr("{actuator} cannot be held for ever").format(actuator=actuator)
        )
        raise AlertError(told, step)
    told = tr("{actuator} as its rules have it").format(actuator=actuator)
    if value is not None and for_s:
        is_motor = spoken is not None and actuator in spoken.travels_s
        ends = {0: tr("closed"), 100: tr("open")} if is_motor else {}
        told = tr("{actuator} {ends} for {for_s}").format(
            actuator=actuator, ends=ends.get(value, decisions.in_words(value)), for_s=span(for_s)
        )
    args = (actuator, value, None if value is None else int(for_s or 0))
    where = tr("at {unit}, if it hears of it by {{}}").format(unit=unit)
    more = (tr("its limits, its switch and rules that override an order count all the same"),)
    window_s = _window_s(found.report_interval_s)
    order = command.OPERATE, args, told, where
    return unit_orders.plan(desk, found, *order, issuers, tr("an actuator"), window_s, more)


def _check_actuator(
    spoken: control_spoken.Spoken | None, unit: str, actuator: str, value: int | None
) -> None:
    """Raise for what the unit would refuse or round, where the registry knows its actuators."""
    if spoken is None or not spoken.actuators:
        return
    part = spoken.actuators.get(actuator)
    if part is None:
        near = did_you_mean(actuator, spoken.actuators)
        raise AlertError(
            tr("{unit} has no actuator '{actuator}'").format(unit=unit, actuator=actuator), near
        )
    if part in SWITCHES and value not in (None, 0, 100):
        message = tr("{actuator} of {unit} is a {part} and cannot be at {value} %").format(
            actuator=actuator, unit=unit, part=part, value=value
        )
        raise AlertError(message, tr("give on, off or auto"))


def answer(store: Store, order: Order) -> Answer:
    """Return what has become of an order until now."""
    delivery, refusal = unit_orders.delivery_of(store, order)
    if refusal:
        return Answer(REFUSED, refusal)
    if delivery.stage in (receipt.ACCEPTED, receipt.STARTED, receipt.DONE):
        return Answer(OBEYED)
    never = (
        "" if delivery.tries else tr("it gets it when it reports, and 'fieldbeat collect' runs")
    )
    return Answer(WAITING, never, is_last=False)


def overruled(desk: Desk, unit: str, actuator: str, found: Answer) -> Answer:
    """Return the answer, with the rule that has the actuator all the same and goes before it."""
    if found.state != OBEYED:
        return found
    spoken = control_spoken.parse(desk.registry.control(unit))
    rule = Why(desk.store, unit, spoken).overruling(actuator, desk.now())
    return replace(found, why=tr("but {rule} goes before it").format(rule=rule)) if rule else found


def _window_s(report_interval_s: int | None) -> float:
    return max(WINDOW_S, LATEST_REPORTS * float(report_interval_s or 0))
