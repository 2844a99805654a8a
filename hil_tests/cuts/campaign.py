"""The whole campaign: every distinct cut of a golden run, judged in parallel processes.

    results = run(Options(depth=2), progress=print)

Before anything is judged, a real board is cut at some operations and its flash compared with the
bytes that were rebuilt: if they differ, nothing here would mean anything, and it ends.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..results.results import commit
from ..virtual.errors import BenchError
from . import states
from .judge import Cut, Judge, Verdict, parse
from .promises import Promise, promises
from .recorder import Recording, record
from .states import Name, Rebuilt

CHUNK = 8  # cuts that a process takes at once
SELF_CHECKS = 2
KINDS_OF_LETTER = {"p": states.PROGRAM_KINDS, "e": states.ERASE_KINDS}


@dataclass
class Options:
    """What to judge; `numbers` None: every operation."""

    numbers: range | None = None
    depth: int = 1
    story: str = "full"
    seed: int = 1
    jobs: int = 0  # 0: one a processor

    @property
    def states(self) -> str:
        """The numbers as `--states` takes them."""
        if self.numbers is None:
            return "all"
        return f"{self.numbers.start}..{self.numbers.stop - 1}"


@dataclass
class Results:
    """What a campaign has found; JSON as it stands."""

    story: str
    seed: int
    depth: int
    jobs: int
    states: str = "all"  # as --states takes it
    started: str = ""  # ISO 8601
    commit: str = ""
    operations: int = 0
    distinct_states: int = 0
    judged: int = 0
    second_cuts: int = 0
    distinct_second_states: int = 0
    self_checks: list[int] = field(default_factory=list)
    recording_s: float = 0.0
    seconds: float = 0.0
    processor_s: float = 0.0  # of all processors together, boards included
    failures: list[dict[str, Any]] = field(default_factory=list)
    invalid: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: all held; 1: something broke; 2: it was no campaign."""
        if self.invalid or not self.judged:
            return 2
        return 1 if self.failures else 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"exit_code": self.exit_code}


def run(
    options: Options, progress: Callable[[int, int], object] = lambda done, total: None
) -> Results:
    """Record, rebuild, judge.

    Args:
        options: what to judge.
        progress: is told how many cuts are judged and how many there are.

    Raises:
        BenchError: the golden run failed, or a real cut left other bytes than the rebuilt one.
    """
    began, worked = time.perf_counter(), _processor_s()
    jobs = options.jobs or len(os.sched_getaffinity(0))
    results = Results(options.story, options.seed, options.depth, jobs, options.states)
    results.started = datetime.now(UTC).isoformat(timespec="seconds")
    results.commit = commit(Path(__file__).parent)
    recording = record(options.story, options.seed)
    promised = promises(recording)
    last = len(recording.ops)
    _check_end(recording)
    numbers = _numbers(options.numbers, last)
    names = list(states.distinct(recording, numbers))
    results.operations, results.distinct_states = last, len(names)
    names += states.before_taken(recording, numbers)
    names.sort(key=lambda name: name.number)
    results.recording_s = time.perf_counter() - began
    with _pool(jobs, recording, promised) as pool:
        results.self_checks = _self_check(pool, recording, last)
        cuts = [Cut(name) for name in names]
        total = len(cuts) * options.depth
        first = _judge_all(pool, cuts, lambda done: progress(done, total))
        _count(results, first)
        results.judged = len(first)
        if options.depth > 1:
            seconds = list(second_cuts(first, options.seed))
            done_before = len(cuts)
            again = _judge_all(pool, seconds, lambda done: progress(done_before + done, total))
            _count(results, again)
            results.second_cuts = len(again)
            results.distinct_second_states = len({verdict.flash_key for verdict in again})
    results.seconds = time.perf_counter() - began
    results.processor_s = _processor_s() - worked
    return results


