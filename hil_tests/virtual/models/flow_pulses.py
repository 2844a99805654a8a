"""A turbine in a water pipe: an open collector that falls and rises again with each pulse."""

from __future__ import annotations

from ..world import Event, World
from .contact import Contact
from .faults import Faults

HUM_HALF_US = 10_000  # of 50 Hz


class FlowPulses(Contact):
    """`run(l_min)` lets water flow from now on; `litres` is what has passed, whoever listened.

    Faults: `loose` (no pulse arrives), `humming` (50 Hz on the cable while it is on).
    """

    def __init__(self, world: World, active_level: int, pulses_per_l: int) -> None:
        super().__init__(world, active_level)
        self.faults = Faults(loose=False, humming=False)
        self.faults.listen(self._turned)
        self.pulses_per_l = pulses_per_l
        self.pulses = 0
        self._half_us = 0
        self._next: Event | None = None
        self._hum: Event | None = None

    @property
    def litres(self) -> float:
        """What has flowed."""
        return self.pulses / self.pulses_per_l

    def run(self, l_min: float) -> None:
        """Water flows from now on; 0 stops it."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._half_us = round(30_000_000 / (l_min * self.pulses_per_l)) if l_min else 0
        if self._half_us:
            self._next = self.world.call_after(self._half_us, self._turn)
        else:
            self._be(False)

    def _turn(self) -> None:
        falls = not self.active
        self.pulses += falls
        if not falls or not self.faults.take("loose"):
            self._be(falls)
        self._next = self.world.call_after(self._half_us, self._turn)

    def _turned(self, name: str, what: str) -> None:
        """A switch is another way now."""
        if name == "humming" and what.startswith("set") and self._hum is None:
            self._half_wave()

    def _half_wave(self) -> None:
        self._hum = None
        if self.faults.take("humming"):
            self._be(not self.active)
            self._hum = self.world.call_after(HUM_HALF_US, self._half_wave)
        else:
            self._be(False)

    def level(self, _pulled_up: bool) -> int:
        return self.active_level if self.active else 1 - self.active_level
