"""What a sensor element sees: the scene's value, its own seeded noise, and its faults."""

from __future__ import annotations

import random

from ..scene import Scene
from ..world import World
from .faults import Faults


class Source:
    """Values for one sensor; `noise` gives one standard deviation by scene name.

    Faults: `frozen` repeats the last values, `forced` is a dict of scene name -> value.
    """

    def __init__(
        self, world: World, scene: Scene, faults: Faults, noise: dict[str, float]
    ) -> None:
        self.world = world
        self.scene = scene
        self.faults = faults
        self.noise = noise
        self.random = random.Random(world.random.getrandbits(64))
        self.last: dict[str, float] = {}

    def read(self, name: str) -> float:
        """Return the value now, in the unit of the scene."""
        if name in self.last and self.faults.take("frozen"):
            return self.last[name]
        if name in (self.faults.forced or {}):
            value = self.faults.take("forced")[name]
        else:
            value = self.scene.value(name, self.world.now_us)
            value += self.random.gauss(0, self.noise.get(name, 0))
        self.last[name] = value
        return value


def to_code(value: float, low: float, span: float, full: int = 65535) -> int:
    """Return the converter's code of a value on the scale low .. low + span, clipped."""
    return min(max(round((value - low) / span * full), 0), full)
