"""What people write of a channel, '2.50 m' or '300 mm/h', in its counts, and back."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from . import scaled

if TYPE_CHECKING:
    from .profiles import Channel

# What people write for the unit of a channel, and how many of it make one.
_OTHER_UNITS = {
    "m": {"cm": 100, "mm": 1000},
    "V": {"mV": 1000},
    "A": {"mA": 1000},
    "Cel": {"°C": 1, "C": 1},
    "1": {"": 1},
}
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(\S*)")


def counts(text: str, channel: Channel, per: str = "") -> int:
    """Return a quantity in counts of a channel; `per` follows its unit, as in 'mm/h'.

    Raises:
        ValueError: it is none; the text says what is allowed.
    """
    units = {channel.unit: 1, **_OTHER_UNITS.get(channel.unit, {})}
    found = _QUANTITY.fullmatch(text.strip())
    unit = found[2].removesuffix(per) if found and found[2].endswith(per) else None
    if found is None or unit not in units:
        raise ValueError(
            f"must be a number with its unit, like '{told(channel.maximum // 2, channel)}{per}'"
        )
    exact = Fraction(found[1]) * channel.scale / units[unit]
    if exact.denominator != 1:
        raise ValueError(f"{channel.name} comes in steps of {told(1, channel)}{per}")
    return exact.numerator


def told(counts: int, channel: Channel) -> str:
    """Return counts of a channel as people write them."""
    return quantity(counts, channel.scale, channel.unit)


def quantity(counts: int, scale: int, unit: str) -> str:
    """Return counts as people write them: '3.200 m'."""
    return scaled.text(counts, scale) + (f" {unit}" if unit not in ("", "1") else "")
