"""Rules of control in plain words."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldbeat.protocols.control_rules import CLOCK, LEVEL, RUNS

from . import control_clock, control_volumes, decisions, quantities
from .control_plan import Plan
from .control_tables import SAFE, SKIP, Rule
from .language import tr
from .profiles import Channel
from .times import span

Row = Sequence[Any]
ACTUATOR, LOW, HIGH, ALONG, DOSE, CONDITIONS = 1, 3, 4, 6, 7, 8  # of a row
MOTOR = "two_relay_motor"


def title(rule: Rule) -> str:
    """Return a rule's number and name."""
    return f"{rule.number} {rule.name}".rstrip()


def value(plan: Plan, actuator: str, given: int) -> str:
    """Return a value of an actuator: a motor's is 'closed' or 'open', or between."""
    if plan.parts.get(actuator) == MOTOR:
        return {0: tr("closed"), 100: tr("open")}.get(given, f"{given} %")
    return decisions.in_words(given)


def does(plan: Plan, row: Row) -> str:
    """Return what a rule does: '40 %', 'from 0 % at 24.00 Cel to 100 % at 30.00 Cel'."""
    along, dose = row[ALONG], row[DOSE]
    text = value(plan, list(plan.actuators)[row[ACTUATOR]], row[LOW])
    if along:
        channel = plan.inputs.channels[along[0]]
        begin, end = (quantities.told(counts, channel) for counts in along[1:3])
        text = tr(
            "{row} % at {begin} to {row_2} % at {end} of {name}, in steps of {along} %"
        ).format(
            row=row[LOW], begin=begin, row_2=row[HIGH], end=end, name=channel.name, along=along[3]
        )
    if dose:
        channel = plan.inputs.channels[dose[0]]
        text += tr(" until {name} has grown by {told}").format(
            name=channel.name, told=quantities.told(dose[1], channel)
        )
    return text


def when(plan: Plan, row: Row) -> str:
    """Return the conditions of a rule, 'always' where it has none."""
    first, *others = conditions(plan, row) or [tr("always")]
    return " ".join([first, *(tr("and {condition}").format(condition=each) for each in others)])


def conditions(plan: Plan, row: Row) -> list[str]:
    """Return each condition of a rule."""
    return [condition(plan, each) for each in row[CONDITIONS]]


def condition(plan: Plan, given: Row) -> str:
    """Return one condition."""
    kind = given[0]
    if kind == LEVEL:
        return _level(plan, given)
    if kind == CLOCK:
        return tr("{told} to {told_2}").format(
            told=control_clock.told(*given[1:3]), told_2=control_clock.told(*given[3:5])
        )
    if kind == RUNS:
        name = list(plan.actuators)[given[1]]
        does = tr("is open") if plan.parts.get(name) == MOTOR else tr("runs")
        template = tr("while {name} {does}") if given[2] else tr("unless {name} {does}")
        return template.format(name=name, does=does)
    return tr("for {given} every {given_2}").format(given=span(given[1]), given_2=span(given[2]))


def _level(plan: Plan, given: Row) -> str:
    _, index, counts, back, below, hold_s = given
    channel = plan.inputs.channels[index]
    end = counts + back if below else counts - back
    side = tr("{channel} below {mark}") if below else tr("{channel} above {mark}")
    text = side.format(channel=channel.name, mark=_told(counts, channel))
    if back:
        text += tr(" until {told}").format(told=_told(end, channel))
    return text + (tr(", for {hold_s}").format(hold_s=span(hold_s)) if hold_s else "")


def _told(counts: int, channel: Channel) -> str:
    return span(counts) if channel.unit == "s" else quantities.told(counts, channel)


def blind(plan: Plan, rule: Rule) -> str:
    """Return what a rule does where a channel is missing."""
    if rule.blind == SKIP:
        return tr("is passed over")
    if rule.blind == SAFE:
        told = tr("safe: {value}").format(
            value=value(plan, rule.actuator, plan.actuators[rule.actuator].safe)
        )
    else:
        told = value(plan, rule.actuator, rule.blind)
    return tr("{told}, before orders").format(told=told) if rule.overrides else told


def limits(plan: Plan, name: str) -> str:
    """Return what an actuator may do."""
    given = plan.actuators[name]
    parts = [f"{tr(key)} {value(plan, name, getattr(given, key))}" for key in ("idle", "safe")]
    parts.append(tr("lease {lease}").format(lease=given.lease))
    for key, text in (
        (tr("at most {} at once"), given.max_run),
        (tr("pause of {}"), given.min_pause),
        (tr("at most {} a day"), given.max_day),
    ):
        if text:
            parts.append(key.format(control_volumes.told(text, given.rate)))
    parts += [tr("needs {other}").format(other=other) for other in given.needs]
    parts += [f"{tr(key)} {c}" for key in ("switch", "interlock") if (c := getattr(given, key))]
    if given.confirm:
        confirm = given.confirm
        parts.append(
            tr("confirmed by {channel} above {above} in {within}").format(
                channel=confirm.channel, above=confirm.above, within=confirm.within
            )
        )
    return ", ".join(parts)
