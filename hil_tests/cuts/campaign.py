"""The whole campaign: every distinct cut of a golden run, judged in parallel processes.

    results = run(Options(depth=2), progress=print)

At depth 2 the recovery from every distinct state is recorded like the golden run itself, and each
of its operations is cut again. Of states with one key (`Judge.key`) one is judged: first cuts of
other bytes are judged all the same, and have to live the same life as the one of their key.

Before anything is judged, real boards are cut and their flash compared with the bytes that were
rebuilt: if they differ, nothing here would mean anything, and it ends.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..results.judged import processor_s
from ..results.results import commit
from ..virtual.errors import BenchError
from . import states, workers
from .findings import Options, Results, count
from .judge import Cut, Judge
from .promises import promises
from .recorder import record
from .states import Name, Rebuilt
from .tape import Recording
from .trial import Verdict
from .workers import Recovery, Workers

CHUNK = 8  # cuts that a process takes at once
SELF_CHECKS = 2
Progress = Callable[[int, int], object]  # cuts that are judged, cuts that are known


def run(options: Options, progress: Progress = lambda done, total: None) -> Results:
    """Record, rebuild, judge.

    Args:
        options: what to judge.
        progress: is told how many cuts are judged and how many are known.

    Raises:
        BenchError: the golden run failed, or a real cut left other bytes than the rebuilt one.
    """
    began, worked = time.perf_counter(), processor_s()
    jobs = options.jobs or len(os.sched_getaffinity(0))
    results = Results(options.story, options.seed, options.depth, jobs, options.states)
    results.part = "/".join(map(str, options.part))
    results.started = datetime.now(UTC).isoformat(timespec="seconds")
    results.commit = commit(Path(__file__).parent)
    recording = record(options.story, options.seed)
    _check_end(recording)
    judge = Judge(recording, promises(recording))
    names = _first_cuts(options, judge, results)
    results.recording_s = time.perf_counter() - began
    with Workers(jobs, recording, judge.promised) as pool:
        _self_check(pool, recording, results)
        campaign = _Campaign(options, results, pool, progress)
        campaign.cut_once(judge, names)
        if options.depth > 1:
            campaign.cut_again()
    results.seconds = time.perf_counter() - began
    results.processor_s = processor_s() - worked
    return results


def _first_cuts(options: Options, judge: Judge, results: Results) -> list[Name]:
    """The cuts of the golden run whose bytes, or what follows them, are like no other's."""
    recording = judge.recording
    numbers = _numbers(options.numbers, len(recording.ops))
    names = list(states.distinct(recording, numbers))
    results.operations, results.distinct_states = len(recording.ops), len(names)
    results.cuts = len(states.every(recording, numbers))
    names += states.before_taken(recording, numbers)
    return sorted(names, key=lambda name: name.number)


def _numbers(asked: range | None, last: int) -> range:
    if asked is None:
        return range(1, last + 1)
    if asked.start < 1 or asked.stop - 1 > last or not len(asked):
        raise BenchError(
            f"there are no operations {asked.start}..{asked.stop - 1}: the run has 1..{last}"
        )
    return asked


