"""A battery behind a divider on an ADC pin of an ESP32."""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .faults import Faults
from .source import Source

# ESP32 technical data: with 11 dB attenuation the converter clips at both ends.
FLOOR_UV, CEILING_UV = 142_000, 3_130_000
STEP_UV = 1_000  # the calibrated reading comes in whole millivolts


def converted(uv: float) -> int:
    """What the converter makes of microvolts at its pin."""
    return min(max(round(uv / STEP_UV) * STEP_UV, FLOOR_UV), CEILING_UV)


class BatteryDivider:
    """`read_uv()` as `machine.ADC` gives it. battery = pin * numerator / denominator.

    Faults: `unplugged` (the pin is pulled to ground), `frozen`, `forced`; `stuck` at full scale.
    """

    NOISE = {"battery": 0.004}

    def __init__(
        self, world: World, scene: Scene, numerator: int = 2, denominator: int = 1
    ) -> None:
        self.numerator = numerator
        self.denominator = denominator
        self.faults = Faults(unplugged=False, frozen=False, forced=None, stuck=False)
        self.source = Source(world, scene, self.faults, self.NOISE)

    def read_uv(self) -> int:
        """Return microvolts at the pin."""
        if self.faults.take("unplugged"):
            return FLOOR_UV
        if self.faults.take("stuck"):
            return CEILING_UV
        uv = self.source.read("battery") * 1_000_000 * self.denominator / self.numerator
        return converted(uv)
