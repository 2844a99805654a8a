"""What carries datagrams: delay, loss, duplicates, disorder and outages, the same for one seed."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable

from .world import World

P95_SIGMAS = 1.645


class Way:
    """A delay, and an order of its own: datagrams on one way overtake each other only if told.

    `delay_ms` is the median and the 95th percentile of the one-way delay (log-normal).
    """

    def __init__(self, delay_ms: tuple[float, float]) -> None:
        self.delay_ms = delay_ms
        self.last_us: defaultdict[str, int] = defaultdict(int)  # by direction


class Medium(Way):
    """Carries datagrams in several directions.

    `loss`, `duplicate` and `reorder` are probabilities for each datagram. `faults` has switches
    for the next datagrams: away, lose, duplicate, reorder; see `limit()`. `counts` has for each
    direction `_sent`, `_lost`, `_outage`, `_duplicated`, `_reordered`. `capture` lists (time in
    us, direction, datagram) of everything sent.
    """

    def __init__(
        self,
        world: World,
        randomness: random.Random,
        delay_ms: tuple[float, float],
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
    ) -> None:
        super().__init__(delay_ms)
        self.world = world
        self.random = randomness
        self.loss = loss
        self.duplicate = duplicate
        self.reorder = reorder
        from .models.faults import Faults  # the models import the network

        self.faults = Faults(away=False, lose=False, duplicate=False, reorder=False)
        self.counts: Counter[str] = Counter()
        self.capture: list[tuple[int, str, bytes]] = []

    def away(self, is_away: bool) -> None:
        """Begin or end an outage: nothing passes, nobody is told."""
        self.faults.away = is_away
        self.world.tell(self, "away" if is_away else "back")

    def carry(
        self,
        direction: str,
        data: bytes,
        arrive: Callable[[], None],
        owner: object = None,
        way: Way | None = None,
    ) -> None:
        """Call `arrive` for each copy of a datagram that comes through.

        `owner` is whom the world's listeners are told about; `way` one with a delay of its own.
        """
        way = way or self
        self.capture.append((self.world.now_us, direction, data))
        self.counts[f"{direction}_sent"] += 1
        fate = "carried"
        if self.faults.take("away"):
            fate = "outage"
        elif self.faults.take("lose") or self.random.random() < self.loss:
            fate = "lost"
        elif self._plan(direction, arrive, way):
            fate = "reordered"
        if fate in ("carried", "reordered") and self._twice():
            self._plan(direction, arrive, way)
            fate = "duplicated"
        if fate in ("outage", "lost", "duplicated"):
            self.counts[f"{direction}_{fate}"] += 1
        self.world.tell(owner, direction, f"{fate} {len(data)}")

    def _twice(self) -> bool:
        return bool(self.faults.take("duplicate")) or self.random.random() < self.duplicate

    def _plan(self, direction: str, arrive: Callable[[], None], way: Way) -> bool:
        """Let one copy arrive after its delay; True if it is one to be overtaken."""
        median_ms, p95_ms = way.delay_ms
        sigma = math.log(p95_ms / median_ms) / P95_SIGMAS if p95_ms > median_ms > 0 else 0
        delay_us = round(median_ms * 1000 * math.exp(self.random.gauss(0, sigma)))
        at_us = max(self.world.now_us + delay_us, way.last_us[direction])
        overtaken = bool(self.faults.take("reorder")) or self.random.random() < self.reorder
        if overtaken:
            self.counts[f"{direction}_reordered"] += 1
            at_us += round(2000 * p95_ms)
        else:
            way.last_us[direction] = at_us
        self.world.call_at(at_us, arrive)
        return overtaken
