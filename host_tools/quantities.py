"""What people write of a channel, '2.50 m' or '300 mm/h', in its counts, and back."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from . import scaled
from .language import tr
from .wording import one_of

if TYPE_CHECKING:
    from .profiles import Channel

# What people write for the unit of a channel, and how many of it make one.
_OTHER_UNITS: dict[str, dict[str, int | Fraction]] = {
    "m": {"cm": 100, "mm": 1000},
    "V": {"mV": 1000},
    "A": {"mA": 1000},
    "Cel": {"°C": 1, "C": 1},
    "%RH": {"%": 1},
    "lx": {"klx": Fraction(1, 1000)},
    "Pa": {"hPa": Fraction(1, 100), "kPa": Fraction(1, 1000)},
    "l": {"ml": 1000, "m3": Fraction(1, 1000)},
    "m3": {"l": 1000},
    "m/s": {"km/h": Fraction(36, 10)},
    "s": {"min": Fraction(1, 60), "h": Fraction(1, 3600)},
    "1": {"": 1},
}
# What people write most often, for an example.
_TYPICAL: dict[str, float] = dict.fromkeys(("%RH", "%"), 30) | {
    "Cel": 26,
    "Pa": 1200,
    "ppm": 800,
    "lx": 10_000,
    "uS/cm": 1500,
    "m/s": 9,
    "l": 20,
    "l/min": 5,
    "V": 3.6,
    "s": 1800,
    "klx.h": 120,
    "mm": 5,
}
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(\S*)")


def counts(text: str, channel: Channel, per: str = "", difference: bool = False) -> int:
    """Return a quantity in counts of a channel; `per` follows its unit, as in 'mm/h'.

    A difference of temperatures may be in K, too.

    Raises:
        ValueError: it is none; the text says what is allowed.
    """
    units: dict[str, int | Fraction] = {channel.unit: 1, **_OTHER_UNITS.get(channel.unit, {})}
    if difference and channel.unit == "Cel":
        units["K"] = 1
    found = _QUANTITY.fullmatch(text.strip())
    unit = found[2].removesuffix(per) if found and found[2].endswith(per) else None
    if found is None or unit not in units:
        like = _typical(channel, difference)
        named = ", ".join(f"{name}{per}" for name in units if name + per)
        allowed = f" ({named})" if named else ""
        raise ValueError(
            tr("must be a number with its unit{allowed}, like '{told}{per}'").format(
                allowed=allowed, told=told(like, channel), per=per
            )
        )
    exact = Fraction(found[1]) * channel.scale / units[unit]
    if exact.denominator != 1:
        below = exact.numerator // exact.denominator
        near = one_of(f"'{told(each, channel)}{per}'" for each in (below, below + 1))
        step = f"{told(1, channel)}{per}"
        raise ValueError(
            tr("{name} comes in steps of {step}, the nearest are {near}").format(
                name=channel.name, step=step, near=near
            )
        )
    return exact.numerator


def span(low: int, high: int, channel: Channel) -> str:
    """Return what a channel tells from lowest to highest, both in counts."""
    return tr("{low} to {high}").format(low=told(low, channel), high=told(high, channel))


def never_passed(place: str, channel: Channel) -> str:
    """Return what is wrong of a mark at the end of a channel, or beyond it."""
    ends = span(channel.minimum, channel.maximum, channel)
    return tr("{place}: {name} is only from {ends}, and never passes it").format(
        place=place, name=channel.name, ends=ends
    )


def never_over(place: str, threshold: int, below: bool, back: int, channel: Channel) -> str:
    """Return what is wrong of a mark that is never over by `back`, '' if it may be."""
    over = threshold + back if below else threshold - back
    if channel.minimum <= over <= channel.maximum:
        return ""
    ends = span(channel.minimum, channel.maximum, channel)
    return tr(
        "{place}: it would be over at {over}, and {name} is only from {ends}, so that it would "
        "never end: give a smaller one"
    ).format(place=place, over=told(over, channel), name=channel.name, ends=ends)


def _typical(channel: Channel, difference: bool) -> int:
    """Return a value for an example, in counts; of a difference some twentieth of it."""
    typical = round(_TYPICAL.get(channel.unit, 1) * channel.scale)
    if difference:
        return max(1, round(float(f"{typical / 20:.1g}")))
    return min(max(typical, channel.minimum), channel.maximum)


def told(counts: int, channel: Channel) -> str:
    """Return counts of a channel as people write them."""
    return quantity(counts, channel.scale, channel.unit)


def quantity(counts: int, scale: int, unit: str) -> str:
    """Return counts as people write them: '3.200 m'."""
    return scaled.text(counts, scale) + (f" {unit}" if unit not in ("", "1") else "")
