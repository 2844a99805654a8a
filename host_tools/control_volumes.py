"""Limits of a pump that doses: written as a volume, kept by its unit as a time.

rate = "2.5 ml/s"          # what it gives, measured with a beaker
max_run = "50 ml"          # 20 s
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from fractions import Fraction

from . import times
from .language import tr

ML = {"ml": 1, "l": 1000, "m3": 1_000_000}
PER_S = {"s": 1, "min": 60, "h": 3600}
LEAST_S = 10  # a unit counts whole seconds
RATE_RULE = tr("what it gives in a time, like '2.5 ml/s', '150 ml/min' or '9 l/h'")
_VOLUME = re.compile(r"(\d+(?:\.\d+)?) *(ml|l|m3)")


def is_volume(text: str) -> bool:
    """Tell whether a limit is written as a volume."""
    return bool(_VOLUME.fullmatch(text.strip()))


def ml(text: str) -> Fraction:
    """Return a volume in millilitres.

    Raises:
        ValueError: it is none, or not above zero.
    """
    found = _VOLUME.fullmatch(text.strip())
    if not found or not Fraction(found[1]):
        raise ValueError(text)
    return Fraction(found[1]) * ML[found[2]]


def ml_s(rate: str) -> Fraction:
    """Return a rate in millilitres a second.

    Raises:
        ValueError: it is none, or not above zero.
    """
    volume, _, time = rate.partition("/")
    if time.strip() not in PER_S:
        raise ValueError(rate)
    return ml(volume) / PER_S[time.strip()]


def seconds(text: str, rate: str | None) -> float:
    """Return how long a limit lasts, whole seconds of a volume: never more than it says.

    Raises:
        ValueError: it is neither a time nor a volume, or a volume without a rate.
    """
    if not is_volume(text):
        return times.duration(text)
    return float(ml(text) // ml_s(rate or ""))


def span_s(text: str | None, rate: str | None = None) -> int | None:
    """Return how long a limit lasts, None if it is neither a time nor a volume."""
    try:
        return int(seconds(text or "", rate))
    except ValueError:
        return None


def told(text: str, rate: str | None) -> str:
    """Return a limit in words: '50 ml (20 s)'."""
    return f"{text} ({times.span(seconds(text, rate))})" if is_volume(text) else text
