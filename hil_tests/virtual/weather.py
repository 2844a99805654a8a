"""What the recorded year lacks: smooth curves that are made up, for sensors of other quantities.

Each takes the hour of the year in local time, and the scene's other values by name. They move
within what is usual and never stand still; do not draw meteorology from them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sin

Values = Callable[[str], float]


def wave(hours: float, period_h: float, middle: float, swing: float) -> float:
    """A sine of the hour."""
    return middle + swing * sin(2 * pi * hours / period_h)


def wind_direction(hours: float, _values: Values) -> float:
    """Degrees."""
    return (wave(hours, 51, 180, 140) + wave(hours, 1.7, 0, 20)) % 360


def follows(name: str, factor: float, more: float = 0.0) -> Callable[[float, Values], float]:
    """In proportion to another value of the scene."""
    return lambda _hours, values: more + factor * values(name)


MADE_UP: dict[str, Callable[[float, Values], float]] = {
    "pressure": lambda h, _: wave(h, 150, 101_300, 900) + wave(h, 12, 0, 60),  # Pa
    "wind_direction": wind_direction,
    "wind_force": lambda _, values: (values("wind_speed") / 0.836) ** (2 / 3),  # Beaufort
    "wind_octant": lambda _, values: round(values("wind_direction") / 45) % 8,  # 0 is north
    "rain": lambda _hours, _values: 0.0,  # mm since it began: where no record has any
    "noise": lambda h, _: wave(h, 24, 47, 8) + wave(h, 0.6, 0, 1.5),  # dB
    "pm2_5": lambda h, _: wave(h, 90, 38, 22) + wave(h, 24, 0, 6),  # ug/m3
    "pm10": lambda h, _: wave(h, 90, 60, 34) + wave(h, 24, 0, 9),
    # Soil probes derive these from the conductivity.
    "soil_nitrogen": follows("soil_ec", 0.07),  # mg/kg
    "soil_phosphorus": follows("soil_ec", 0.10),
    "soil_potassium": follows("soil_ec", 0.20),
    # Of a nutrient solution.
    "water_temperature": follows("soil_temperature", 0.8, 3.0),
    "water_ec": lambda h, _: wave(h, 60, 1_800, 250) + wave(h, 3, 0, 15),  # uS/cm
    "water_ph": lambda h, _: wave(h, 60, 6.0, 0.25),
}