def _processor_s() -> float:
    """What this process and those that it has waited for have worked."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _numbers(asked: range | None, last: int) -> range:
    if asked is None:
        return range(1, last + 1)
    if asked.start < 1 or asked.stop - 1 > last or not len(asked):
        raise BenchError(
            f"there are no operations {asked.start}..{asked.stop - 1}: the run has 1..{last}"
        )
    return asked


def second_cuts(verdicts: Sequence[Verdict], seed: int) -> Iterator[Cut]:
    """One more cut for each state: at a seeded operation of its recovery, in a seeded way."""
    for verdict in verdicts:
        if verdict.recovery:
            chance = random.Random(f"{seed}/{verdict.cut}")
            at = chance.randrange(len(verdict.recovery))
            kind = chance.choice((states.CLEAN, *KINDS_OF_LETTER[verdict.recovery[at]]))
            yield Cut(parse(verdict.cut).name, Name(at + 1, kind))


# Self-checks


def _check_end(recording: Recording) -> None:
    rebuilt = Rebuilt(recording)
    rebuilt.go_to(len(recording.ops) + 1)
    if bytes(rebuilt.data) != recording.flash_at_end:
        raise BenchError("self-check failed: the operations do not add up to the flash at the end")


def check_against_board(recording: Recording, number: int) -> bool:
    """Whether a board that is cut before this operation has the flash that was rebuilt."""
    real = record(recording.story, recording.seed, base=recording.base, cut_before=number)
    return real.flash_at_end == Judge(recording, []).flash(Name(number))


def _self_check(pool: ProcessPoolExecutor, recording: Recording, last: int) -> list[int]:
    numbers = sorted(random.Random(recording.seed).sample(range(1, last + 1), SELF_CHECKS))
    for number, equal in zip(numbers, pool.map(_check_in_process, numbers), strict=True):
        if not equal:
            raise BenchError(
                f"self-check failed: a board cut before operation {number} has other bytes than "
                "the rebuilt state; is the golden run the same each time?"
            )
    return numbers


# Processes

_judge: Judge


@contextmanager
def _pool(
    jobs: int, recording: Recording, promised: list[Promise]
) -> Iterator[ProcessPoolExecutor]:
    """Processes that judge; what they have not begun is dropped when the block ends."""
    context = multiprocessing.get_context("fork")
    started = context.Value("i", 0)
    pool = ProcessPoolExecutor(jobs, context, _start, (recording, promised, started))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start(recording: Recording, promised: list[Promise], started: Any) -> None:
    """A process of the pool begins: it takes a processor of its own, and its boards with it."""
    global _judge
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the campaign, which ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with started.get_lock():
        index = started.value
        started.value += 1
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[index % len(allowed)]})
    _judge = Judge(recording, promised)


def _judge_in_process(cuts: Sequence[Cut]) -> list[Verdict]:
    return [_judge.judge(cut) for cut in cuts]


def _check_in_process(number: int) -> bool:
    return check_against_board(_judge.recording, number)


def _judge_all(
    pool: ProcessPoolExecutor, cuts: Sequence[Cut], progress: Callable[[int], object]
) -> list[Verdict]:
    """Judge in any order and return in the order given."""
    parts = [cuts[at : at + CHUNK] for at in range(0, len(cuts), CHUNK)]
    futures: list[Future[list[Verdict]]] = [pool.submit(_judge_in_process, part) for part in parts]
    open_ones, done = set(futures), 0
    while open_ones:
        finished, open_ones = wait(open_ones, return_when=FIRST_COMPLETED)
        done += sum(len(future.result()) for future in finished)
        progress(done)
    return [verdict for future in futures for verdict in future.result()]


def _count(results: Results, verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.invalid or verdict.broken:
            row = {
                "cut": verdict.cut,
                "operation": verdict.what,
                "broken": verdict.broken,
                "invalid": verdict.invalid,
                "console": verdict.console,
                "reproduce": reproduce(verdict.cut, results.story, results.seed),
            }
            (results.invalid if verdict.invalid else results.failures).append(row)


def reproduce(cut: str, story: str, seed: int) -> str:
    """The one command that judges a cut again."""
    default = Options()
    words = ["fieldbeat bench cuts --state", cut]
    if seed != default.seed:
        words += ["--seed", str(seed)]
    if story != default.story:
        words += ["--story", story]
    return " ".join(words)
