"""A tipping bucket under the scene's rain: its reed contact closes for a moment at each tip."""

from __future__ import annotations

import random
from functools import partial

from ..river import River
from ..world import Event, World
from .contact import Contact
from .faults import Faults

CLOSED_US = 80_000
BOUNCES = 3  # at most, at each end
BOUNCE_US = (200, 1_500)


class RainContact(Contact):
    """`tips` counts what it has measured, whoever listened.

    Faults: `bouncing` (so many bounces more at each end), `stuck` (stays closed from its next tip
    on, until it is off), `loose` (a tip does not close it), `humming` (50 Hz on the cable while it
    is on).
    """

    def __init__(self, world: World, river: River, active_level: int, tip_um: int) -> None:
        super().__init__(world, active_level)
        self.faults = Faults(bouncing=0, stuck=False, loose=False, humming=False)
        self.faults.listen(self._turned)
        self.river = river
        self.tip_um = tip_um
        self.tips = 0
        self.random = random.Random(world.random.getrandbits(64))
        self._next: Event | None = None
        self._hum: Event | None = None
        self._begin_mm = river.rain_mm(world.now_us)
        river.listeners.append(self._wait)
        self._wait()

    def _wait(self) -> None:
        """For the rain that fills the bucket."""
        if self._next is not None:
            self._next.cancel()
        at_us = self.river.when_us(self._begin_mm + (self.tips + 1) * self.tip_um / 1000)
        self._next = None if at_us is None else self.world.call_at(at_us, self._tip)

    def _tip(self) -> None:
        self.tips += 1
        self._wait()
        self.tip()

    def tip(self) -> None:
        """Passes the magnet by the contact."""
        if self.faults.take("loose") or self.active:
            return
        settled_us = self._change(0, True)
        if not self.faults.take("stuck"):
            self._change(max(CLOSED_US, settled_us), False)

    def _change(self, after_us: int, active: bool) -> int:
        """Changes its state, with bounces; returns when it is at rest."""
        self.world.call_after(after_us, partial(self._be, active))
        for _ in range(self.random.randint(0, BOUNCES) + self.faults.take("bouncing")):
            for state in (not active, active):
                after_us += self.random.randint(*BOUNCE_US)
                self.world.call_after(after_us, partial(self._be, state))
        return after_us

    def _turned(self, name: str, what: str) -> None:
        """A switch is another way now."""
        if name == "stuck" and what == "off":
            self._be(False)
        elif name == "humming" and what.startswith("set") and self._hum is None:
            self._half_wave()

    def _half_wave(self) -> None:
        self._hum = None
        if self.faults.take("humming"):
            self._be(not self.active)
            self._hum = self.world.call_after(10_000, self._half_wave)
        else:
            self._be(False)

    def level(self, _pulled_up: bool) -> int:
        return self.active_level if self.active else 1 - self.active_level
