"""Rules of control that contradict each other, hide each other, or can never apply.

It judges the rows that a unit gets (`protocols/control_rules.py`), by what each condition says;
what several channels do together nobody knows.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fieldbeat.protocols.control_rules import CLOCK, EVERY, LEVEL, RUNS

from . import control_clock, quantities
from .control_plan import Plan
from .control_tables import SKIP, Rule
from .language import tr
from .wording import all_of

Row = Sequence[Any]
Days = list[tuple[int, int]]
# Of a row.
ACTUATOR, LOW, HIGH, ALONG, DOSE, CONDITIONS = 1, 3, 4, 6, 7, 8


def problems(plan: Plan) -> Iterator[str]:
    """Yield what is wrong of the rules of a plan that reads well."""
    days = control_clock.suns(plan.place, plan.utc_offset_s)
    never = set()
    for rule, row in plan.rules:
        turns = list(_turns(rule, row, days))
        yield from turns
        for why in [] if turns else _never(plan, row, days):
            never.add(rule.number)
            yield tr("[[rule]] {number} when: {why}, so it can never apply").format(
                number=rule.number, why=why
            )
    yield from _loops(plan)
    fine = [(rule, row) for rule, row in plan.rules if rule.number not in never]
    for n, (rule, row) in enumerate(fine):
        before = [each for each in fine[:n] if each[1][ACTUATOR] == row[ACTUATOR]]
        hider = next((r for r, other in before if _hides(r, other, row, days)), None)
        if hider:
            yield (
                tr(
                    "[[rule]] {number}: rule {number_2} always applies where it does and has "
                    "{value} priority; change that, or take one of them away"
                ).format(
                    number=rule.number,
                    number_2=hider.number,
                    value=tr("the same") if _rank(hider) == _rank(rule) else tr("the higher"),
                )
            )
            continue
        for other_rule, other in before:
            if _rank(other_rule) == _rank(rule) and _contradict(other, row, days):
                yield (
                    tr(
                        "[[rule]] {number} priority = {priority}: rule {number_2} has the same "
                        "one, wants {actuator} otherwise, and both may apply at once; give one "
                        "of them a higher priority"
                    ).format(
                        number=rule.number,
                        priority=rule.priority,
                        number_2=other_rule.number,
                        actuator=rule.actuator,
                    )
                )


def _rank(rule: Rule) -> tuple[bool, int]:
    return rule.overrides, rule.priority


def _of(kind: int, row: Row) -> list[Any]:
    return [condition for condition in row[CONDITIONS] if condition[0] == kind]


def _turns(rule: Rule, row: Row, days: Days) -> Iterator[str]:
    for clock in _of(CLOCK, row):
        if day := control_clock.turn(clock, days):
            ends = control_clock.told(*clock[1:3]), control_clock.told(*clock[3:5])
            yield (
                tr(
                    "[[rule]] {number} when from = '{ends}', to = '{ends_2}': they pass each "
                    "other about {day}, and the window that was empty the day before is "
                    "nearly the whole day; choose times that stay in their order all year"
                ).format(number=rule.number, ends=ends[0], ends_2=ends[1], day=day)
            )


def _never(plan: Plan, row: Row, days: Days) -> Iterator[str]:
    """Why the conditions of a rule never hold together."""
    levels = _of(LEVEL, row)
    for above in levels:
        for below in levels:
            if above[1] == below[1] and below[4] and not above[4] and above[2] >= below[2]:
                channel = plan.inputs.channels[above[1]]
                over, under = (quantities.told(each[2], channel) for each in (above, below))
                yield tr("{name} is never above {over} and below {under} at once").format(
                    name=channel.name, over=over, under=under
                )
    runs = {(condition[1], condition[2]) for condition in _of(RUNS, row)}
    for index, wanted in runs:
        if wanted and (index, False) in runs:
            name = list(plan.actuators)[index]
            yield tr("{name} never runs and stands still at once").format(name=name)
    clocks = _of(CLOCK, row)
    if clocks and not any(control_clock.spans(clocks, *day) for day in days):
        told = all_of(
            f"{control_clock.told(*c[1:3])} .. {control_clock.told(*c[3:5])}" for c in clocks
        )
        yield tr("{told} is no time at all").format(told=told)


# One rule and another


def _hides(rule: Rule, first: Row, second: Row, days: Days) -> bool:
    """Whether the first rule has the actuator whenever the second one applies."""
    if first[DOSE]:
        return False  # it ends
    along = first[ALONG]
    seen = {condition[1] for condition in _of(LEVEL, second)}
    seen |= {each[0] for each in (second[ALONG], second[DOSE]) if each}
    if along and rule.blind == SKIP and along[0] not in seen:
        return False
    clocks = _of(CLOCK, first)
    if clocks and not all(
        control_clock.covers(
            control_clock.spans(clocks, *day), control_clock.spans(_of(CLOCK, second), *day)
        )
        for day in days
    ):
        return False
    return all(
        any(_implies(given, wanted) for given in second[CONDITIONS])
        for wanted in first[CONDITIONS]
        if wanted[0] != CLOCK
    )


def _implies(given: Row, wanted: Row) -> bool:
    """Whether a condition holds whenever another one does, from its begin to its end."""
    if given[0] != wanted[0]:
        return False
    if given[0] == RUNS:
        return list(given) == list(wanted)
    if given[0] == EVERY:
        return given[2] == wanted[2] and given[1] <= wanted[1]
    if given[0] != LEVEL or given[1] != wanted[1] or given[4] != wanted[4]:
        return False
    sign = -1 if given[4] else 1
    begins = sign * given[2] >= sign * wanted[2] and given[5] >= wanted[5]
    return begins and sign * given[2] - given[3] >= sign * wanted[2] - wanted[3]


def _contradict(first: Row, second: Row, days: Days) -> bool:
    """Whether two rules want something else and may apply at once."""
    if first[LOW] == first[HIGH] == second[LOW] == second[HIGH]:
        return False
    if any(_excludes(one, other) for one in first[CONDITIONS] for other in second[CONDITIONS]):
        return False
    clocks = [*_of(CLOCK, first), *_of(CLOCK, second)]
    return not clocks or any(control_clock.spans(clocks, *day) for day in days)


def _excludes(one: Row, other: Row) -> bool:
    """Whether two conditions never hold at once, those included that are not yet back."""
    if one[0] != other[0] or one[1] != other[1]:
        return False
    if one[0] == RUNS:
        return one[2] != other[2]
    if one[0] != LEVEL or one[4] == other[4]:
        return False
    below, above = (one, other) if one[4] else (other, one)
    # Above holds for more than its threshold less `back`, below for less than its own and `back`.
    return above[2] - above[3] >= below[2] + below[3] - 1


# Actuators that wait for each other


def _loops(plan: Plan) -> Iterator[str]:
    """An actuator whose rule looks at another one, which looks at the first in turn."""
    names = list(plan.actuators)
    edges: dict[int, dict[int, str]] = {n: {} for n in range(len(names))}
    for rule, row in plan.rules:
        for _, index, wanted in _of(RUNS, row):
            word = "while" if wanted else "unless"
            text = f"[[rule]] {rule.number} {word} = '{names[index]}'"
            edges[row[ACTUATOR]].setdefault(index, text)
    for n, name in enumerate(names):
        for other in plan.actuators[name].needs:
            edges[n].setdefault(names.index(other), f"[actuator.{name}] needs '{other}'")
    if path := circle(edges):
        steps = [edges[a][b] for a, b in zip(path, [*path[1:], path[0]], strict=True)]
        whole = ", ".join(steps)
        if len(steps) == 1:
            yield tr("{whole}: it depends on itself, and would never start or never rest").format(
                whole=whole
            )
        elif any("[[rule]]" in step for step in steps):  # else told of its actuators
            yield (
                tr(
                    "{whole}: they depend on each other, and would wait for ever or switch "
                    "to and fro; let one of them look at channels only"
                ).format(whole=whole)
            )


def circle(edges: Mapping[Any, Iterable[Any]]) -> list[Any]:
    """Return some of which each leads to the next, and the last to the first; [] for none."""

    def walk(path: list[Any]) -> list[Any]:
        for other in edges.get(path[-1], ()):
            if other in path:
                return path[path.index(other) :]
            if other not in seen and (found := walk([*path, other])):
                return found
        seen.add(path[-1])
        return []

    seen: set[Any] = set()
    return next((found for each in edges if each not in seen and (found := walk([each]))), [])
