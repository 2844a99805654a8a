"""Alarm rules to and from loudspeakers: the order that sets them, who has them, what sounded.

plan = plan_rules(desk, load(path), request)
...                                     # the person confirms plan.summary
order = desk.send(plan, keys)
for standing in standings(store, now_s): ...
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import cbor, command, event, reasons, receipt
from fieldbeat.protocols.command import EMERGENCY

from . import alarm_rule_words, alert_places, alert_words, rule_reach, unit_clips
from .alarm_rules import RuleSet
from .alert_desk import Desk
from .alert_error import AlertError
from .alert_plan import Plan
from .alert_request import Request
from .coverage import SOUNDED, coverage
from .event_bodies import receipt_of
from .issuers import Issuer
from .language import tr
from .orders import Delivery, Order, Orders
from .quantities import quantity
from .record_words import stage_name
from .refusal_words import in_words
from .registered_unit import Unit
from .signed_commands import Window, opened
from .store import Store
from .times import DEVICE_EPOCH_S
from .wording import all_of, counted, first

WINDOW_S = 7 * 86_400.0  # a loudspeaker that is away for so long does not get them any more
RANK = (EMERGENCY, 1)
STORED = "stored"
GONE = "gone"
ID_MARK = b"rule"


@dataclass(frozen=True)
class Standing:
    """The rules of a loudspeaker, as far as it has told.

    Attributes:
        order: the newest that names it, with what became of it: `state` is stored, waiting,
            refused, silent, or gone if it has told since that it has not all of them; `why` a
            reason in words.
        rules: what it has; None if no order of this store was ever stored there.
        since_s: when it told that it has them, Unix seconds.
    """

    unit: str
    area: str
    order: Order
    state: str
    why: str
    rules: tuple[Any, ...] | None
    since_s: float | None


@dataclass(frozen=True)
class Sounding:
    """A rule that has fired; times in Unix seconds, `at_s` None where the clock was not set.

    `stage` is the last that its alert has told, '' for none; `why` a reason in words.
    """

    unit: str
    rule: int
    value: str
    channel: str
    at_s: int | None
    heard_s: float
    stage: str
    why: str
    proof: bytes | None


# The order


def plan_rules(desk: Desk, rules: RuleSet | None, request: Request) -> Plan:
    """Return what replaces the rules of loudspeakers; None takes all of them away.

    Raises:
        AlertError: a place is not known, a unit has another profile, or they are too long.
        IssuerError: nobody may order it, or it is not told who does.
    """
    places = request.areas, request.groups, request.units, request.everyone
    parts = alert_places.choose(desk.registry, *places)
    units = [unit for part in parts for unit in part.units]
    made = rules.rules if rules else ()
    if rules:
        _check_profiles(units, rules.profile)
    args = rules.args() if rules else []
    issuers = desk.chosen(request.issuers, *RANK)
    window = Window(0.0, desk.now() + (request.for_s or WINDOW_S), _last_sent_s(desk.orders))
    count = counted(len(units), "loudspeaker")
    lines = [line for rule in made for line in alarm_rule_words.words(rule)]
    verb = tr("in place of") if made else tr("takes away")
    lines.append(
        tr("{verb} all rules at {count}: {areas}").format(
            verb=verb, count=count, areas=alert_words.areas(units)
        )
    )
    lines.append(tr("signed by {listed}").format(listed=all_of(issuer.name for issuer in issuers)))
    lines += alert_words.unreached(desk.unheard(units))
    asked = [(part, args) for part in parts]
    kind, told = command.ALARM_RULES, alarm_rule_words.told(made)
    content = [step for rule in made for step in rule.alert.content]
    notes = [
        *alarm_rule_words.late(made),
        *rule_reach.notes(desk.registry, units, made),
        *(
            tr("WILL BE REFUSED at {names}: they have no clip {name}").format(
                names=alert_words.names(without), name=name
            )
            for name, without in unit_clips.lacking(desk.store, units, content).items()
        ),
    ]
    ordered = Plan(kind, RANK, told, window, asked, tuple(issuers), tuple(lines), tuple(notes))
    return desk.checked(ordered)


def _last_sent_s(orders: Orders) -> float:
    """Return the latest time that rules said they were sent at, Unix seconds.

    A loudspeaker refuses older ones, so what was signed while a clock was ahead must be followed.
    """
    made = [each for order in orders.all(command.ALARM_RULES) for each in orders.commands(order)]
    times = [opened(plaintext).sent or (0, 0) for _, plaintext, _ in made]  # as a unit takes it
    return max((DEVICE_EPOCH_S + second + ms / 1000 for second, ms in times), default=0.0)


def _check_profiles(units: Iterable[Unit], profile: str) -> None:
    """A unit of another profile would refuse them; of one without, nothing is known."""
    others = [unit for unit in units if unit.profile and unit.profile != profile]
    if others:
        unit = others[0]
        more = tr(" (and {value} more)").format(value=len(others) - 1) if len(others) > 1 else ""
        message = tr("{name}{more} has the profile '{profile}', not '{profile_2}'").format(
            name=unit.name, more=more, profile=unit.profile, profile_2=profile
        )
        raise AlertError(message, tr("name others, or correct 'profile' in the file of the rules"))


# Who has them


def standings(store: Store, now_s: float) -> list[Standing]:
    """Return the rules of every loudspeaker that was ever sent any, by area and name."""
    orders = Orders(store)
    newest: dict[str, tuple[Order, Delivery]] = {}
    stored: dict[str, tuple[Order, Delivery]] = {}
    for order in orders.all(command.ALARM_RULES):  # newest first
        for delivery in orders.deliveries(order):
            newest.setdefault(delivery.unit, (order, delivery))
            if delivery.stage == receipt.DONE:
                stored.setdefault(delivery.unit, (order, delivery))
    found = []
    for unit, (order, delivery) in newest.items():
        told = coverage(order, [delivery], now_s).units[0]
        state = STORED if told.state == SOUNDED else told.state
        rules, since_s = None, None
        why = told.why
        if unit in stored:
            by, last = stored[unit]
            rules, since_s = _rules_of(orders, by, last), last.heard_s
            left = _left(store, unit, last.command, rules)
            if len(left) < len(rules):
                rules = left
                if state == STORED:
                    state, why = GONE, tr("an update has taken them away: set them again")
        found.append(Standing(unit, delivery.area, order, state, why, rules, since_s))
    return sorted(found, key=lambda each: (each.area, each.unit))


def signed_by(desk: Desk, issuer: Issuer) -> list[str]:
    """Return a line that says where alarm rules of an issuer outlive him, or nothing."""
    found = [
        each.unit
        for each in standings(desk.store, desk.now())
        if each.state == STORED and each.rules and issuer.name in each.order.issuers.split(", ")
    ]
    if not found:
        return []
    return [
        tr(
            "GO ON: alarm rules that {name} has signed, at {units}; if the key was stolen, set"
            " them again or clear them (fieldbeat rule)"
        ).format(name=issuer.name, units=first(found))
    ]


def _rules_of(orders: Orders, order: Order, delivery: Delivery) -> tuple[Any, ...]:
    plaintexts = {id_: plaintext for id_, plaintext, _ in orders.commands(order)}
    return alarm_rule_words.of_command(plaintexts[delivery.command])


def _left(store: Store, unit: str, id_: bytes, rules: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return those of its rules that a unit has still, by what it has told since it stored them.

    It tells their numbers when it starts, and when it is asked how it is.
    """
    rows = store.database.all(
        "SELECT type, events.body FROM events JOIN records ON records.id = events.record"
        " WHERE events.unit = ? AND (type = ? OR type = ? AND instr(events.body, ?))"
        " ORDER BY run, rn",
        *(unit, event.CONFIG, event.RECEIPT, id_),
    )
    has_stored, numbers = False, None
    for row in rows:
        body = cbor.decode(row["body"])
        if row["type"] == event.CONFIG:
            numbers = body.get(event.CONFIG_RULES) if has_stored else None
        elif not has_stored:
            told = receipt_of(event.RECEIPT, body)
            has_stored = told is not None and (told.id, told.stage) == (id_, receipt.DONE)
    if not isinstance(numbers, list):  # nothing since then
        return rules
    return tuple(rule for rule in rules if rule.number in numbers)


