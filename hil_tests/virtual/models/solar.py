"""A solar panel's voltage behind a divider on an ADC pin."""

from __future__ import annotations

import math

from ..scene import Scene
from ..world import World
from .battery import FLOOR_UV, converted
from .faults import Faults
from .source import Source

OPEN_V = 21.0  # a 12 V panel without a load, in the sun
DIM_LX = 400.0  # hypothesis: at that it gives two thirds of it


class SolarPanel:
    """Faults: `covered` (leaves, snow), `unplugged`, `frozen`, `forced`."""

    NOISE = {"illuminance": 5.0}

    def __init__(
        self, world: World, scene: Scene, numerator: int = 8, denominator: int = 1
    ) -> None:
        self.numerator = numerator
        self.denominator = denominator
        self.faults = Faults(covered=False, unplugged=False, frozen=False, forced=None)
        self.source = Source(world, scene, self.faults, self.NOISE)

    def read_uv(self) -> int:
        """Microvolts at the pin."""
        if self.faults.take("unplugged"):
            return FLOOR_UV
        light_lx = max(self.source.read("illuminance"), 0.0)
        if self.faults.take("covered"):
            light_lx /= 100
        volts = OPEN_V * (1 - math.exp(-light_lx / DIM_LX))
        uv = volts * 1_000_000 * self.denominator / self.numerator
        return converted(uv)
