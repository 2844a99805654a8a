"""Rules of two actuators that work against each other: heat while the roof lets it out.

Judged where both look at one channel and nothing else: one acts below a mark and the other above
one. Between where the first ends and the second begins nobody should find both.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fieldbeat.protocols.control_rules import CLOCK, LEVEL, RUNS

from . import control_clock, quantities
from .control_clock import Spans
from .control_plan import Plan
from .control_tables import Rule
from .language import tr

Row = Sequence[Any]
Days = list[tuple[int, int]]
ACTUATOR, LOW, HIGH, ALONG, CONDITIONS = 1, 3, 4, 6, 8  # of a row


def notes(plan: Plan) -> Iterator[str]:
    """Yield pairs of rules that may have both of their actuators on in one band."""
    days = control_clock.suns(plan.place, plan.utc_offset_s)[::7]
    for low_rule, low in plan.rules:
        for high_rule, high in plan.rules:
            ends, begins = _ends_below(low), _begins_above(high)
            if ends is None or begins is None or low[ACTUATOR] == high[ACTUATOR]:
                continue
            if ends[0] != begins[0] or begins[1] >= ends[1]:
                continue
            if _apart(low, high) or not any(_both(plan, low, high, day) for day in days):
                continue
            channel = plan.inputs.channels[ends[0]]
            first, last = (quantities.told(n, channel) for n in (begins[1], ends[1]))
            yield (
                tr(
                    "[[rule]] {number} and {number_2}: {who} until {name} is {last}, and "
                    "{who_2} from {first} on: in between they work against each other; put "
                    "their marks apart, or add unless"
                ).format(
                    number=low_rule.number,
                    number_2=high_rule.number,
                    who=_who(low_rule),
                    name=channel.name,
                    last=last,
                    who_2=_who(high_rule),
                    first=first,
                )
            )


def _who(rule: Rule) -> str:
    return tr("{actuator} may be on").format(actuator=rule.actuator)


def _levels(row: Row) -> list[Row]:
    return [each for each in row[CONDITIONS] if each[0] == LEVEL]


def _ends_below(row: Row) -> tuple[int, int] | None:
    """Input and counts until which a rule acts that looks only whether it is below a mark."""
    levels = _levels(row)
    if row[ALONG] or not row[LOW] or len(levels) != 1 or not levels[0][4]:
        return None
    _, index, counts, back, _, _ = levels[0]
    return index, counts + back


def _begins_above(row: Row) -> tuple[int, int] | None:
    """The same from where on a rule acts that looks only whether it is above one."""
    levels = _levels(row)
    if row[ALONG]:
        index, begin, end, _ = row[ALONG]
        opens = not levels and end > begin and row[HIGH] > row[LOW]
        return (index, begin) if opens else None
    if not row[LOW] or len(levels) != 1 or levels[0][4]:
        return None
    _, index, counts, back, _, _ = levels[0]
    return index, counts - back


def _apart(low: Row, high: Row) -> bool:
    """Whether one waits for the other to stand still."""
    return [RUNS, high[ACTUATOR], False] in low[CONDITIONS] or (
        [RUNS, low[ACTUATOR], False] in high[CONDITIONS]
    )


def _both(plan: Plan, low: Row, high: Row, day: tuple[int, int]) -> bool:
    """Whether both may have their actuators at some time of a day."""
    spans = control_clock.both(_spans(plan, low, day), _spans(plan, high, day))
    return any(begin < end for begin, end in spans)


def _spans(plan: Plan, row: Row, day: tuple[int, int]) -> Spans:
    """When a rule may have its actuator: not while a rule of the clock before it has."""
    spans = control_clock.spans(_clocks(row), *day)
    for _, other in plan.rules:
        if other is row:
            break
        only_clock = all(each[0] == CLOCK for each in other[CONDITIONS])
        if other[ACTUATOR] == row[ACTUATOR] and only_clock:
            for begin, end in control_clock.spans(_clocks(other), *day):
                rest = [(0, begin), (end, control_clock.DAY_S)]
                spans = control_clock.both(spans, rest)
    return spans


def _clocks(row: Row) -> list[Row]:
    return [each for each in row[CONDITIONS] if each[0] == CLOCK]
