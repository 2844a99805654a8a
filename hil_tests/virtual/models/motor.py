"""A motor between two ends with a relay for each way: it moves with time, and has end stops."""

from __future__ import annotations

from ..plant import Plant
from ..world import Event, World
from .faults import Faults

STEP_US = 250_000  # how often its position is told while it runs
WAYS = {"open": 1, "close": -1}


class Motor:
    """`position` is 0 (closed) to 1; its own limit switches stop it at both ends.

    `shorts` lists when both relays were closed, `reversals` (us, rest in us) of each run that
    went another way than the one before. Faults: `stalled` (it hums and stays), `blind` (the end
    stops tell nothing).
    """

    def __init__(
        self, world: World, plant: Plant, name: str, travel_ms: int, active: int, pace: float = 1.0
    ) -> None:
        self.world, self.plant, self.name, self.active = world, plant, name, active
        self.travel_us = travel_ms * 1000 / pace
        self.faults = Faults(stalled=False, blind=False)
        self.position = 0.0
        self.relays = {which: MotorRelay(self) for which in WAYS}
        self.stops = {"open": EndStop(self, 1.0), "close": EndStop(self, 0.0)}
        self.shorts: list[int] = []
        self.reversals: list[tuple[int, int]] = []
        self.way = 0
        self._last_way = 0
        self._ended_us = self._told_us = world.now_us
        self._next: Event | None = None
        plant.put(name, self.position, world.now_us)

    def place(self, position: float) -> None:
        """Somebody has cranked it there."""
        self.position = position
        self.plant.put(self.name, position, self.world.now_us)
        self._tell_stops()

    def switched(self) -> None:
        """A relay has opened or closed."""
        self._move()
        closed = [WAYS[which] for which, relay in self.relays.items() if relay.closed]
        if len(closed) > 1:
            self.shorts.append(self.world.now_us)
        way = sum(closed)
        if way and not self.way:
            if self._last_way not in (0, way):
                self.reversals.append((self.world.now_us, self.world.now_us - self._ended_us))
            self._last_way = way
        elif self.way and not way:
            self._ended_us = self.world.now_us
        self.way = way
        if way and self._next is None:
            self._next = self.world.call_after(STEP_US, self._step)

    def _step(self) -> None:
        self._next = None
        self._move()
        if self.way and 0 <= self.position + self.way / 1e6 <= 1:
            self._next = self.world.call_after(STEP_US, self._step)

    def _move(self) -> None:
        now_us = self.world.now_us
        passed_us, self._told_us = now_us - self._told_us, now_us
        if not self.way or (passed_us and self.faults.take("stalled")):
            return
        before = self.position
        self.position = min(max(before + self.way * passed_us / self.travel_us, 0.0), 1.0)
        if self.position != before:
            self.plant.put(self.name, round(self.position, 4), now_us)
            self._tell_stops()

    def _tell_stops(self) -> None:
        for stop in self.stops.values():
            for listener in stop.listeners:
                listener()


class MotorRelay:
    """One of the two relays."""

    def __init__(self, motor: Motor) -> None:
        self.motor, self.closed = motor, False

    def changed(self, level: int) -> None:
        closed = level == self.motor.active
        if closed != self.closed:
            self.closed = closed
            self.motor.switched()

    def released(self) -> None:
        """A resistor holds it open while nobody drives the pin."""
        self.changed(1 - self.motor.active)


class EndStop:
    """A contact to ground that opens at the end: then the pin is high, as with a broken cable."""

    def __init__(self, motor: Motor, at: float) -> None:
        self.motor, self.at = motor, at
        self.listeners: list = []

    def level(self, _pulled_up: bool) -> int:
        self.motor._move()
        reached = abs(self.motor.position - self.at) < 1e-6
        return 0 if reached and self.motor.faults.take("blind") else int(reached)
