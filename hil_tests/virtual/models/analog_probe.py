"""A probe with a voltage at an ADC pin: straight between the two points of its map."""

from __future__ import annotations

import random
from typing import Any

from ..scene import Scene
from ..world import World
from .battery import CEILING_UV, FLOOR_UV, converted
from .faults import Faults
from .source import Source

NOISE_UV = 4_000  # of the converter, ESP32 datasheet
FLOATING_UV = 700_000  # by so much a pin in the air picks up more or less


class AnalogProbe:
    """`read_uv()` as machine.ADC gives it; `points_mv` are this one's own, as the config has them.

    Faults: `unplugged` (the pin hangs in the air), `grounded`, `shorted` (to the supply),
    `frozen`, `forced`.
    """

    def __init__(
        self,
        world: World,
        scene: Scene,
        map: dict[str, Any],
        channel: str,
        points_mv: list[int] | None = None,
    ) -> None:
        (self.from_mv, low), (self.to_mv, high) = map["points"]
        self.from_mv, self.to_mv = points_mv or (self.from_mv, self.to_mv)
        scale = map["channel"]["scale"]
        self.low, self.high = low / scale, high / scale
        self.channel = channel
        self.faults = Faults(
            unplugged=False, grounded=False, shorted=False, frozen=False, forced=None
        )
        self.source = Source(world, scene, self.faults, {})
        self.random = random.Random(world.random.getrandbits(64))

    def read_uv(self) -> int:
        """Return microvolts at the pin."""
        if self.faults.take("grounded"):
            return FLOOR_UV
        if self.faults.take("shorted"):
            return CEILING_UV
        if self.faults.take("unplugged"):
            return converted(1_500_000 + self.random.uniform(-1, 1) * FLOATING_UV)
        share = (self.source.read(self.channel) - self.low) / (self.high - self.low)
        mv = self.from_mv + share * (self.to_mv - self.from_mv)
        noise_uv = 0 if self.faults.frozen else self.random.gauss(0, NOISE_UV)
        return converted(mv * 1000 + noise_uv)
