"""How a value is written: counts and their scale as decimal digits, a quality code by its name."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from functools import cache

from fieldbeat.protocols.schema import QUALITY_NAMES

from .language import tr

SYMBOLS = {
    "Cel": "°C",
    "uS/cm": "µS/cm",
}  # SenML units (RFC 8428, 12.1) that people write otherwise
_EXACT_DIGITS = 9  # beyond them nobody reads on


@cache
def digits(scale: int) -> int:
    """Return how many decimals a value of `scale` counts a unit has.

    They give it exactly where they end; else they are as many as tell each count from the next.
    """
    exact = (n for n in range(_EXACT_DIGITS + 1) if 10**n % scale == 0)
    return next(exact, len(str(scale)))


def text(counts: int, scale: int) -> str:
    """Return counts as a value with the digits that its scale gives it."""
    return f"{counts / scale:.{digits(scale)}f}"


def symbol(unit: str) -> str:
    """Return a SenML unit as people write it."""
    return SYMBOLS.get(unit, unit)


def quality_name(code: int) -> str:
    """Return what a quality code means."""
    return (
        QUALITY_NAMES[code]
        if 0 <= code < len(QUALITY_NAMES)
        else tr("code {code}").format(code=code)
    )
