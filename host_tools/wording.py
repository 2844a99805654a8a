"""Counts and lists in words."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable

NAMED = 12


def counted(number: int, noun: str) -> str:
    """Return how many there are: '1 loudspeaker', '0 loudspeakers'."""
    return f"{number} {noun}{'s' * (number != 1)}"


def first(texts: Iterable[str], most: int = NAMED, between: str = ", ") -> str:
    """Return the first of some texts, and how many more there are."""
    known = list(texts)
    more = len(known) - most
    return between.join(known[:most]) + (f" and {more} more" if more > 0 else "")