# What sounded


def soundings(store: Store, since_s: float = 0.0) -> list[Sounding]:
    """Return the rules that have fired, by what was heard of them, newest first."""
    rows = store.database.all(
        "SELECT events.unit, events.t, events.body, run, rn, received_s FROM events"
        " JOIN records ON records.id = events.record JOIN frames ON frames.id = records.frame"
        " WHERE type = ? AND received_s >= ? ORDER BY received_s DESC, events.record DESC",
        *(event.ALARM, since_s),
    )
    found = (_sounding(store, row) for row in rows)
    return [each for each in found if each is not None]


def _sounding(store: Store, row: Any) -> Sounding | None:
    body = cbor.decode(row["body"])
    if event.ALARM_BEGINS in body:  # of a station, which sounds nothing
        return None
    try:
        value = quantity(body[event.ALARM_VALUE], body[event.ALARM_SCALE], body[event.ALARM_UNIT])
        rule, channel = int(body[event.ALARM_RULE]), str(body[event.ALARM_CHANNEL])
    except (LookupError, TypeError, ValueError, ZeroDivisionError):  # of a later version
        return None
    at_s = row["t"] if body.get(event.ALARM_SYNCED) else None
    last = _last_receipt(store, row["unit"], row["run"], ID_MARK + row["rn"].to_bytes(4, "big"))
    stage = "" if last is None else stage_name(last.stage)
    why = in_words(reasons.name(last.reason)) if last and last.reason else ""
    proof = last.proof if last else None
    return Sounding(
        *(row["unit"], rule, value, channel, at_s, row["received_s"], stage, why, proof)
    )


def _last_receipt(store: Store, unit: str, run: int, id_: bytes) -> Any:
    rows = store.database.all(
        "SELECT events.body FROM events JOIN records ON records.id = events.record"
        " WHERE events.unit = ? AND type = ? AND run = ? AND instr(events.body, ?)"
        " ORDER BY rn DESC LIMIT 4",
        *(unit, event.RECEIPT, run, id_),
    )
    for row in rows:
        found = receipt_of(event.RECEIPT, cbor.decode(row["body"]))
        if found is not None and found.id == id_:
            return found
    return None
