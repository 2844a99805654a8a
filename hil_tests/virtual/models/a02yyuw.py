"""A02YYUW, an ultrasonic distance sensor that sends by itself, above water.

Frames FF, distance in mm (2 bytes), sum of these, every 100 ms. Without an echo it sends a
distance beyond its range (hypothesis). `knows_no_temperature` makes it one that reckons with sound
at 20 degrees whatever the air is like. Not modelled: its two output modes, the width of its beam.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ..world import Event, World
from .faults import Faults
from .uart import UartDevice

EVERY_US = 100_000
START_US = 300_000  # hypothesis: from its supply to its first frame
NEAREST_MM, FARTHEST_MM, NO_ECHO_MM = 30, 4_500, 5_000
NOISE_MM = 1.0
SOUND_20_C = 343.42  # m/s; 0.606 less for each degree less


class A02YYUW(UartDevice):
    """Sends once it hangs above something: `hang(distance)`.

    Faults: `silent`, `bad_sum`, `no_echo`, `frozen` (repeats its last distance), `spike` (mm, in
    place of the true distance).
    """

    def __init__(self, world: World, baud: int = 9600) -> None:
        super().__init__(world, baud)
        self.faults = Faults(silent=False, bad_sum=False, no_echo=False, frozen=False, spike=0)
        self.random = random.Random(world.random.getrandbits(64))
        self._distance_mm: Callable[[], float] | None = None
        self._air_c: Callable[[], float] = lambda: 20.0
        self._last_mm = NO_ECHO_MM
        self._next: Event | None = None
        self._on = True

    @property
    def hangs(self) -> bool:
        """True once there is something below it."""
        return self._distance_mm is not None

    def supplied(self, on: bool) -> None:
        """Its supply comes or goes."""
        self._on = on
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if on and self.hangs:
            self._next = self.world.call_after(START_US, self._send)

    def hang(self, distance_mm: float | Callable[[], float]) -> None:
        """Put water so far below its face, in mm, for good or by a function."""
        self._distance_mm = distance_mm if callable(distance_mm) else lambda: distance_mm
        if self._next is None and self._on:
            self._send()

    def knows_no_temperature(self, air_c: Callable[[], float]) -> None:
        """Make it one that takes sound to be as fast as at 20 degrees, in air of `air_c`."""
        self._air_c = air_c

    def receive(self, data: bytes) -> None:
        """What the board sends is not heard: its level alone would choose the mode."""

    def _send(self) -> None:
        self._next = self.world.call_after(EVERY_US, self._send)
        if not self.faults.take("silent"):
            self.transmit(self._frame(self._measure()))

    def _measure(self) -> int:
        assert self._distance_mm is not None
        if self.faults.take("no_echo"):
            return NO_ECHO_MM
        if self.faults.take("frozen"):
            return self._last_mm
        mm = self.faults.take("spike") or self._echo_mm() + self.random.gauss(0, NOISE_MM)
        self._last_mm = round(mm) if NEAREST_MM <= mm <= FARTHEST_MM else NO_ECHO_MM
        return self._last_mm

    def _echo_mm(self) -> float:
        assert self._distance_mm is not None
        sound = SOUND_20_C + 0.606 * (self._air_c() - 20)
        return self._distance_mm() * SOUND_20_C / sound

    def _frame(self, mm: int) -> bytes:
        body = b"\xff" + mm.to_bytes(2, "big")
        check = sum(body) & 0xFF
        return body + bytes([check ^ 0x55 if self.faults.take("bad_sum") else check])
