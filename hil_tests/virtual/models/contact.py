"""A contact at an input pin, which bounces when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..world import World
from .faults import Faults

BOUNCE_US = 3_000


class Contact:
    """`level(pulled_up)` as the pin has it; `active_level` is the level while it is active.

    `listeners` are called at each change of its state.
    Faults: `humming` (alternating current of 50 Hz instead of a state).
    """

    def __init__(self, world: World, active_level: int, active: bool = False) -> None:
        self.world = world
        self.active_level = active_level
        self.active = active
        self.faults = Faults(humming=False)
        self.listeners: list[Callable[[], object]] = []

    def set(self, active: bool, bounces: int = 0) -> None:
        """Change its state now; it comes back so many times for a moment."""
        self._be(active)
        for i in range(2 * bounces):
            state = active if i % 2 else not active
            self.world.call_after((i + 1) * BOUNCE_US, partial(self._be, state))

    def _be(self, active: bool) -> None:
        self.active = active
        for listener in self.listeners:
            listener()

    def level(self, _pulled_up: bool) -> int:
        """Level at the board's pin."""
        active = self.active
        if self.faults.take("humming"):
            active = self.world.now_us // 10_000 % 2 == 0
        return self.active_level if active else 1 - self.active_level
