"""What a unit has told of its actuators: the decisions and faults in a store, in their order."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple

from fieldbeat.protocols import actuator, cbor, control_rules, event

from . import decisions, motor_position, obeyed_orders
from .decisions import Decision, Fault
from .gaps import Gaps
from .language import tr
from .motor_position import Leg
from .store import Store
from .times import iso, span

# The time of the report next to a record that a unit made with its clock set.
_WORDS = (
    "SELECT {what} FROM records JOIN reports ON reports.record = records.id WHERE unit = ?"
    " AND (run, rn) {way} (?, ?) AND synced ORDER BY run {order}, rn {order} LIMIT 1"
)


@dataclass(frozen=True)
class Told:
    """A decision, or a fault, and when; Unix seconds, None where the clock was not set.

    Attributes:
        anew: the unit began, and with it the actuator is at rest until something is told of it.
        unknown: why nobody knows what it does from here on, until more is told of it; '' else.
        after_s, by_s: without `at_s`: it was after the unit's last word before, and had been by
            its first word after.
    """

    at_s: float | None
    actuator: str
    decision: Decision | None = None
    fault: Fault | None = None
    anew: bool = False
    unknown: str = ""
    after_s: float = -inf
    by_s: float = inf


def of_unit(store: Store, unit: str, most: int = -1) -> list[Told]:
    """Return what a unit told of its actuators, in the order in which it did.

    Args:
        most: how many, the last ones; all of them.
    """
    rows = store.database.all(
        "SELECT type, t, body, run, rn, received_s FROM events"
        " JOIN records ON records.id = events.record JOIN frames ON frames.id = frame"
        " WHERE events.unit = ? AND type IN (?, ?, ?) ORDER BY run DESC, rn DESC LIMIT ?",
        *(unit, event.DECISION, event.ACTUATOR_FAULT, event.BOOT, most),
    )
    told: list[Told] = []
    names: dict[str, None] = {}
    holes = sorted(Gaps(store).holes(unit))
    for row in reversed(rows):
        place = row["run"], row["rn"]
        while holes and holes[0] < place:
            told += _lost(store, unit, holes.pop(0), names)
        found = [_placed(store, unit, row, each) for each in _read(row, names)]
        names |= {each.actuator: None for each in found}
        told += found
    for hole in holes:
        told += _lost(store, unit, hole, names)
    told += [each for name in names if (each := _ended(store, unit, name, told))]
    return _ordered(told)


def _ended(store: Store, unit: str, name: str, found: list[Told]) -> Told | None:
    """Return that an order which an actuator follows has an end, if no more was told of it."""
    own = [told for told in found if told.actuator == name and (told.decision or told.unknown)]
    decision = own[-1].decision if own else None
    if decision is None or decision.cause != control_rules.ORDER:
        return None
    order = obeyed_orders.last(store, unit, name)
    if order is None or order.value not in (decision.value, None):
        return None
    why = tr("the order has ended, and what was decided then has not come yet")
    return Told(None, name, unknown=why, after_s=order.end_s)


def _read(row: Any, names: Iterable[str]) -> list[Told]:
    """Return what an event tells; a unit does not tell of what is still at rest after a start."""
    body = cbor.decode(row["body"])
    if row["type"] == event.BOOT:
        at_s = row["t"] if body.get(event.BOOT_SYNCED) else None
        idle = control_rules.IDLE, 0, actuator.ASKED
        return [Told(at_s, name, Decision(name, 0, *idle), anew=True) for name in names]
    found = decisions.parse(body) if row["type"] == event.DECISION else None
    fault = decisions.parse_fault(body) if row["type"] == event.ACTUATOR_FAULT else None
    what = found or fault
    if what is None:  # of a later version
        return []
    return [Told(row["t"] if what.synced else None, what.actuator, found, fault)]


def _lost(store: Store, unit: str, hole: tuple[int, int], names: Iterable[str]) -> list[Told]:
    after_s = _word_before(store, unit, *hole)
    why = tr("records of it are missing")
    return [Told(None, name, unknown=why, after_s=after_s) for name in names]


def _placed(store: Store, unit: str, row: Any, told: Told) -> Told:
    """Return it with the times between which it was, where the clock was not set."""
    if told.at_s is not None:
        return told
    place = row["run"], row["rn"]
    after_s = _word_before(store, unit, *place)
    next_row = store.database.one(
        _WORDS.format(what="first_t", way=">", order="ASC"), unit, *place
    )
    by_s = min(row["received_s"], next_row[0] if next_row else inf)
    return replace(told, after_s=after_s, by_s=by_s)


def _word_before(store: Store, unit: str, run: int, rn: int) -> float:
    row = store.database.one(_WORDS.format(what="last_t", way="<", order="DESC"), unit, run, rn)
    return row[0] if row else -inf


def _ordered(found: list[Told]) -> list[Told]:
    """Return them with times that also the known ones around them bound."""
    after_s, by_s = -inf, inf
    ahead: list[Told] = []
    for told in found:
        after_s = max(after_s, told.after_s if told.at_s is None else told.at_s)
        ahead.append(replace(told, after_s=after_s))
    for n in reversed(range(len(ahead))):
        told = ahead[n]
        by_s = min(by_s, told.by_s if told.at_s is None else told.at_s)
        ahead[n] = replace(told, by_s=max(by_s, told.after_s))
    return ahead


class Step(NamedTuple):
    """From `begin_s` on what was told counts; not `known`: until the next one nobody knows."""

    begin_s: float
    told: Told
    known: bool = True

    @property
    def decision(self) -> Decision | None:
        """What it did, None where nobody knows."""
        return self.told.decision if self.known else None


def steps(found: Iterable[Told], name: str, until_s: float = inf) -> list[Step]:
    """Return what an actuator was told, from each time on, up to a time.

    What was told without a clock counts from the time by which it had happened for certain; until
    then, from the unit's last word before on, nobody knows what it did.
    """
    made: list[Step] = []
    for told in found:
        if told.actuator != name or not (told.decision or told.unknown):
            continue
        if told.at_s is not None:
            made.append(Step(told.at_s, told))
            continue
        begin_s = max(told.after_s, made[-1].begin_s if made else -inf)
        if told.unknown or begin_s < told.by_s:
            made.append(Step(begin_s, told, False))
        if told.decision:
            made.append(Step(told.by_s, told))
    return [step for step in made if step.begin_s <= until_s]


def last(found: list[Told]) -> dict[str, Told]:
    """Return the last decision of each actuator, by its name."""
    return {told.actuator: told for told in found if told.decision}


def faults(found: list[Told]) -> list[Told]:
    """Return the faults that no decision after them has ended."""
    standing: dict[str, Told] = {}
    for told in found:
        if told.fault:
            standing[told.actuator] = told
        elif told.decision and told.decision.why != actuator.FAULT:
            standing.pop(told.actuator, None)
    return list(standing.values())


def position(found: list[Told], name: str, travel_s: float, at_s: float) -> float | None:
    """Return where a motor stood at a time, in per cent; None where nobody knew."""
    return motor_position.reckoned(map(_leg, steps(found, name)), travel_s, at_s)


def _leg(step: Step) -> Leg:
    found, told = step.decision, step.told
    if found is None or found.why in decisions.STOPPED:
        return Leg(step.begin_s, None)
    return Leg(step.begin_s, found.value, told.anew, late=told.at_s is None)


def brief(found: list[Told], now_s: float, travels_s: dict[str, float]) -> list[str]:
    """Return what each actuator does: 'fan on for 2 h: rule 6'.

    Args:
        found: all that is known to have been told.
        travels_s: of motors, from end to end: they are not at once where they are told to be.
    """
    lines = []
    for name, told in last(found).items():
        now = steps(found, name, now_s)
        if now and not now[-1].known:
            lines.append(tr("{name} not known: {why}").format(name=name, why=why_unknown(now[-1])))
            continue
        travel_s = travels_s.get(name)
        if travel_s is None:
            lines.append(_brief(told, now_s))
            continue
        stands = motor_position.in_words(position(found, name, travel_s, now_s))
        lines.append(f"{_brief(told, now_s, is_motor=True)}; {stands}")
    return lines


def _brief(told: Told, now_s: float, is_motor: bool = False) -> str:
    found = told.decision
    if found is None:
        return fault_told(told)
    who = (
        tr("rule {rule}").format(rule=found.rule)
        if found.rule
        else tr(decisions.cause_name(found.cause))
    )
    blind = tr(" (blind)") if found.cause == control_rules.BLIND else ""
    held = "" if found.why == actuator.ASKED else f", {decisions.why_name(found.why)}"
    since = "" if told.at_s is None else tr(" for {value}").format(value=span(now_s - told.at_s))
    return (
        f"{found.actuator} {decisions.value_in_words(found, is_motor)}{since}: {who}{blind}{held}"
    )


def fault_told(told: Told) -> str:
    """Return a fault in a few words."""
    since = "" if told.at_s is None else tr(" since {at_s}").format(at_s=iso(told.at_s))
    return tr("{actuator} is at fault{since}: it {value}").format(
        actuator=told.actuator, since=since, value=told.fault.text if told.fault else tr("failed")
    )


def why_unknown(step: Step) -> str:
    """Return why nobody knows what an actuator did from a step on."""
    if step.told.unknown:
        return step.told.unknown
    if step.told.anew:
        return tr("it began anew then, and its clock was not set")
    return tr("its clock was not set")
