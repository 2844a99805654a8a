"""A unit's level and rain over time as a picture, with marks where pictures and alarms were.

This needs matplotlib: `pip install 'fieldbeat[plots]'`. Times are UTC.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.dates as mdates
from fieldbeat.protocols import cbor, event
from fieldbeat.protocols.schema import NORMAL
from matplotlib.figure import Figure

from . import files, pictures, quantities
from .drawn_text import drawable
from .errors import CannotTry
from .event_bodies import number
from .gaps import missing
from .language import tr
from .pictures import Picture
from .scaled import quality_name
from .store import Store
from .times import iso
from .views import Reading, Views

LEVEL, RAIN = "level", "rain"
SUFFIXES = (".svg", ".png", ".pdf")
SIZE_INCHES = (10.0, 5.2)
DOTS_PER_INCH = 110
BLUE, RAINY, RED, GREY = "#1f5fa8", "#6aa5d8", "#b3261e", "#5f6368"
BESIDE = 0.04  # of the height
MARKERS = {"thumbnail": "o", "gauge": "D", "full": "s"}
ASIDE_INCHES = {"thumbnail": -0.1, "full": 0.1}
MANY = 150  # pictures: more of them would hide the level, and are short strokes below it
STROKES = {"thumbnail": 0.02, "gauge": 0.05, "full": 0.08}  # of the height
HOUR_S = 3600
STEP_S, SHORT_STEP_S, SHORT_S = 900, 300, 4 * HOUR_S  # of the rain, by how long all of it is


class Alarm(NamedTuple):
    """A moment of an alarm; `told`: its number, channel and value, '' if not known."""

    at_s: float
    begins: bool
    told: str


def write(store: Store, views: Views, unit: str, last: int, path: Path) -> int:
    """Write the plot of a unit's last values and return how many pictures are marked.

    Args:
        last: how many values of each channel.
        path: a .svg, .png or .pdf.

    Raises:
        CannotTry: the unit has no level, or the file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise CannotTry(
            tr("{path} is no picture").format(path=path),
            tr("name a {listed}").format(listed=", ".join(SUFFIXES)),
        )
    levels = _good(views.history(unit, LEVEL, last))
    if not levels:
        raise CannotTry(
            tr("{unit} has no level whose time is known").format(unit=unit),
            tr("wait for its next report"),
        )
    begin_s = levels[0].at_s
    rains = [r for r in _good(_if_there(views, unit, last)) if r.at_s >= begin_s]
    taken = [each for each in pictures.of_unit(store, unit, begin_s) if each.synced]
    drawn = BytesIO()
    with drawable():
        line = _with_gaps(levels, views.slow_s(unit))
        figure = _draw(unit, levels, line, rains, taken, _alarms(store, unit, begin_s))
        figure.savefig(drawn, format=path.suffix[1:], dpi=DOTS_PER_INCH)
    files.write_atomically(path, drawn.getvalue())
    return len(taken)


def fallen(rains: Sequence[Reading], step_s: int) -> dict[int, float]:
    """Return mm/h in each step in which a counter of mm grew, by the step's begin (Unix seconds).

    A counter that begins anew tells nothing.
    """
    found: dict[int, float] = {}
    for before, after in pairwise(rains):
        mm = (after.value or 0) - (before.value or 0)
        if mm > 0:
            begin_s = int(after.at_s - 1) // step_s * step_s
            found[begin_s] = found.get(begin_s, 0) + mm * HOUR_S / step_s
    return found


def _if_there(views: Views, unit: str, last: int) -> list[Reading]:
    try:
        return views.history(unit, RAIN, last)
    except CannotTry:  # a unit without a rain gauge
        return []


def _good(readings: Sequence[Reading]) -> list[Reading]:
    return [
        each
        for each in readings
        if each.clock_set and each.value is not None and each.quality == quality_name(NORMAL)
    ]


def _alarms(store: Store, unit: str, since_s: float) -> list[Alarm]:
    """When alarms of a station began or were over."""
    rows = store.database.all(
        "SELECT t, body FROM events WHERE unit = ? AND type = ? AND t >= ? ORDER BY t",
        *(unit, event.ALARM, since_s),
    )
    told = [(row["t"], cbor.decode(row["body"])) for row in rows]
    return [
        Alarm(t, bool(body[event.ALARM_BEGINS]), _named(body))
        for t, body in told
        if event.ALARM_BEGINS in body and body.get(event.ALARM_SYNCED)
    ]


def _named(body: dict) -> str:
    """Return number and value of an alarm, '' if it does not tell them."""
    rule, scale = number(body, event.ALARM_RULE), number(body, event.ALARM_SCALE)
    counts = body.get(event.ALARM_VALUE)  # may be below 0
    if rule is None or not scale or type(counts) is not int:
        return ""
    value = quantities.quantity(counts, scale, str(body.get(event.ALARM_UNIT)))
    return f"{rule}: {body.get(event.ALARM_CHANNEL)} {value}"


