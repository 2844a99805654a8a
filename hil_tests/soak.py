"""A station, or several, lives for weeks under seeded random faults: `fieldbeat bench soak`.

    results = run(Options(days=30, seed=1))
    results.broken      # promises, in plain words
    results.invalid     # faults that never took effect: then the run proves nothing

Faults come one after the other, each on one station, until the last day, which is quiet. At the
end the books are checked (`faults/ledger.py`), the free heap of the first days is compared with
that of the last ones, and every day's bytes with the unit's budget.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fieldbeat.protocols import frame

from .faults.kinds import KINDS, LONG, NotFired, Slot
from .faults.ledger import Ledger
from .results.results import make_folder
from .trace import Difference, Trace
from .virtual.board import VirtualBoard
from .virtual.network import UP
from .virtual.site import Site, config

HOUR_S = 3600
DAY_S = 24 * HOUR_S
DAY_US = DAY_S * 1_000_000
QUIET_S = 14 * HOUR_S  # at the end: what is behind is made up for
LONG_FROM_DAYS = 10
HEAP_DRIFT = 0.05  # of the free heap, from the first days to the last ones
QUESTIONS = 3  # for the heap, each quarter of a day
ANSWER_US = 5_000_000
PAUSE_US = 600_000_000  # longer than a wake


@dataclass(frozen=True)
class Options:
    """What to live through."""

    days: float = 30
    seed: int = 1
    stations: int = 1
    report: Path | None = None


@dataclass
class Results:
    """What a soak has found; JSON as it stands."""

    days: float
    seed: int
    stations: int
    digest: str = ""
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)  # kinds, and how often each came
    effects: dict[str, int] = field(default_factory=dict)  # what took effect, and how often
    resets: int = 0
    records: int = 0
    samples: int = 0
    datagrams_up: int = 0
    datagrams_down: int = 0
    most_bytes_a_day: int = 0
    budget_bytes_a_day: int = 0
    free_heap: dict[str, list[int]] = field(default_factory=dict)  # of each unit, four a day
    broken: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: all held; 1: something broke; 2: it proves nothing."""
        return 2 if self.invalid else 1 if self.broken else 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"exit_code": self.exit_code}


