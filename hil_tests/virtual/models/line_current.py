"""The current into a loudspeaker's line, rectified and smoothed, as a voltage at an ADC pin.

Hypotheses: 1,000 mA for a square wave of full scale, 8 mA while the amplifier is supplied, 50 ms
of smoothing.
"""

from __future__ import annotations

import random

from ..world import World
from .amplifier import Amplifier
from .faults import Faults
from .i2s_sink import FULL_SCALE, rms

FULL_SCALE_MA = 1000.0
QUIESCENT_MA = 8.0
SHORT_MA = 2500.0
NOISE_MA = 1.0
SMOOTHING_US = 50_000
CEILING_UV = 3_130_000  # the ESP32's converter clips


class LineCurrent:
    """`read_uv()` as machine.ADC gives it; mA = mV * numerator / denominator.

    Faults: `open` (the line is torn, only the amplifier itself is left), `short`, `forced` (mA).
    """

    def __init__(
        self, world: World, amplifier: Amplifier, numerator: int = 1, denominator: int = 1
    ) -> None:
        self.world = world
        self.amplifier = amplifier
        self.numerator = numerator
        self.denominator = denominator
        self.faults = Faults(open=False, short=False, forced=None)
        self.random = random.Random(world.random.getrandbits(64))

    def current_ma(self) -> float:
        """The current now."""
        forced = self.faults.take("forced")
        if forced is not None:
            return float(forced)
        if not self.amplifier.stands:
            return 0.0
        if self.faults.take("short"):
            return SHORT_MA
        if self.faults.take("open"):
            return QUIESCENT_MA
        now_us = self.world.now_us
        heard = self.amplifier.sink.samples(max(0, now_us - SMOOTHING_US), now_us)
        return QUIESCENT_MA + rms(heard) / FULL_SCALE * FULL_SCALE_MA

    def read_uv(self) -> int:
        """Return microvolts at the pin."""
        current_ma = max(0.0, self.current_ma() + self.random.gauss(0, NOISE_MA))
        uv = round(current_ma * 1000 * self.denominator / self.numerator)
        return min(uv, CEILING_UV)
