"""Counts and lists in words."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable

from .language import tr

NAMED = 12


def counted(number: int, noun: str) -> str:
    """Return how many there are: '1 loudspeaker', '0 loudspeakers'."""
    several = f"{{number}} {noun}s"
    told = tr(several)
    return (f"{{number}} {noun}" if told == several and number == 1 else told).format(
        number=number
    )


def first(texts: Iterable[str], most: int = NAMED, between: str = ", ") -> str:
    """Return the first of some texts, and how many more there are."""
    known = list(texts)
    more = len(known) - most
    return between.join(known[:most]) + (
        tr(" and {more} more").format(more=more) if more > 0 else ""
    )


def all_of(texts: Iterable[str]) -> str:
    """Return "this and that"."""
    return tr(" and ").join(texts)


def one_of(texts: Iterable[str]) -> str:
    """Return "this or that"."""
    return tr(" or ").join(texts)


def record_numbers(first: int, last: int) -> str:
    """Return "record 5", or "records 5 to 9"; `last` is one of them."""
    if first == last:
        return tr("record {first}").format(first=first)
    return tr("records {first} to {last}").format(first=first, last=last)
