"""The whole campaign: pulls that are spread over the stages of a batch, judged in processes.

results = run(Options(points=240), progress=print)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from ..results.judged import Judged, processor_s
from ..results.results import commit
from . import trial
from .cable import KINDS, Operation, Pull
from .stages import stages
from .stories import STORIES, Start
from .trial import Verdict

Progress = Callable[[int, int], object]  # pulls that are judged, of how many
_start: Start


@dataclass
class Options:
    """What to judge; `points` 0: every operation in every kind."""

    story: str = "bare"
    points: int = 240
    jobs: int = 0  # 0: one a processor


@dataclass
class Results(Judged):
    """What a campaign has found."""

    story: str
    jobs: int
    by_stage: dict[str, int] = field(default_factory=dict)
    by_kind: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)  # how the pulls left the unit


def run(options: Options, progress: Progress = lambda done, total: None) -> Results:
    """Count what crosses the cable, pull it, judge.

    Raises:
        BenchError: the golden run failed.
    """
    global _start
    began_s, worked_s = time.perf_counter(), processor_s()
    jobs = options.jobs or len(os.sched_getaffinity(0))
    results = Results(options.story, jobs)
    results.started = datetime.now(UTC).isoformat(timespec="seconds")
    results.commit = commit(Path(__file__).parent)
    _start = STORIES[options.story]()
    operations = trial.golden(_start)
    results.operations = len(operations)
    pulls = chosen(operations, options.points)
    named = dict(zip((each.number for each in operations), stages(operations), strict=True))
    results.by_stage = dict(Counter(named[pull.number] for pull in pulls))
    results.by_kind = dict(Counter(pull.kind for pull in pulls))
    verdicts = _judged(pulls, jobs, progress)
    results.judged = len(verdicts)
    results.left = dict(Counter(verdict.left for verdict in verdicts if verdict.left))
    for verdict in verdicts:
        if verdict.invalid or verdict.broken:
            row = asdict(verdict) | {"reproduce": reproduce(verdict.pull, options.story)}
            (results.invalid if verdict.invalid else results.failures).append(row)
    results.seconds = round(time.perf_counter() - began_s, 1)
    results.processor_s = round(processor_s() - worked_s, 1)
    return results


def chosen(operations: Sequence[Operation], points: int) -> list[Pull]:
    """Return so many pulls, as evenly over the stages as these have operations; 0: all.

    In a stage they are spread over its operations, and take turns in their kinds.
    """
    by_stage: dict[str, list[Operation]] = {}
    for operation, stage in zip(operations, stages(operations), strict=True):
        by_stage.setdefault(stage, []).append(operation)
    turns = (_turns(found, first) for first, found in enumerate(by_stage.values()))
    in_turn = [pull for each in zip_longest(*turns) for pull in each if pull is not None]
    return sorted(in_turn[: points or None])


def _turns(operations: list[Operation], first: int) -> list[Pull]:
    """Order all pulls of a stage so that any first few of them are unlike each other."""
    far = _far_apart(operations)
    return [
        Pull(operation.number, KINDS[(first + at + turn) % len(KINDS)])
        for turn in range(len(KINDS))
        for at, operation in enumerate(far)
    ]


def _far_apart(operations: list[Operation]) -> list[Operation]:
    """Order them as van der Corput's sequence of base 2 does."""
    bits = max(1, len(operations) - 1).bit_length()
    order = (int(f"{n:0{bits}b}"[::-1], 2) for n in range(1 << bits))
    return [operations[n] for n in order if n < len(operations)]


def reproduce(pull: str, story: str) -> str:
    """The one command that judges a pull again."""
    return f"fieldbeat bench pulls --story {story} --pull {pull}"


def _judged(pulls: Sequence[Pull], jobs: int, progress: Progress) -> list[Verdict]:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, context, _begin) as pool:
        futures = [pool.submit(_judge, pull) for pull in pulls]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()  # its exception, now
                progress(done, len(futures))
        finally:
            pool.shutdown(cancel_futures=True)
        return [future.result() for future in futures]


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the campaign, which ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _judge(pull: Pull) -> Verdict:
    return trial.judge(_start, pull)