class Soak:
    """One run on a site of its own."""

    def __init__(self, options: Options, site: Site) -> None:
        self.options = options
        self.site = site
        self.results = Results(options.days, options.seed, options.stations)
        self.chance = random.Random(f"soak {options.seed}")
        self.trace = Trace(site)
        self.stations: dict[str, VirtualBoard] = {}
        self.lives: dict[str, list[int]] = {}
        self.end_us = round(options.days * DAY_US)

    def live(self, progress: Callable[[str], object]) -> None:
        """All days, and the verdict."""
        for number in range(1, self.options.stations + 1):
            node = config(f"gh-{number:02d}")
            station = self.stations[node.tables.node.name] = self.site.add_station(node)
            self.trace.follow(node.tables.node.name, station)
            self.results.budget_bytes_a_day = node.tables.uplink.budget_bytes_day
        self.site.world.listeners.append(self._note_lives)
        self._plan_questions()
        self.site.run_for(2 * HOUR_S)
        try:
            self._faults(progress)
        except NotFired as error:
            self.results.invalid.append(str(error))
        self._rest()
        self._judge()

    # Faults, one after the other

    def _faults(self, progress: Callable[[str], object]) -> None:
        names: list[str] = []
        while self.site.world.now_us < self.end_us - QUIET_S * 1_000_000:
            if not names:
                possible = set(KINDS) - (LONG if self.options.days < LONG_FROM_DAYS else set())
                names = sorted(possible)
                self.chance.shuffle(names)
            name = names.pop()
            unit = self.chance.choice(sorted(self.stations))
            day = self.site.world.now_us / DAY_US
            progress(f"day {day:5.2f}  {unit}  {name.replace('_', ' ')}")
            slot = Slot(self.site, self.stations[unit], self.chance)
            try:
                KINDS[name](slot)
                self.results.effects = dict(Counter(self.results.effects) + Counter(slot.close()))
            except NotFired as error:
                slot.give_up()
                raise NotFired(f"day {day:.2f}, {unit}, {name}: {error}") from error
            self.results.faults[name] = self.results.faults.get(name, 0) + 1
            slot.hours(0.5, 4)

    def _rest(self) -> None:
        left_us = self.end_us - self.site.world.now_us
        self.site.run_for(max(left_us / 1e6, QUIET_S))

    # The free heap at rest, as the unit's own `status` tells it. A wake takes 3 kB while it lasts,
    # and resets move the wakes; so the unit is asked several times, and the most counts.

    def _plan_questions(self) -> None:
        for unit, station in self.stations.items():
            heap = self.results.free_heap[unit] = []
            self.site.world.call_after(DAY_US // 4, partial(self._ask, station, heap, []))

    def _ask(self, station: VirtualBoard, heap: list[int], told: list[int]) -> None:
        begin = len(station.console.transcript)
        station.console_write(b"status\r")

        def read() -> None:
            said = b"".join(bytes(data) for _, data in station.console.transcript[begin:])
            told.append(int(([b"0", *re.findall(rb"heap +(\d+) bytes free", said)])[-1]))
            if len(told) < QUESTIONS:
                self.site.world.call_after(PAUSE_US, partial(self._ask, station, heap, told))
                return
            if any(told):  # else it was off
                heap.append(max(told))
            next_us = DAY_US // 4 - QUESTIONS * ANSWER_US - (QUESTIONS - 1) * PAUSE_US
            self.site.world.call_after(next_us, partial(self._ask, station, heap, []))

        self.site.world.call_after(ANSWER_US, read)

    # The verdict

    def _note_lives(self, at_us: int, who: object, what: str, _more: str) -> None:
        if what == "reset":
            for unit, station in self.stations.items():
                if who is station:
                    self.lives.setdefault(unit, [0]).append(at_us)

    def _judge(self) -> None:
        results = self.results
        ledger = Ledger(self.site)
        broken = ledger.broken()
        for unit in self.stations:
            view = self.site.views.unit(unit, self.site.now_s)
            results.records += view.records
            times = ledger.times(unit)
            results.samples += len(times)
            if not times or self.site.now_s - times[-1] > 2 * HOUR_S + 600:
                broken.append(f"{unit}: silent at the end, its last sample is old")
            broken += self._heap_drift(unit)
        broken += self._over_budget()
        if not results.invalid:  # else nothing is proved, for or against
            results.broken += broken
        results.resets = sum(len(station.resets) for station in self.stations.values())
        results.datagrams_up = self.site.network.counts["up_sent"]
        results.datagrams_down = self.site.network.counts["down_sent"]
        results.digest = self.trace.digest()

    def _heap_drift(self, unit: str) -> list[str]:
        heap = self.results.free_heap[unit]
        third = len(heap) // 3
        if third < 2:
            return []
        first, last = statistics.median(heap[:third]), statistics.median(heap[-third:])
        if first - last > HEAP_DRIFT * first:
            return [f"{unit}: free heap fell from {first} to {last} bytes"]
        return []

    def _over_budget(self) -> list[str]:
        """A unit's day is one of its uptime; a reset begins a new one."""
        spent: Counter[tuple[str, int, int]] = Counter()
        kids = {unit.kid: unit.name for unit in self.site.registry.units()}
        for at_us, direction, datagram in self.site.network.capture:
            if direction == UP:
                unit = kids[frame.parse(datagram, self.site.registry.kid_size).kid]
                life_us = max(us for us in self.lives.get(unit, [0]) if us <= at_us)
                spent[unit, life_us, (at_us - life_us) // DAY_US] += len(datagram)
        self.results.most_bytes_a_day = max(spent.values(), default=0)
        budget = self.results.budget_bytes_a_day
        over = [(unit, size) for (unit, _, _), size in spent.items() if size > budget]
        return [f"{unit}: sent {size} bytes in a day that has {budget}" for unit, size in over]


def run(
    options: Options,
    progress: Callable[[str], object] = lambda text: None,
    expected: Path | None = None,
) -> tuple[Results, Difference | None]:
    """Live through it; with `expected`, the trace of an earlier run, tell where they differ."""
    began = time.perf_counter()
    if options.report is not None:
        make_folder(options.report)
    with Site(seed=options.seed, loss=0.01, duplicate=0.01) as site:
        soak = Soak(options, site)
        soak.live(progress)
        difference = soak.trace.difference(expected) if expected else None
        soak.results.seconds = round(time.perf_counter() - began, 1)
        if options.report is not None:
            soak.trace.write(options.report / "soak.trace.gz")
            text = json.dumps(soak.results.as_dict(), indent=1)
            (options.report / "soak.json").write_text(text + "\n")
    return soak.results, difference


def text_of(results: Results) -> str:
    """The counts, for a person."""
    kinds, count = len(results.faults), sum(results.faults.values())
    by_name = sorted(results.faults.items())
    heaps = [size for heap in results.free_heap.values() for size in heap]
    lines = [
        f"soak of {results.days:g} days, seed {results.seed}, {results.stations} station(s), "
        f"{results.seconds:g} s",
        f"faults     {count} of {kinds} kinds, {sum(results.effects.values())} effects",
        *(f"           {times} {name.replace('_', ' ')}" for name, times in by_name),
        f"resets     {results.resets}",
        f"records    {results.records} stored with {results.samples} samples",
        f"datagrams  {results.datagrams_up} up, {results.datagrams_down} down; at most "
        f"{results.most_bytes_a_day} of {results.budget_bytes_a_day} bytes in a day",
        f"free heap  {min(heaps, default=0)} to {max(heaps, default=0)} bytes",
        f"digest     {results.digest}",
    ]
    lines += [f"broken     {promise}" for promise in results.broken]
    lines += [f"INVALID    never took effect: {fault}" for fault in results.invalid]
    verdict = ("every promise held", "a promise was broken", "the run proves nothing")
    lines.append(verdict[results.exit_code])
    options = f"--days {results.days:g}"
    if results.stations > 1:
        options += f" --stations {results.stations}"
    lines.append(f"again      fieldbeat bench replay {results.seed} {options}")
    return "\n".join(lines)


def soak(options: Options, as_json: bool) -> int:
    """The verb `fieldbeat bench soak`."""
    quiet = as_json or not sys.stderr.isatty()
    results, _ = run(options, lambda text: None if quiet else print(text, file=sys.stderr))
    print(json.dumps(results.as_dict(), indent=1) if as_json else text_of(results))
    return results.exit_code
