"""Which command is to be sent to which unit, and when: paced, and again until it is receipted.

No clock, no socket, no file: who sends asks `due(now_s)` and tells what it heard. A delivery is
one command for one unit.

- The highest class and level goes first; within it, units that were not tried yet.
- At most `RATE_HZ` datagrams a second, so that ten thousand units do not fill a router's queue.
- Without a receipt it goes again after `FIRST_RETRY_S`, then each time after a wait that is 15 %
  longer, up to `LAST_RETRY_S`, until it expires. A unit that gets it twice sounds it once.
- A unit that refused it for now, as one without the time does, gets it again: soon after it spoke,
  and with each refusal a little later.
- A unit that sleeps listens for a while after it spoke, `awake_s`: it gets it then, and not else.
- A unit whose address is not known waits until it speaks; and whoever speaks again after a silence
  gets at once what is still open, since its address counts now and its way back is open.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

RATE_HZ = 2000
BURST = 100  # datagrams at once, after a pause
FIRST_RETRY_S = 1.0
RETRY_GROWTH = 1.15  # seven tries in nine seconds: of 1,000 units at 10 % loss all have heard
LAST_RETRY_S = 60.0
SET_BACK_S = 60.0  # a clock that goes back by more was set; what is less is waited for
_ROUNDING = 1e-3  # of a datagram: Unix seconds are floats that step by 0.2 us


@dataclass(eq=False)
class Delivery:
    """One command for one unit; `number` is its place in the order of arrival."""

    command: bytes
    unit: str
    rank: tuple[int, int]  # class and level: what is higher goes first
    expires_s: float
    number: int = 0
    tries: int = 0
    refusals: int = 0
    first_s: float | None = None
    last_s: float | None = None
    due_s: float | None = None  # None: when the unit speaks
    open: bool = True
    awake_s: float | None = None  # None: its unit listens all the time
    spoke_s: float = float("-inf")  # its unit, last

    @property
    def urgency(self) -> tuple[int, int, bool, int]:
        """What goes first is lower.

        Of units that listen all the time those go first that were sent nothing yet; to one that
        listens only now and then goes first what was ordered first.
        """
        class_, level = self.rank
        is_again = self.tries > 0 and self.awake_s is None
        return -class_, level, is_again, self.number

    def __lt__(self, other: Delivery) -> bool:
        return self.number < other.number  # of two that are equal in a heap


@dataclass
class FanOut:
    """Every delivery that is open."""

    rate_hz: float = RATE_HZ
    burst: int = BURST
    _open: dict[tuple[bytes, str], Delivery] = field(default_factory=dict)
    _of_unit: dict[str, set[Delivery]] = field(default_factory=dict)
    _later: list[tuple[float, Delivery]] = field(default_factory=list)  # heap
    _ready: list[tuple[tuple, Delivery]] = field(default_factory=list)  # heap
    _allowed: float = 0.0  # datagrams that may be sent now
    _allowed_s: float = float("-inf")  # the time when that was reckoned
    _number: int = 0

    def __len__(self) -> int:
        return len(self._open)

    def commands(self) -> set[bytes]:
        """Return the commands that have an open delivery."""
        return {command for command, _ in self._open}

    def add(
        self,
        command: bytes,
        unit: str,
        rank: tuple[int, int],
        expires_s: float,
        now_s: float,
        reachable: bool = True,
        awake_s: float | None = None,
    ) -> None:
        """Add a delivery, to be sent now, or when the unit speaks; a known one stays as it is.

        Args:
            command, unit, rank, expires_s: see `Delivery`.
            now_s: the time, Unix seconds.
            reachable: its address is known.
            awake_s: for so long the unit listens after it spoke; None: all the time.
        """
        if (command, unit) in self._open:
            return
        self._number += 1
        delivery = Delivery(command, unit, rank, expires_s, self._number, awake_s=awake_s)
        self._open[command, unit] = delivery
        self._of_unit.setdefault(unit, set()).add(delivery)
        if reachable and awake_s is None:
            self._schedule(delivery, now_s)

    def heard(self, command: bytes, unit: str) -> None:
        """Take note of a receipt, but `refused`: the command need not be sent again."""
        delivery = self._open.get((command, unit))
        if delivery:
            self._close(delivery)

    def refused(self, command: bytes, unit: str) -> None:
        """Take note that a unit refused a command which it may take when it comes again."""
        delivery = self._open.get((command, unit))
        if delivery:
            delivery.refusals += 1

    def drop(self, commands: Iterable[bytes]) -> None:
        """Send these commands no more, as when they were cancelled."""
        wanted = set(commands)
        if wanted:
            for delivery in [each for each in self._open.values() if each.command in wanted]:
                self._close(delivery)

    def spoke(self, unit: str, now_s: float) -> None:
        """Take note that a unit was heard, so that it can be reached now."""
        for delivery in self._of_unit.get(unit, ()):
            delivery.spoke_s = now_s
            last_s, wait_s = delivery.last_s, _wait_s(delivery.refusals)
            soonest = now_s if last_s is None else last_s + wait_s
            if delivery.due_s is None or delivery.due_s > max(now_s, soonest):
                self._schedule(delivery, max(now_s, soonest))

    def due(self, now_s: float, most: int | None = None) -> list[Delivery]:
        """Return the deliveries that are to be sent now, the most urgent first.

        Args:
            now_s: the time, Unix seconds.
            most: how many the caller can take.
        """
        self._follow_clock(now_s)
        self._ripen(now_s)
        count = int(self._allowance(now_s) + _ROUNDING)
        count = count if most is None else min(count, most)
        found: list[Delivery] = []
        while self._ready and len(found) < count:
            _, delivery = heapq.heappop(self._ready)
            if not delivery.open:
                continue
            if delivery.expires_s <= now_s:
                self._close(delivery)
                continue
            self._sent(delivery, now_s)
            found.append(delivery)
        self._allowed -= len(found)
        return found

    def next_s(self) -> float | None:
        """Return when `due` has something to return, or None: never, unless something happens."""
        while self._later and self._is_stale(*self._later[0]):
            heapq.heappop(self._later)
        while self._ready and not self._ready[0][1].open:
            heapq.heappop(self._ready)
        if self._ready:
            missing = max(0.0, 1 - self._allowed)
            return self._allowed_s + missing / self.rate_hz
        return self._later[0][0] if self._later else None

    def _schedule(self, delivery: Delivery, due_s: float) -> None:
        delivery.due_s = due_s
        heapq.heappush(self._later, (due_s, delivery))

    def _follow_clock(self, now_s: float) -> None:
        """Have what was due by a clock that was set back due now: nobody waits until then."""
        if now_s < self._allowed_s - SET_BACK_S:
            for delivery in self._open.values():
                if delivery.last_s is not None:
                    delivery.last_s = min(delivery.last_s, now_s)
                if delivery.due_s is not None:
                    self._schedule(delivery, min(delivery.due_s, now_s))

    def _ripen(self, now_s: float) -> None:
        """Move what has become due to what is ready."""
        while self._later and self._later[0][0] <= now_s:
            due_s, delivery = heapq.heappop(self._later)
            if not self._is_stale(due_s, delivery):
                heapq.heappush(self._ready, (delivery.urgency, delivery))

    def _is_stale(self, due_s: float, delivery: Delivery) -> bool:
        """Tell whether an entry of `_later` was overtaken by another one of its delivery."""
        return not delivery.open or delivery.due_s != due_s

    def _allowance(self, now_s: float) -> float:
        passed_s = max(0.0, now_s - self._allowed_s)
        self._allowed = min(float(self.burst), self._allowed + passed_s * self.rate_hz)
        self._allowed_s = now_s
        return self._allowed

    def _sent(self, delivery: Delivery, now_s: float) -> None:
        wait_s = _wait_s(delivery.tries)
        delivery.tries += 1
        delivery.first_s = now_s if delivery.first_s is None else delivery.first_s
        delivery.last_s = now_s
        if delivery.awake_s is None or now_s + wait_s < delivery.spoke_s + delivery.awake_s:
            self._schedule(delivery, now_s + wait_s)
        else:
            delivery.due_s = None

    def _close(self, delivery: Delivery) -> None:
        delivery.open = False
        del self._open[delivery.command, delivery.unit]
        mine = self._of_unit[delivery.unit]
        mine.discard(delivery)
        if not mine:
            del self._of_unit[delivery.unit]


def _wait_s(times: int) -> float:
    """Return how long to wait after something happened several times."""
    return min(FIRST_RETRY_S * RETRY_GROWTH**times, LAST_RETRY_S)