def _time(unix_s: float) -> Any:
    return mdates.date2num(datetime.fromtimestamp(unix_s, UTC))


def _draw(
    unit: str,
    levels: Sequence[Reading],
    line: tuple[list[Any], list[Any]],
    rains: Sequence[Reading],
    taken: Sequence[Picture],
    alarms: Sequence[Alarm],
) -> Figure:
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    level, sky = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    times, values = [_time(r.at_s) for r in levels], [r.value for r in levels]
    level.plot(*line, ".-", color=BLUE, linewidth=1.5, markersize=4)
    level.set_ylabel(f"level, {levels[0].symbol}")
    level.margins(y=0.15)
    _mark_alarms(level, alarms)
    _mark_pictures(level, times, values, taken)
    step_s = SHORT_STEP_S if levels[-1].at_s - levels[0].at_s < SHORT_S else STEP_S
    wide = _time(step_s) - _time(0)
    for step, mm_h in fallen(rains, step_s).items():
        sky.bar(_time(step), mm_h, wide, align="edge", color=RAINY)
    sky.set_ylabel(tr("rain, mm/h"))
    sky.set_ylim(bottom=0)
    locator = mdates.AutoDateLocator(tz=UTC)
    sky.xaxis.set_major_locator(locator)
    sky.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC, show_offset=False))
    days = [iso(each.at_s)[:10] for each in (levels[0], levels[-1])]
    sky.set_xlabel(f"UTC, {'/'.join(dict.fromkeys(days))}")
    for axes in (level, sky):
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    level.set_title(unit, loc="left")
    if level.get_legend_handles_labels()[1]:
        level.legend(loc="upper left", frameon=False, fontsize="small")
    return figure


def _with_gaps(levels: Sequence[Reading], slow_s: int = 0) -> tuple[list[Any], list[Any]]:
    """Times and values of the line, which breaks off where samples are missing."""
    times, values = [], []
    missed_after = [*missing([r.at_s for r in levels], slow_s), 0]
    for reading, missed in zip(levels, missed_after, strict=True):
        times += [_time(reading.at_s)] * (2 if missed else 1)
        values += [reading.value, *([nan] if missed else [])]
    return times, values


def _mark_alarms(level: Any, alarms: Sequence[Alarm]) -> None:
    named = set()
    for at_s, begins, told in alarms:
        word = "alarm" if begins else tr("alarm is over")
        label = None if word in named else word
        named.add(word)
        style = "-" if begins else ":"
        level.axvline(_time(at_s), color=RED, linestyle=style, linewidth=1, label=label)
        if told:
            aside = {"xytext": (2, 3)} if begins else {"xytext": (-2, 3), "ha": "right"}
            place = aside | {"textcoords": "offset points", "va": "bottom"}
            at = _time(at_s), 0.0
            level.annotate(
                told,
                at,
                xycoords=level.get_xaxis_transform(),
                color=RED,
                fontsize="x-small",
                rotation=90,
                **place,
            )


def _mark_pictures(
    level: Any, times: Sequence[Any], values: Sequence[Any], taken: Sequence[Picture]
) -> None:
    """Marks on the level where pictures were taken; hollow where they have not come whole.

    Those of which no level is known yet stand at the bottom.
    """
    import numpy as np
    from matplotlib.transforms import ScaledTranslation

    if len(taken) > MANY:
        _mark_many(level, taken)
        return
    named = set()
    for each in taken:
        kind = each.kind or "picture"
        at = _time(each.taken_s)
        known = at <= times[-1]
        height = float(np.interp(at, times, values)) if known else BESIDE
        label = None if kind in named else f"picture: {kind}"
        named.add(kind)
        face = GREY if each.done_s is not None else "none"
        # Those of one moment stand beside each other.
        aside = ScaledTranslation(ASIDE_INCHES.get(kind, 0), 0, level.figure.dpi_scale_trans)
        level.plot(
            [at],
            [height],
            MARKERS.get(kind, "s"),
            color=GREY,
            markerfacecolor=face,
            markersize=7,
            label=label,
            transform=(level.transData if known else level.get_xaxis_transform()) + aside,
        )


def _mark_many(level: Any, taken: Sequence[Picture]) -> None:
    """A row of strokes for each kind, at the bottom."""
    for kind in dict.fromkeys(each.kind or "picture" for each in taken):
        times = [_time(each.taken_s) for each in taken if (each.kind or "picture") == kind]
        level.plot(
            times,
            [STROKES.get(kind, STROKES["full"])] * len(times),
            "|",
            color=GREY,
            markersize=6,
            label=f"picture: {kind}",
            transform=level.get_xaxis_transform(),
        )