class _Campaign:
    """The two rounds of a campaign, and what the second has to know of the first."""

    def __init__(
        self, options: Options, results: Results, pool: Workers, progress: Progress
    ) -> None:
        self._options = options
        self._results = results
        self._pool = pool
        self._progress = progress
        self._recoveries: list[tuple[Name, Recovery]] = []

    def cut_once(self, judge: Judge, names: list[Name]) -> None:
        """Judge first cuts; of one key the first one's recovery is what is cut again."""
        results = self._results
        by_key: dict[bytes, list[Name]] = {}
        for name in names:
            by_key.setdefault(judge.key(name), []).append(name)
        results.distinct_keys = len(by_key)
        first_ones = [alike[0] for alike in by_key.values()]
        others = share([name for alike in by_key.values() for name in alike[1:]], self._options)
        results.judged = total = len(first_ones) + len(others)
        if self._options.depth > 1:
            found = self._pool.each(
                workers.recover, first_ones, lambda done: self._progress(done, total)
            )
            self._recoveries = list(zip(first_ones, found, strict=True))
            verdicts = [recovery.verdict for recovery in found]
            for alike, recovery in zip(by_key.values(), found, strict=True):
                results.second_cuts += len(alike) * recovery.cuts
        else:
            verdicts = self._judge(first_ones, 0, total)
        lives = {first.cut: first for first in verdicts}
        same = {str(name): lives[str(alike[0])] for alike in by_key.values() for name in alike}
        verdicts += self._judge(others, len(first_ones), total)
        compare(verdicts, same)
        count(results, verdicts)

    def _judge(self, names: list[Name], before: int, total: int) -> list[Verdict]:
        chunks = [names[at : at + CHUNK] for at in range(0, len(names), CHUNK)]
        verdicts = self._pool.each(
            workers.judge,
            chunks,
            lambda done: self._progress(before + min(len(names), done * CHUNK), total),
        )
        return [verdict for part in verdicts for verdict in part]

    def cut_again(self) -> None:
        """Judge every second cut that is like none before."""
        results, seen = self._results, set()
        found: list[tuple[Name, Name]] = []
        for first, recovery in self._recoveries:
            for second, key in recovery.states:
                if key not in seen:
                    seen.add(key)
                    found.append((first, second))
        results.distinct_second_states = len(found)
        self._check_again(found)
        by_first: dict[Name, list[Name]] = {}
        for first, second in share(found, self._options):
            by_first.setdefault(first, []).append(second)
        tasks = list(by_first.items())
        done, total = results.judged, results.judged + sum(map(len, by_first.values()))
        ends = [done]
        for _, seconds in tasks:
            ends.append(ends[-1] + len(seconds))
        verdicts = self._pool.each(
            workers.judge_again, tasks, lambda finished: self._progress(ends[finished], total)
        )
        for part in verdicts:
            results.second_judged += len(part)
            count(results, part)

    def _check_again(self, found: Sequence[tuple[Name, Name]]) -> None:
        """Cut real boards a second time."""
        chance = random.Random(self._options.seed)
        cuts = [Cut(a, b) for a, b in chance.sample(found, min(SELF_CHECKS, len(found)))]
        for cut, equal in zip(cuts, self._pool.each(workers.is_so_again, cuts), strict=True):
            _must_be_so(str(cut), equal)
            self._results.self_checks.append(str(cut))


def share(cuts: list, options: Options) -> list:
    """What belongs to this part of the campaign; all parts together have everything once."""
    part, parts = options.part
    return cuts[part - 1 :: parts]


def compare(verdicts: Iterable[Verdict], first_ones: dict[str, Verdict]) -> None:
    """Whoever has the key of another one has to live its life: else the key says nothing."""
    for verdict in verdicts:
        first = first_ones[verdict.cut]
        if not verdict.invalid and verdict.life != first.life:
            verdict.invalid = f"it has the key of {first.cut}, but lives another life"


# Self-checks


def _check_end(recording: Recording) -> None:
    rebuilt = Rebuilt(recording)
    rebuilt.go_to(len(recording.ops) + 1)
    if bytes(rebuilt.data) != recording.flash_at_end:
        raise BenchError("self-check failed: the operations do not add up to the flash at the end")


def _self_check(pool: Workers, recording: Recording, results: Results) -> None:
    last = len(recording.ops)
    numbers = sorted(random.Random(recording.seed).sample(range(1, last + 1), SELF_CHECKS))
    for number, equal in zip(numbers, pool.each(workers.is_so, numbers), strict=True):
        _must_be_so(str(number), equal)
        results.self_checks.append(str(number))


def _must_be_so(cut: str, equal: bool) -> None:
    if not equal:
        raise BenchError(
            f"self-check failed: a board that is cut at {cut} has other bytes than the rebuilt "
            "state; is the golden run the same each time?"
        )
