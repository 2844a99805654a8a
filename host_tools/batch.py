"""A batch of units: finds what is plugged in, has each made what the plan says, and sums it up."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from .batch_journal import DONE
from .batch_ports import Finder, Place
from .batch_work import BROKEN, ENDS, FINISHED, STOPPED, WAS_DONE, Bench, Event, Work
from .unit_job import Job

LOOK_S = 0.3  # between two looks at what is plugged in


class View(Protocol):
    """Who is told what happens."""

    def show(self, event: Event) -> None: ...
    def progress(self, summary: Summary) -> None: ...


@dataclass
class Summary:
    """What became of a batch; `ends` has the last word on each unit that was plugged in.

    `done` are all units that are finished, `before` those of them that were so already. `others`
    are boards without a row, and ports at which nothing could be done. `broken` has the ports
    whose last word is a failure. `tried` counts boards. `slots` is where the plan has each unit,
    `boards` chip and board of those whose plan names no MAC address.
    """

    units: list[str]
    done: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    ends: dict[str, Event] = field(default_factory=dict)
    at_work: dict[Place, Event] = field(default_factory=dict)
    others: list[Event] = field(default_factory=list)
    broken: dict[Place, Event] = field(default_factory=dict)
    tried: int = 0
    seconds: float = 0.0
    slots: dict[str, str] = field(default_factory=dict)
    boards: dict[str, tuple[str, str]] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def failed(self) -> list[str]:
        return [name for name in self._not_done if self.ends[name].state != STOPPED]

    @property
    def stopped(self) -> list[str]:
        """Units that were at work when somebody stopped it all."""
        return [name for name in self._not_done if self.ends[name].state == STOPPED]

    @property
    def _not_done(self) -> list[str]:
        return [name for name in self.units if name in self.ends and name not in self.done]

    @property
    def exchanged(self) -> list[str]:
        """Units that may have got each other's boards, which nobody can tell apart by their chip.

        One at least has failed although it runs. If no other sort of board has, those are named
        that have ended.
        """
        boards = {name: board for name, board in self.boards.items() if name in self.ends}
        misfits = [name for name in self.failed if name in boards and self.ends[name].misfit]
        for among in (misfits, boards):
            pairs = [(one, other) for one in misfits for other in among]
            found = [pair for pair in pairs if _alike(*(boards[name] for name in pair))]
            if found:
                return list(dict.fromkeys(name for pair in found for name in pair))
        return []

    @property
    def unusable(self) -> list[Event]:
        """Failures at ports that are no unit of those that failed."""
        return [event for event in self.broken.values() if event.unit not in self.failed]

    @property
    def missing(self) -> list[str]:
        """Units that were not plugged in."""
        return [name for name in self.units if name not in self.done and name not in self.ends]

    @property
    def exit_code(self) -> int:
        """0: all are done; 1: some are not; 2: there was nothing to try; 130: interrupted."""
        if self.interrupted:
            return 130
        if len(self.done) == len(self.units):
            return 0
        return 1 if self.tried else 2


def _alike(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two boards are of different sorts with the same chip."""
    return one != other and one[0] == other[0]


class Batch:
    """Runs until every port that was found is through, or with `watch` until all units are done.

    Args:
        jobs: the plan.
        bench: what the boards share; `bench.tell` is set here.
        find: tells what is plugged in.
        view: who is told.
        watch: look for more until all units are done.
        now: clock, seconds.
    """

    def __init__(
        self,
        jobs: list[Job],
        bench: Bench,
        find: Finder,
        view: View,
        watch: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bench = bench
        self._find = find
        self._view = view
        self._watch = watch
        self._now = now
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._threads: dict[Place, threading.Thread] = {}
        self._new: set[Place] = set()  # that the last look found
        self._gone: set[Place] = set()  # that were unplugged while something ran there
        self._digests = {job.name: job.digest for job in jobs}
        names = list(self._digests)
        self._finished = {name for name in names if self._is_done(name)}
        self.summary = Summary(names, [n for n in names if n in self._finished])
        self.summary.slots = {job.name: job.unit.slot for job in jobs}
        self.summary.boards = {
            job.name: (job.board.chip, job.board.id) for job in jobs if not job.unit.mac
        }
        self.summary.before = list(self.summary.done)

    def run(self) -> Summary:
        """Do it all; Ctrl-C or the bench's `stop` ends it after the step of each unit.

        A second Ctrl-C ends it at once.
        """
        begun_s = self._now()
        self._bench.tell = self._events.put
        try:
            self._new = set(there := self._find())
            self._start(there)
            while not self._is_over():
                self._listen(begun_s)
                if self._bench.stop.is_set():
                    self._end(begun_s)
                elif self._watch:
                    self._start(self._find())
        except KeyboardInterrupt:
            self._end(begun_s)
        self.summary.seconds = round(self._now() - begun_s, 1)
        return self.summary

    def _is_over(self) -> bool:
        if any(thread.is_alive() for thread in self._threads.values()):
            return False
        if not self._events.empty():
            return False
        if self._bench.stop.is_set():
            return True
        return not self._watch or len(self.summary.done) == len(self.summary.units)

    def _start(self, there: list[Place]) -> None:
        """Begin at every port that is new; one that was unplugged is new when it comes back.

        The system needs a moment to hand a new port to its users: it is begun at the next look.
        """
        self._gone |= self._threads.keys() - set(there)
        for place in list(self._gone):
            if not self._threads[place].is_alive():
                self._gone.remove(place)
                del self._threads[place]
        for place in there:
            if place not in self._threads and place in self._new:
                self._bench.matcher.expect(place)
                work = threading.Thread(target=Work(place, self._bench).run, daemon=True)
                self._threads[place] = work
                self.summary.tried += 1
                work.start()
        self._new = set(there) - self._threads.keys()

    def _listen(self, begun_s: float) -> None:
        """Tell what has happened, for at most LOOK_S."""
        try:
            event = self._events.get(timeout=LOOK_S)
            while True:
                self._take(event)
                event = self._events.get_nowait()
        except queue.Empty:
            pass
        self.summary.seconds = self._now() - begun_s
        self._view.progress(self.summary)

    def _take(self, event: Event) -> None:
        summary = self.summary
        if event.state not in ENDS:
            summary.at_work[event.place] = event
        else:
            summary.at_work.pop(event.place, None)
            summary.broken.pop(event.place, None)
            if event.unit:
                summary.ends[event.unit] = event
            elif event.state != STOPPED:
                summary.others.append(event)
            if event.state == BROKEN:
                summary.broken[event.place] = event
            if event.state in (FINISHED, WAS_DONE):
                self._finished.add(event.unit)
                if event.state == WAS_DONE and event.unit not in summary.before:
                    summary.before.append(event.unit)
                elif event.state == FINISHED and event.unit in summary.before:  # it was erased
                    summary.before.remove(event.unit)
            elif event.unit and not self._is_done(event.unit):
                self._finished.discard(event.unit)
            summary.done = [name for name in summary.units if name in self._finished]
        self._view.show(event)

    def _is_done(self, unit: str) -> bool:
        entry = self._bench.journal.entry(unit)
        if entry is None or unit in self._bench.again:
            return False
        done = entry.reached(DONE, self._digests[unit])
        return done and self._bench.knows(unit, entry.mac)

    def _end(self, begun_s: float) -> None:
        self.summary.interrupted = True
        self._bench.stop.set()
        try:
            while any(thread.is_alive() for thread in self._threads.values()):
                self._listen(begun_s)
            self._listen(begun_s)
        except KeyboardInterrupt:
            pass  # at once: the threads end with the program
