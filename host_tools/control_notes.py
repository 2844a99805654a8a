"""What is allowed of a station's actuators and rules, but a person should know."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import boards, control_fights, control_volumes, times
from .control_plan import Plan, read
from .control_tables import SKIP
from .language import tr
from .wording import all_of

if TYPE_CHECKING:
    from .node_config import NodeConfig

LOW, HIGH = 3, 4  # of a rule's row
LONG_LEASE_S = 1800
DAY_S, HALF_DAY_S, S_PER_DEGREE = 86_400, 43_200, 240
MOST_APART_S = 12_600  # the clock of the west of China is 3 h 6 min from its sun
LONG_HOLD_S = {True: 600, False: 3600}  # of a rule that overrides, of another


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield what is allowed, and what a person should know of it."""
    plan = read(config)
    if plan is None:
        return
    if (control_volumes.span_s(plan.control.stale) or 0) > LONG_LEASE_S:
        yield tr(
            "[control] stale = '{stale}': for so long a dead sensor counts as what it was, and "
            "what runs by it runs on"
        ).format(stale=plan.control.stale)
    yield from _clock_apart(plan)
    yield from _contacts_shared(plan)
    yield from _late(plan)
    yield from _idle_always(plan)
    yield from control_fights.notes(plan)
    for name, actuator in plan.actuators.items():
        lease_s = control_volumes.span_s(actuator.lease) or 0
        if lease_s > LONG_LEASE_S:
            yield (
                tr(
                    "[actuator.{name}] lease = '{lease}': if the rules hang, {name} goes on "
                    "for so long before it is safe; ten looks are {span}"
                ).format(
                    name=name, lease=actuator.lease, span=times.span(10 * plan.control.look_s)
                )
            )
        part = config.board.fitted[name]
        if part.part == "modbus_relay" and not boards.opens_by_itself(part):
            yield (
                tr(
                    "[actuator.{name}]: its relay board ({map}) knows no time, so it stays "
                    "on when its line is cut, whatever lease and max_run say; take one as in "
                    "drivers/maps/relays_8_timed.json, or a time relay in the cabinet"
                ).format(name=name, map=part.map)
            )
        rules = [rule for rule, _ in plan.rules if rule.actuator == name]
        if not rules:
            yield tr("[actuator.{name}]: no rule has it, only a person's order runs it").format(
                name=name
            )
        elif len(rules) == 1 and rules[0].blind == SKIP:
            yield (
                tr(
                    "[[rule]] {number} blind = 'skip': it is the only rule of {name}, which "
                    "is idle ({idle}) while a channel is missing"
                ).format(number=rules[0].number, name=name, idle=plan.actuators[name].idle)
            )


def _idle_always(plan: Plan) -> Iterator[str]:
    """An actuator whose rules all want what it does without them."""
    for name, actuator in plan.actuators.items():
        own = [row for rule, row in plan.rules if rule.actuator == name]
        if own and all(row[LOW] == row[HIGH] == actuator.idle for row in own):
            yield tr(
                "[actuator.{name}]: its rules want nothing but what it does without any, idle = "
                "{idle}; only a person's order ever changes it"
            ).format(name=name, idle=actuator.idle)


def _clock_apart(plan: Plan) -> Iterator[str]:
    """A clock that the sun of the place does not keep: a wrong zone, east for west."""
    if plan.place is None:
        return
    longitude = plan.place[1]
    apart_s = abs((plan.utc_offset_s - longitude * S_PER_DEGREE + HALF_DAY_S) % DAY_S - HALF_DAY_S)
    if apart_s > MOST_APART_S:
        yield tr(
            "[control] utc_offset = '{utc_offset}': noon is {span} from the sun's at longitude "
            "{longitude}; correct one of them (east of Greenwich both are positive)"
        ).format(utc_offset=plan.control.utc_offset, span=times.span(apart_s), longitude=longitude)


def _contacts_shared(plan: Plan) -> Iterator[str]:
    """A contact that means something to several actuators, which may be wanted."""
    uses: dict[str, list[str]] = {}
    for name, actuator in plan.actuators.items():
        for key in ("switch", "interlock"):
            if contact := getattr(actuator, key):
                uses.setdefault(contact, []).append(
                    tr("{key} of {name}").format(key=key, name=name)
                )
    for contact, who in uses.items():
        if len(who) > 1:
            yield tr("[fitted.{contact}]: is {listed}: it stops all of them at once").format(
                contact=contact, listed=all_of(who)
            )


def _late(plan: Plan) -> Iterator[str]:
    """Rules that act when what they are about may have passed."""
    for rule, _ in plan.rules:
        for hold in [when.hold for when in rule.when if when.hold]:
            if (control_volumes.span_s(hold) or 0) > LONG_HOLD_S[rule.overrides]:
                yield tr(
                    "[[rule]] {number} hold = '{hold}': it acts only when each look for so long "
                    "was beyond its mark, and what it is about may have passed by then"
                ).format(number=rule.number, hold=hold)
