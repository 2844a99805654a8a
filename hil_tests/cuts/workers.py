"""Processes that judge: each has its own judge of the golden run, a processor, and its boards.

    with Workers(jobs, recording, promised) as workers:
        verdicts = workers.each(judge, tasks, progress)

The functions that they can be given stand at the end. Results come in the order of the tasks.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from typing import Any, NamedTuple, TypeVar

from . import states
from .judge import Cut, Judge
from .promises import Promise
from .recorder import record
from .states import Name
from .tape import Recording
from .trial import Verdict

Task = TypeVar("Task")
Answer = TypeVar("Answer")
_judge: Judge


class Workers:
    """What they have not begun is dropped when the block ends."""

    def __init__(self, jobs: int, recording: Recording, promised: list[Promise]) -> None:
        context = multiprocessing.get_context("fork")
        started = context.Value("i", 0)
        self._pool = ProcessPoolExecutor(jobs, context, _start, (recording, promised, started))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def each(
        self,
        work: Callable[[Task], Answer],
        tasks: Sequence[Task],
        progress: Callable[[int], object] = lambda done: None,
    ) -> list[Answer]:
        """Do some work for each task; `progress` is told how many are done."""
        futures = [self._pool.submit(work, task) for task in tasks]
        open_ones = set(futures)
        while open_ones:
            finished, open_ones = wait(open_ones, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()  # its exception, now
            progress(len(futures) - len(open_ones))
        return [future.result() for future in futures]


def _start(recording: Recording, promised: list[Promise], started: Any) -> None:
    """A process begins: it takes a processor of its own, and its boards with it."""
    global _judge
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the campaign, which ends this
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with started.get_lock():
        index = started.value
        started.value += 1
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[index % len(allowed)]})
    _judge = Judge(recording, promised)


# The work


class Recovery(NamedTuple):
    """What a recovery offers to a second cut."""

    verdict: Verdict
    cuts: int  # its operations in every kind
    states: list[tuple[Name, bytes]]  # with their keys; of equal ones the first


def judge(names: Sequence[Name]) -> list[Verdict]:
    """Judge first cuts."""
    return [_judge.judge(Cut(name)) for name in names]


def recover(name: Name) -> Recovery:
    """Judge a first cut, and list the cuts that its recovery can meet."""
    verdict, deeper = _judge.recovery(name)
    if deeper is None:
        return Recovery(verdict, 0, [])
    names = states.every(deeper.recording)
    found: dict[bytes, Name] = {}
    for second in names:
        found.setdefault(deeper.key(second), second)
    return Recovery(verdict, len(names), [(second, key) for key, second in found.items()])


def judge_again(cuts: tuple[Name, Sequence[Name]]) -> list[Verdict]:
    """Judge second cuts in the recovery from a first one."""
    first, seconds = cuts
    verdict, deeper = _judge.recovery(first)
    if deeper is None:
        return [verdict]
    return [deeper.judge(Cut(second)) for second in seconds]


def is_so(number: int) -> bool:
    """Whether a board that is cut before this operation has the flash that was rebuilt."""
    now = _judge.recording
    real = record(now.story, now.seed, base=now.base, cut_before=number)
    return _judge.board_is_so(number, real.flash_at_end)


def is_so_again(cut: Cut) -> bool:
    """The same for a board that is cut during its recovery."""
    _, deeper = _judge.recovery(cut.name)
    if deeper is None or cut.second is None:
        return False
    number = cut.second.number
    return deeper.board_is_so(number, _judge.cut_for_real(cut.name, number))
