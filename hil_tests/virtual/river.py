"""The river that a virtual station stands at: rain that falls, and the level that follows it.

    river = River(base_mm=600)
    river.storm(begin_s=3600, hours=(2, 9, 4, 1))     # mm in each hour from then on
    river.level_mm(now_us), river.rain_mm(now_us)

A documented synthetic flood wave, no record: rain runs off through a cascade of three equal
reservoirs (Nash's unit hydrograph, of which the answer to an hour of even rain is known exactly),
and the level grows with the discharge to the power of 0.6, as in a wide channel (Manning). The
figures are those of a catchment of some 50 km2 in the hills: the crest comes two to three hours
after the heaviest rain, and 60 mm in four hours raise the water by about two metres.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

HOUR_US = 3_600_000_000
RESERVOIRS = 3
DELAY_H = 0.9  # of each reservoir
RUNOFF = 0.7  # of the rain; the rest stays in the ground
STAGE_MM = 480  # above the base, at a run-off of 1 mm/h
STAGE_POWER = 0.6
BISECTIONS = 50
ROUNDING_MM = 1e-9


@dataclass(frozen=True)
class Rain:
    """Even rain: `mm` between two moments."""

    begin_us: int
    end_us: int
    mm: float

    def fallen_mm(self, now_us: float) -> float:
        """How much of it has fallen."""
        share = (now_us - self.begin_us) / (self.end_us - self.begin_us)
        return self.mm * min(max(share, 0.0), 1.0)

    def runoff_mm_h(self, now_us: int) -> float:
        """What of it runs off at a moment."""
        hours = (self.end_us - self.begin_us) / HOUR_US
        passed = _passed((now_us - self.begin_us) / HOUR_US) - _passed(
            (now_us - self.end_us) / HOUR_US
        )
        return RUNOFF * self.mm / hours * passed


class River:
    """Level and rain by the world's microseconds.

    `datum_mm` is the height of the level sensor's face above the zero of the gauge, `foot_mm`
    that of a pressure transmitter. `listeners` are called when a storm is added.
    """

    def __init__(self, base_mm: float = 600, datum_mm: float = 4200, foot_mm: float = 0) -> None:
        self.base_mm = base_mm
        self.datum_mm = datum_mm
        self.foot_mm = foot_mm
        self.rains: list[Rain] = []
        self.listeners: list[Callable[[], object]] = []

    def storm(self, begin_s: float, hours: tuple[float, ...], step_s: float = 3600) -> None:
        """Lets it rain from `begin_s` on: mm in each hour, or in each `step_s`."""
        for number, mm in enumerate(hours):
            begin_us = round((begin_s + number * step_s) * 1e6)
            self.rains.append(Rain(begin_us, begin_us + round(step_s * 1e6), mm))
        for listener in self.listeners:
            listener()

    def rain_mm(self, now_us: float) -> float:
        """All that has fallen until now."""
        return sum(rain.fallen_mm(now_us) for rain in self.rains)

    def rain_mm_h(self, now_us: int) -> float:
        """How heavy it rains."""
        falling = (rain for rain in self.rains if rain.begin_us <= now_us < rain.end_us)
        return sum(rain.mm * HOUR_US / (rain.end_us - rain.begin_us) for rain in falling)

    def level_mm(self, now_us: int) -> float:
        """Above the zero of the gauge."""
        runoff_mm_h = sum(rain.runoff_mm_h(now_us) for rain in self.rains)
        return self.base_mm + STAGE_MM * max(runoff_mm_h, 0.0) ** STAGE_POWER

    def when_us(self, mm: float) -> int | None:
        """When so much will have fallen; None if it never does."""
        if not self.rains or self.rain_mm(math.inf) < mm - ROUNDING_MM:
            return None
        low = 0.0
        high = float(max(rain.end_us for rain in self.rains))
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            if self.rain_mm(middle) < mm:
                low = middle
            else:
                high = middle
        return math.ceil(high)


def _passed(hours: float) -> float:
    """The share of a sudden millimetre that has left the last reservoir after so long."""
    if hours <= 0:
        return 0.0
    x = hours / DELAY_H
    term = terms = 1.0
    for i in range(1, RESERVOIRS):
        term *= x / i
        terms += term
    return 1.0 - math.exp(-x) * terms
