"""Which register is what: values at rest, values while a person stimulates the sensor, guesses.

A guess is a name with scale and sign under which the register had a plausible value at rest and
moved when the quantity did. It is proposed, never taken for granted.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean, pstdev
from typing import Any

from .language import tr

Sample = dict[int, int]  # register -> 0 .. 65535
SCALES = (1, 10, 100)
COUNTS_OF_NOISE = 1.0  # what a register moves at least by itself
CLEAR = 4.0  # times its noise: it has moved


@dataclass(frozen=True)
class Quantity:
    """What a sensor may measure: its unit, what it is on a bench, how to move it."""

    unit: str
    low: float
    high: float
    resolution: float  # the coarsest step that a sensor of it has
    stimulus: str
    rises: bool | None = None  # what the stimulus does to it, where that is sure
    signed: bool = False
    wide: bool = False  # it may take two registers


QUANTITIES = {
    "temperature": Quantity("Cel", 5, 45, 0.1, tr("hold it in a warm hand"), True, signed=True),
    "humidity": Quantity("%RH", 10, 99, 0.1, tr("breathe at it"), True),
    "moisture": Quantity("%", 0, 100, 0.1, tr("put its pins into wet soil, or a wet cloth"), True),
    "ec": Quantity("uS/cm", 0, 5000, 1, tr("put its pins into salt water"), True),
    "ph": Quantity("pH", 3, 10, 0.1, tr("put it into vinegar and water"), False),
    "co2": Quantity("ppm", 350, 3000, 1, tr("breathe at it"), True),
    "pressure": Quantity("hPa", 850, 1060, 1, tr("lift it up a floor: it falls a little"), None),
    "wind_speed": Quantity("m/s", 0, 12, 0.1, tr("blow at it, or turn its cups"), True),
    "wind_direction": Quantity("deg", 0, 360, 1, tr("turn its vane"), None),
    "illuminance": Quantity("lx", 0, 120_000, 1, tr("hold a lamp over it"), True, wide=True),
    "noise": Quantity("dB", 30, 110, 0.1, tr("clap beside it"), True),
    "pm2_5": Quantity("ug/m3", 0, 300, 1, tr("hold a smoking match below it"), True),
    "pm10": Quantity("ug/m3", 0, 400, 1, tr("hold a smoking match below it"), True),
    "distance": Quantity("m", 0.05, 30, 0.001, tr("hold a board in front of it"), False),
    "depth": Quantity("m", 0, 10, 0.001, tr("lower it into a bucket of water"), True),
}


@dataclass(frozen=True)
class Guess:
    """A register as a quantity: `value` is what it was at rest, `score` higher for likelier."""

    name: str
    register: int
    scale: int
    signed: bool
    words: int
    low_first: bool
    value: float
    moved: float  # by so many times its noise
    score: float

    @property
    def entry(self) -> dict[str, Any]:
        """Return it as a register map has it."""
        found: dict[str, Any] = {
            "name": self.name,
            "unit": QUANTITIES[self.name].unit,
            "scale": self.scale,
            "register": self.register,
        }
        if self.signed:
            found["signed"] = True
        if self.words > 1:
            found["words"] = self.words
        if self.low_first:
            found["low_first"] = True
        return found


def series(samples: Iterable[Sample], register: int, words: int, low_first: bool) -> list[int]:
    """Return a register's values, or those of it and the next one together."""
    found = []
    for sample in samples:
        parts = [sample[register + i] for i in range(words)]
        high_first = reversed(parts) if low_first else parts
        value = 0
        for part in high_first:
            value = value << 16 | part
        found.append(value)
    return found


def movement(rest: list[int], stimulated: list[int]) -> float:
    """Return how far the values went from their rest, in times of their noise; falling is < 0."""
    middle = mean(rest)
    noise = max(pstdev(rest), COUNTS_OF_NOISE)
    far = max(stimulated, key=lambda value: abs(value - middle))
    return (far - middle) / noise


def guesses(name: str, rest: list[Sample], stimulated: list[Sample]) -> list[Guess]:
    """Return what may be this quantity, the likeliest first.

    Args:
        name: one of QUANTITIES.
        rest: samples while nobody did anything.
        stimulated: samples while a person moved this quantity.
    """
    quantity = QUANTITIES[name]
    found = []
    for register in sorted(rest[0]):
        for words, low_first in _widths(register, rest[0], quantity):
            low = register if low_first else register + words - 1
            if (
                abs(movement(series(rest, low, 1, False), series(stimulated, low, 1, False)))
                < CLEAR
            ):
                continue  # the lower word moves first
            calm = signed(series(rest, register, words, low_first), quantity.signed, words)
            moving = signed(series(stimulated, register, words, low_first), quantity.signed, words)
            moved = movement(calm, moving)
            if abs(moved) < CLEAR or quantity.rises not in (None, moved > 0):
                continue
            found += _scaled(name, register, words, low_first, calm, moving, moved)
    return sorted(found, key=lambda guess: -guess.score)


def _widths(register: int, sample: Sample, quantity: Quantity) -> list[tuple[int, bool]]:
    if quantity.wide and register + 1 in sample:
        return [(1, False), (2, False), (2, True)]
    return [(1, False)]


def signed(values: list[int], is_signed: bool, words: int) -> list[int]:
    """Return the values as numbers with a sign, where they have one."""
    top = 1 << 16 * words
    return [value - top if is_signed and value >= top // 2 else value for value in values]


def _scaled(
    name: str,
    register: int,
    words: int,
    low_first: bool,
    calm: list[int],
    moving: list[int],
    moved: float,
) -> list[Guess]:
    quantity = QUANTITIES[name]
    scales = (1000, 100, 1) if name in ("distance", "depth") else SCALES
    found = []
    for scale in scales:
        value, extreme = mean(calm) / scale, max(calm + moving) / scale
        if not (quantity.low <= value <= quantity.high and extreme <= quantity.high * 1.5):
            continue
        # A usual step, a strong answer, and as many registers as are needed.
        usual = 1.0 if abs(scale * quantity.resolution - 1) < 0.01 else 0.4
        strength = min(abs(moved) / 20, 1.0)
        width = 1.0 if words == 1 else 1.2 if max(calm + moving) > 0xFFFF else 0.1
        score = usual * (0.5 + strength / 2) * width
        found.append(
            Guess(name, register, scale, quantity.signed, words, low_first, value, moved, score)
        )
    return found


def to_map(part: str, source: str, function: int, chosen: Iterable[Guess]) -> dict[str, Any]:
    """Return a register map (drivers/maps) of what was chosen, in the order of its registers."""
    entries = sorted((guess.entry for guess in chosen), key=lambda entry: entry["register"])
    return {"part": part, "source": source, "function": function, "registers": entries}
