"""Times of day in rules, which may follow the sun: how they are written, and when they are."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

from fieldbeat.protocols import control_rules, sun

from . import times
from .language import tr

DAY_S = 86_400
YEAR_DAYS = 365
BASES = {
    times.MIDNIGHT: control_rules.MIDNIGHT,
    times.SUNRISE: control_rules.SUNRISE,
    times.SUNSET: control_rules.SUNSET,
}
Clock = Sequence[int]  # of control_rules.py: [CLOCK, base, s, base, s]
Spans = list[tuple[int, int]]  # of a day, in seconds


def offset_s(text: str) -> int:
    """Return the seconds of an offset from UTC like '+08:00'.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"([+-])(\d{2}):([0-5]\d)", text)
    seconds = int(found[2]) * 3600 + int(found[3]) * 60 if found else DAY_S
    if not found or seconds > 14 * 3600:
        raise ValueError(text)
    return -seconds if found[1] == "-" else seconds


def told(base: int, seconds: int) -> str:
    """Return a time of day as people write it: '18:30', 'sunset-1:00'."""
    minutes = f"{abs(seconds) // 3600}:{abs(seconds) % 3600 // 60:02}"
    if base == control_rules.MIDNIGHT:
        return minutes
    name = times.SUNRISE if base == control_rules.SUNRISE else times.SUNSET
    return f"{name}{'-' if seconds < 0 else '+'}{minutes}" if seconds else name


@cache
def suns(place: tuple[float, float] | None, utc_offset_s: int) -> list[tuple[int, int]]:
    """Return sunrise and sunset of each day of a year, in seconds of the local day."""
    if place is None:
        return [(0, 0)] * YEAR_DAYS
    return [sun.times(day, *place, utc_offset_s) for day in range(YEAR_DAYS)]


def spans(clocks: Sequence[Clock], sunrise_s: int, sunset_s: int) -> Spans:
    """Return when all windows of the clock are open on a day; all of it where there are none."""
    found: Spans = [(0, DAY_S)]
    for clock in clocks:
        found = both(found, _open(clock, sunrise_s, sunset_s))
    return found


def both(one: Spans, other: Spans) -> Spans:
    """Return what two lists of spans have in common."""
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return [(begin, end) for begin, end in pairs if begin < end]


def covers(one: Spans, other: Spans) -> bool:
    """Tell whether `other` is within `one`."""
    return sum(b - a for a, b in both(one, other)) == sum(b - a for a, b in other)


def turn(clock: Clock, days: Sequence[tuple[int, int]]) -> str:
    """Return a day on which begin and end pass each other, '' where they never do.

    The window is empty there on one day, and nearly all of the next one.
    """
    before = None
    for day, (sunrise_s, sunset_s) in enumerate(days):
        begin, end = _ends(clock, sunrise_s, sunset_s)
        length = (end - begin) % DAY_S
        if before is not None and abs(length - before) > DAY_S // 2:
            when = date(2025, 1, 1) + timedelta(day)
            return tr("{when:%d %B}").format(when=when).lstrip("0")
        before = length
    return ""


def _ends(clock: Clock, sunrise_s: int, sunset_s: int) -> tuple[int, int]:
    base = 0, sunrise_s, sunset_s
    begin, end = (base[clock[n]] + clock[n + 1] for n in (1, 3))
    return begin % DAY_S, end % DAY_S or DAY_S


def _open(clock: Clock, sunrise_s: int, sunset_s: int) -> Spans:
    begin, end = _ends(clock, sunrise_s, sunset_s)
    if begin <= end:
        return [(begin, end)] if begin < end else []
    return [(0, end), (begin, DAY_S)]
