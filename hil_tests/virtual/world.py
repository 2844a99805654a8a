"""The clock of the bench: one queue of events, run in virtual or in real time.

    world = World(seed=1)
    world.call_after(5_000_000, lambda: print("five seconds later"))
    world.run_for(3600)      # virtual: the clock jumps from event to event
    world.start_real()       # the same events by the wall clock, in a background thread
    world.stop_real()

Boards do not see the difference: they only ever learn the time from `now_us`. In virtual time one
board at a time has the processor and nothing else happens until it waits, so that the same seed
gives the same bytes. In real time boards run side by side, as real ones do.
"""

import ctypes
import heapq
import os
import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from .errors import BenchError

_sched_getcpu = getattr(ctypes.CDLL(None), "sched_getcpu", None)  # Linux
POLL_TURNS = 64  # of virtual time, between two looks at what comes from outside of this world


class Computing(Protocol):
    """What the world needs of a board that computes."""

    def serve(self) -> None:
        """Answers the board until it waits (virtual time only)."""


Listener = Callable[[int, object, str, str], object]  # us, who, what, more


class Event:
    """One call at one time. `cancel()` may be called at any moment, also twice."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        self.call = None


class World:
    """Discrete events, seeded randomness and the file descriptors of the bench.

    Every public method may be called from any thread: `lock` is held while events run and
    released while the loop sleeps.
    """

    def __init__(self, seed: int = 0, start: str = "2024-06-01T00:00:00Z") -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.start = datetime.fromisoformat(start)
        self.now_us = 0  # since `start`
        self.events_run = 0
        self.lock = threading.RLock()
        self.running: dict[Computing, None] = {}  # boards that compute now, in order
        self.listeners: list[Listener] = []
        self.attended: set[Computing] = set()  # boards whose REPL may answer at any moment
        self._queue: list[tuple[int, int, Event]] = []  # time, order of asking
        self._order = 0
        self._readers: dict[int, Callable[[int], object]] = {}
        self._poller = select.epoll()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.watch(self._wake_fd, lambda _flags: os.eventfd_read(self._wake_fd))
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._stop = False
        self._cpu: int | None = None  # where the boards' processes are
        self._pinned: set[int] = set()

    @property
    def utc_s(self) -> float:
        """The true time of day of this world, seconds since 1970 (Unix time)."""
        return self.start.timestamp() + self.now_us / 1e6

    @property
    def is_real(self) -> bool:
        """Whether the wall clock drives the world now."""
        return self._thread is not None

    def call_at(self, at_us: int, call: Callable[[], object]) -> Event:
        """Runs `call()` when `now_us` reaches `at_us`; calls at one time run in this order."""
        with self.lock:
            self._order += 1
            event = Event(call)
            heapq.heappush(self._queue, (max(at_us, self.now_us), self._order, event))
        if self._thread is not None and self._thread is not threading.current_thread():
            os.eventfd_write(self._wake_fd, 1)
        return event

    def call_after(self, delay_us: int, call: Callable[[], object]) -> Event:
        """Runs `call()` after `delay_us` microseconds of this world."""
        return self.call_at(self.now_us + delay_us, call)

    def watch(self, fd: int, call: Callable[[int], object], edge: bool = False) -> None:
        """Calls `call(epoll_flags)` when `fd` is readable or hung up.

        With `edge` it is called once for each change, also when `fd` becomes writable.
        """
        edges = select.EPOLLOUT | select.EPOLLET if edge else 0
        with self.lock:
            self._readers[fd] = call
            self._poller.register(fd, select.EPOLLIN | edges)

    def unwatch(self, fd: int) -> None:
        """Forgets `fd`; before it is closed."""
        with self.lock:
            if self._readers.pop(fd, None) is not None:
                self._poller.unregister(fd)

    def tell(self, who: object, what: str, more: str = "") -> None:
        """Tells the listeners (a timeline) what happens to a board, a modem, a datagram."""
        for listener in self.listeners:
            listener(self.now_us, who, what, more)

    # Virtual time

    def run_for(self, seconds: float) -> None:
        """Lets `seconds` of virtual time pass."""
        self.run_until(lambda: False, seconds)

    def run_until(self, condition: Callable[[], object], timeout_s: float) -> bool:
        """Runs until `condition()` holds after some event; False when `timeout_s` passed."""
        with self.lock, self._one_cpu():
            if self.is_real:
                raise BenchError("the world runs in real time: call stop_real() first")
            end_us = self.now_us + round(timeout_s * 1e6)
            turns = 0
            while True:
                while self.running:
                    next(iter(self.running)).serve()
                if self.attended or turns % POLL_TURNS == 0:
                    self._poll(0)
                turns += 1
                if condition():
                    return True
                if self.running:
                    continue
                if not self._queue or self._queue[0][0] > end_us:
                    self.now_us = end_us
                    return False
                self._run_next()

    def _run_next(self) -> None:
        at_us, _, event = heapq.heappop(self._queue)
        call = event.call
        if call is not None:
            if at_us > self.now_us:
                self.now_us = at_us
            self.events_run += 1
            call()

    # Real time

    def start_real(self) -> None:
        """Lets the wall clock drive the world, in a background thread, until `stop_real()`."""
        with self.lock:
            if self._thread is None:
                self._stop = False
                self._thread = threading.Thread(
                    target=self._real_thread, name="world", daemon=True
                )
                self._thread.start()

    def stop_real(self) -> None:
        """Stops the wall clock; raises what made the loop fail, if it did."""
        thread = self._thread
        if thread is not None:
            self._stop = True
            os.eventfd_write(self._wake_fd, 1)
            thread.join()
            self._thread = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def run_real(
        self, seconds: float | None = None, condition: Callable[[], object] | None = None
    ) -> bool:
        """Sleeps while the world runs in real time; True as soon as `condition()` holds."""
        was_real = self.is_real
        end_s = None if seconds is None else time.monotonic() + seconds
        self.start_real()
        try:
            while self._thread is not None and self._thread.is_alive():
                if condition is not None and condition():
                    return True
                if end_s is not None and time.monotonic() >= end_s:
                    break
                time.sleep(0.01)
            return False
        finally:
            if not was_real or self._failure is not None:
                self.stop_real()

    def _real_thread(self) -> None:
        try:
            self._real_loop()
        except BaseException as failure:
            self._failure = failure

    def _real_loop(self) -> None:
        offset_us = time.monotonic_ns() // 1000 - self.now_us
        while not self._stop:
            with self.lock:
                wall_us = time.monotonic_ns() // 1000 - offset_us
                while self._queue and self._queue[0][0] <= wall_us:
                    self._run_next()
                self.now_us = max(self.now_us, wall_us)
                wait_us = self._queue[0][0] - wall_us if self._queue else 1_000_000
            ready = self._poller.poll(min(max(wait_us, 0) / 1e6, 1.0))
            with self.lock:
                self.now_us = max(self.now_us, time.monotonic_ns() // 1000 - offset_us)
                self._dispatch(ready)

    def _poll(self, timeout_s: float) -> None:
        self._dispatch(self._poller.poll(timeout_s))

    def _dispatch(self, ready: list[tuple[int, int]]) -> None:
        for fd, flags in ready:
            call = self._readers.get(fd)
            if call is not None:  # an earlier call of this round may have closed it
                call(flags)

    # In virtual time bench and board take turns; on one processor a turn costs 11 us, across two
    # 55 us (measured), since nobody has to be woken up elsewhere. Which one, the system says at
    # each run, since it knows where other worlds and tools run.

    def pin(self, pid: int) -> None:
        """Puts the process of a board on the processor of the bench."""
        self._pinned.add(pid)
        if self._cpu is not None:
            os.sched_setaffinity(pid, {self._cpu})

    def unpin(self, pid: int) -> None:
        """Forgets the process of a board; before it ends."""
        self._pinned.discard(pid)

    @contextmanager
    def _one_cpu(self) -> Iterator[None]:
        """Keeps this thread and the boards on one processor while virtual time runs."""
        if _sched_getcpu is None:
            yield
            return
        before = os.sched_getaffinity(0)
        now = _sched_getcpu()
        if now != self._cpu:
            self._cpu = now
            for pid in self._pinned:
                os.sched_setaffinity(pid, {now})
        os.sched_setaffinity(0, {now})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def close(self) -> None:
        """Stops the loop and closes its descriptors."""
        self.stop_real()
        self.unwatch(self._wake_fd)
        os.close(self._wake_fd)
        self._poller.close()
