"""What is said of rules together, against what they do: random rules over random values.

The oracle is the code of the unit. What is judged to hide, to exclude or never to hold must do so
in every walk; whether all of it is found, no walk can tell; `FOUND` counts that some is.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from fieldbeat.host_tools import control_clock, control_logic
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.control_rules import CLOCK, EVERY, LEVEL, RULE, RUNS, SUNRISE, SUNSET, Rules

DAYS = [(21_600, 64_800), (18_000, 70_000), (27_000, 59_000)]
FOUND: Counter[str] = Counter()

levels = st.builds(
    lambda index, threshold, back, below, hold: [LEVEL, index, threshold, back, below, hold],
    *(st.integers(0, 1), st.integers(2, 8), st.integers(0, 3), st.booleans()),
    st.sampled_from([0, 0, 60]),
)
clocks = st.builds(
    lambda base, begin, other, end: [CLOCK, base, begin, other, end],
    *(st.sampled_from([0, SUNRISE]), st.sampled_from([0, 3600, 7200, 20_000])),
    *(st.sampled_from([0, SUNSET]), st.sampled_from([-7200, 0, 3600, 30_000])),
)
turns = st.builds(lambda s, more: [EVERY, s, s + more], st.just(60), st.sampled_from([60, 240]))
runs = st.builds(lambda index, wanted: [RUNS, index, wanted], st.just(1), st.booleans())
conditions = st.lists(levels | levels | clocks | turns | runs, max_size=3)
alongs = st.none() | st.builds(lambda index: [index, 2, 8, 10], st.integers(0, 1))


@st.composite
def rules(draw, number: int) -> list[Any]:
    along = draw(alongs)
    high = draw(st.sampled_from([40, 100]))
    blind = draw(st.sampled_from([None, 0]))
    return [number, 0, False, 0 if along else high, high, blind, along, None, draw(conditions)]


def walk(seed: int) -> list[tuple[int, list[int | None], tuple[int, int, int], list[bool]]]:
    """Return (second, values, clock, running) of a day of a station."""
    chance = random.Random(seed)
    values: list[int | None] = [5, 5]
    found = []
    for now_s in range(0, 86_400, 300):
        for index in (0, 1):
            step = chance.choice((-2, -1, 0, 0, 1, 2))
            before = values[index]
            values[index] = min(10, max(0, (5 if before is None else before) + step))
            if chance.random() < 0.03:
                values[index] = None
        day = DAYS[chance.randrange(len(DAYS))]
        now = now_s + chance.choice((0, 30, 60, 120))
        found.append((now, list(values), (now % 86_400, *day), [False, chance.random() < 0.5]))
    return found


def decided(*rows: list[Any], seed: int) -> list[tuple[int, int]]:
    """Return the cause and the rule of each look."""
    made = Rules(rows, 2, [0, 0], 90)
    found = []
    for now_s, values, clock, running in walk(seed):
        made.decide(now_s, values, clock, running, [None, None])
        found.append((made.causes[0], made.numbers[0]))
    return found


class Named:
    """As much of a plan as the judge of one rule looks at."""

    class Inputs:
        channels = ()

    inputs = Inputs()
    actuators = ("one", "two")


def never(row: list[Any]) -> bool:
    from fieldbeat.host_tools.profiles import Channel

    form: dict[str, Any] = {"name": "a", "from": "a.b", "unit": "1", "scale": 1}
    channel = Channel(**form, minimum=0, maximum=10, dead_band=0)
    Named.Inputs.channels = (channel, channel)  # type: ignore[assignment]
    return any(True for _ in control_logic._never(Named(), row, DAYS))  # type: ignore[arg-type]


def strictly_never(row: list[Any]) -> bool:
    """Marks that cross are refused though `back` leaves a moment at which both may hold."""
    above = [c for c in row[8] if c[0] == LEVEL and not c[4]]
    below = [c for c in row[8] if c[0] == LEVEL and c[4]]
    return not any(a[1] == b[1] and a[2] - a[3] < b[2] + b[3] - 1 for a in above for b in below)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rules(1), st.integers(0, 99), st.none() | levels, st.integers(-4, 4))
def _a_rule_that_can_never_apply_never_does(row, seed, level, away):
    if level:
        other = [*level[:2], level[2] + away, level[3], not level[4], 0]
        row = [*row[:8], [*row[8][:1], level, other]]
    if never(row) and strictly_never(row):
        FOUND["never"] += 1
        assert (RULE, 1) not in decided(row, seed=seed)


def test_a_rule_that_can_never_apply_never_does():
    _a_rule_that_can_never_apply_never_does()
    assert FOUND["never"] > 10


changes = st.tuples(st.integers(-1, 2), st.integers(-1, 1), st.sampled_from([0, 0, 60]))


def _nearly(condition: list[Any], change: tuple[int, int, int]) -> list[Any]:
    """Return a level with another mark, `back` and hold, or turns of another period."""
    if condition[0] == EVERY:
        return [EVERY, 60, 300 if change[0] else condition[2]]
    if condition[0] != LEVEL:
        return condition
    mark = condition[2] + (-change[0] if condition[4] else change[0])
    return [*condition[:2], mark, max(0, condition[3] + change[1]), condition[4], change[2]]


class Skipping:
    def __init__(self, row: list[Any]) -> None:
        self.blind = -2 if row[5] is None else -1


@settings(max_examples=600, deadline=None, derandomize=True)
@given(rules(1), rules(2), st.integers(0, 99), st.none() | st.lists(changes, min_size=3))
def _a_rule_that_is_hidden_never_decides(first, second, seed, changed):
    if changed:  # or hardly any would be
        nearly = [_nearly(*pair) for pair in zip(first[8], changed, strict=False)]
        second = [*second[:8], [*second[8][:1], *nearly]]
    judged = control_logic._hides(Skipping(first), first, second, DAYS)  # type: ignore[arg-type]
    if judged:
        FOUND["hidden"] += 1
        assert (RULE, 2) not in decided(first, second, seed=seed)


def test_a_rule_that_is_hidden_never_decides():
    _a_rule_that_is_hidden_never_decides()
    assert FOUND["hidden"] > 10


@settings(max_examples=600, deadline=None, derandomize=True)
@given(rules(1), rules(2), st.integers(0, 99), st.none() | levels, st.integers(-4, 4))
def _rules_that_do_not_contradict_never_want_two_things(first, second, seed, level, away):
    if level:  # the other side of a mark: or hardly any would be kept apart by one
        other = [*level[:2], level[2] + away, level[3], not level[4], 0]
        first, second = [*first[:8], [level]], [*second[:8], [other]]
    if control_logic._contradict(first, second, DAYS):
        return
    FOUND["apart"] += 1
    both = zip(decided(first, seed=seed), decided(second, seed=seed), strict=True)
    together = any(one[0] == RULE == other[0] for one, other in both)
    same = first[3:5] == second[3:5] and not (first[6] or second[6])
    assert same or not together


def test_rules_that_do_not_contradict_never_want_two_things():
    _rules_that_do_not_contradict_never_want_two_things()
    assert FOUND["apart"] > 10


def test_windows_as_a_unit_sees_them():
    """Spans of a day against the unit's own clock, minute by minute."""
    for clock in ([CLOCK, 0, 79_200, 0, 14_400], [CLOCK, SUNRISE, 1800, SUNSET, -3600]):
        for day in (*DAYS, (0, 86_400), (43_200, 43_200)):
            spans = control_clock.spans([clock], *day)
            made = Rules([[1, 0, False, 100, 100, None, None, None, [clock]]], 0, [0], 90)
            for second in range(0, 86_400, 60):
                made.decide(second, (), (second, *day), [0], [None])
                inside = any(begin <= second < end for begin, end in spans)
                assert inside == bool(made.values[0]), (clock, day, second)
