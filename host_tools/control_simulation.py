"""Rules of control over recorded or stored values, with the very code that a unit runs.

At each step (`look_s`): derived values, rules, actuators with their limits. A motor is where it is
told to be at once, no switch stands on manual, and nothing fails: what the rules themselves do.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from fieldbeat.protocols import actuator, control_rules, derived, sun

from .control_data import Data
from .control_plan import Plan

DAY_S = 86_400
KEPT_S = 600  # derived values are kept so often, and of a short time more
KEPT_LEAST = 200
# Position in a row of Plan.rows.
IDLE, SAFE, LEASE_S, MAX_RUN_S, MIN_PAUSE_S, MAX_DAY_S, NEEDS = range(1, 8)
_VALUE, _CAUSE, _NUMBER, _WHY = range(4)


@dataclass
class Run:
    """What an actuator did. Times in seconds.

    Attributes:
        starts: how often it began to run.
        moves: how often its value changed.
        by_s: how long each decided, by (cause, number of the rule).
        held: how often, and `held_s` how long, each limit kept it from what was wanted, by its
            code of actuator.py.
        values: (Unix seconds, value) from each change on, None where nobody knows it.
        blind: from when to when (Unix seconds) what it looks at was not known, or it itself.
    """

    name: str
    on_s: int = 0
    value_s: int = 0  # per cent times seconds
    starts: int = 0
    moves: int = 0
    by_s: Counter[tuple[int, int]] = field(default_factory=Counter)
    held: Counter[int] = field(default_factory=Counter)
    held_s: Counter[int] = field(default_factory=Counter)
    values: list[tuple[int, int | None]] = field(default_factory=list)
    blind: list[tuple[float, float]] = field(default_factory=list)

    @property
    def blind_s(self) -> int:
        """How long a rule decided that did not see what it looks at."""
        return sum(s for (cause, _), s in self.by_s.items() if cause == control_rules.BLIND)


@dataclass
class Simulation:
    """What became of it, from `begin_s` to `end_s` (Unix seconds).

    Attributes:
        missing: channels that the data do not have.
        unknown_s: how long each other input had no value.
        derived: (Unix seconds, counts) of derived values, some an hour.
        suns: sunrise and sunset of each day, Unix seconds.
    """

    begin_s: int
    end_s: int
    runs: list[Run]
    missing: list[str]
    unknown_s: Counter[str] = field(default_factory=Counter)
    derived: dict[str, list[tuple[int, int | None]]] = field(default_factory=dict)
    suns: list[tuple[float, float]] = field(default_factory=list)


def run(
    plan: Plan,
    data: Data,
    from_s: float | None = None,
    to_s: float | None = None,
    moved: Callable[[str, int, int], object] | None = None,
    seen: Callable[[int], None] = lambda done_s: None,
) -> Simulation:
    """Simulate a plan over data; None: from their begin, to their end.

    Args:
        moved: is told the name of an actuator, its value and the Unix seconds at each change, for
            data that answer to it.
        seen: is told each day how many seconds are done.
    """
    step_s = plan.control.look_s
    begin_s = math.ceil((data.begin_s if from_s is None else from_s) / step_s) * step_s
    end_s = math.floor(data.end_s if to_s is None else min(to_s, data.end_s))
    missing = [name for name in plan.inputs.used if name not in data.columns]
    made = Simulation(begin_s, end_s, [Run(name) for name in plan.actuators], missing)
    made.derived = {name: [] for name in plan.inputs.derived}
    _Station(plan, data, made, moved).live(begin_s, end_s, step_s, seen)
    return made


class _Station:
    def __init__(
        self,
        plan: Plan,
        data: Data,
        made: Simulation,
        moved: Callable[[str, int, int], object] | None,
    ) -> None:
        self._plan, self._data, self._made, self._moved = plan, data, made, moved
        table = plan.to_device_map()
        self._inputs = table["inputs"]
        names = plan.inputs.names
        self._derived = derived.Derived(table["derived"])
        idle = [row[IDLE] for row in plan.rows]
        rows = [row for _, row in plan.rules]
        self._rules = control_rules.Rules(rows, len(names), idle, plan.stale_s)
        self._actuators = [
            actuator.Actuator(*row[SAFE : MAX_DAY_S + 1], row[NEEDS], 0) for row in plan.rows
        ]
        self._states: list[Any] = [None] * len(plan.rows)
        self._since_s = [0] * len(plan.rows)

    def live(self, begin_s: int, end_s: int, step_s: int, seen: Callable[[int], None]) -> None:
        plan, actuators, rules = self._plan, self._actuators, self._rules
        nobody = [None] * len(actuators)
        kept_s = min(KEPT_S, (end_s - begin_s) // KEPT_LEAST)
        looks_kept = max(1, kept_s // step_s)
        looks = (end_s - begin_s) // step_s + 1
        samples = zip(*self._columns(begin_s, step_s), strict=True)
        local_s = begin_s + plan.utc_offset_s
        day, clock = -1, (0, 0, 0)
        for n, values in enumerate(islice(samples, max(0, looks))):
            now_s = n * step_s
            today, second = divmod(local_s + now_s, DAY_S)
            if today != day:
                day, clock = today, self._clock(today)
                seen(now_s)
                if n:
                    for each in actuators:
                        each.new_day()
            clock = second, clock[1], clock[2]
            reckoned = self._derived.reckon(now_s, day, values)
            inputs = (*values, *reckoned)
            rules.decide(now_s, inputs, clock, [each.value for each in actuators], nobody)
            for each, value in zip(actuators, rules.values, strict=True):
                each.ask(value, now_s)
            self._step(begin_s, now_s)
            for end_s in self._run_ends(begin_s, now_s, step_s):
                self._step(begin_s, end_s)
            if None in inputs:
                self._note_unknown(inputs, step_s)
            if n % looks_kept == 0:
                for name, counts in zip(self._made.derived, reckoned, strict=True):
                    self._made.derived[name].append((begin_s + now_s, counts))
        for index in range(len(actuators)):
            self._close(index, max(0, looks) * step_s)

    def _step(self, begin_s: int, now_s: int) -> None:
        # On a unit a step is a second: what needs another one starts well within a look.
        while actuator.step(self._actuators, now_s):
            self._note(begin_s, now_s)
        self._note(begin_s, now_s)

    def _run_ends(self, begin_s: int, now_s: int, step_s: int) -> list[int]:
        """When runs end before the next look, by max_run or max_day: a dose may be shorter."""
        ends = set()
        for each, row, run in zip(self._actuators, self._plan.rows, self._made.runs, strict=True):
            if each.value and row[MAX_RUN_S]:
                ends.add(run.values[-1][0] - begin_s + row[MAX_RUN_S])
            if each.value and row[MAX_DAY_S]:
                ends.add(now_s + row[MAX_DAY_S] - each.spent_s)
        return sorted(end_s for end_s in ends if now_s < end_s < now_s + step_s)

    def _columns(self, begin_s: int, step_s: int) -> list[Iterator[int | None]]:
        channels = self._plan.inputs.used.values()
        return [self._data.counts(channel, begin_s, step_s) for channel in channels]

    def _clock(self, today: int) -> tuple[int, int, int]:
        plan = self._plan
        if plan.place is None:
            return 0, 0, 0
        date = datetime.fromtimestamp(today * DAY_S, UTC)
        rise_s, set_s = sun.times(date.timetuple().tm_yday - 1, *plan.place, plan.utc_offset_s)
        midnight_s = today * DAY_S - plan.utc_offset_s
        self._made.suns.append((midnight_s + rise_s, midnight_s + set_s))
        return 0, rise_s, set_s

    # What each does is noted when it changes.

    def _note(self, begin_s: int, now_s: int) -> None:
        rules = self._rules
        states, causes, numbers = self._states, rules.causes, rules.numbers
        for index, each in enumerate(self._actuators):
            state = (each.value, causes[index], numbers[index], each.why)
            if state != states[index]:
                self._close(index, now_s)
                self._open(index, state, begin_s + now_s)
                self._since_s[index] = now_s

    def _open(self, index: int, state: tuple[int, int, int, int], at_s: int) -> None:
        run, before = self._made.runs[index], self._states[index]
        if before is None or state[_VALUE] != before[_VALUE]:
            if run.values and run.values[-1][0] == at_s:
                run.values.pop()  # within a look
            run.values.append((at_s, state[_VALUE]))
            if self._moved:
                self._moved(run.name, state[_VALUE], at_s)
            if before is not None:
                run.moves += 1
            if state[_VALUE] and not (before and before[_VALUE]):
                run.starts += 1
        why = state[_WHY]
        if why not in (actuator.ASKED, actuator.NEEDS) and not (before and before[_WHY] == why):
            run.held[why] += 1
        self._states[index] = state

    def _close(self, index: int, now_s: int) -> None:
        state, run = self._states[index], self._made.runs[index]
        if state is None:
            return
        lasted_s = now_s - self._since_s[index]
        if state[_CAUSE] == control_rules.BLIND and lasted_s:
            begin_s = self._made.begin_s
            run.blind.append((begin_s + self._since_s[index], begin_s + now_s))
        run.on_s += lasted_s if state[_VALUE] else 0
        run.value_s += lasted_s * state[_VALUE]
        run.by_s[state[_CAUSE], state[_NUMBER]] += lasted_s
        if state[_WHY] != actuator.ASKED:
            run.held_s[state[_WHY]] += lasted_s
        if state[_WHY] == actuator.NEEDS and lasted_s:  # what only starts after another is not
            run.held[actuator.NEEDS] += 1

    def _note_unknown(self, inputs: tuple[int | None, ...], step_s: int) -> None:
        for name, counts in zip(self._plan.inputs.names, inputs, strict=True):
            if counts is None and name not in self._made.missing:
                self._made.unknown_s[name] += step_s
