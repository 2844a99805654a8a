"""A survey as a picture: signal and SNR over time, the marks that were typed, the best spot.

This needs matplotlib: `pip install 'fieldbeat[plots]'`. Times are UTC.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby
from math import nan
from pathlib import Path
from typing import Any

import matplotlib.dates as mdates
from matplotlib.figure import Figure

from . import files
from .drawn_text import drawable
from .errors import CannotTry
from .language import tr
from .survey_limits import Limits
from .survey_sample import Sample
from .survey_verdict import GO, NO_GO, UNNAMED, WEAK, WORDS, Spot

SUFFIXES = (".png", ".svg", ".pdf")
SIZE_INCHES = (10.0, 5.4)
DOTS_PER_INCH = 110
BLUE, GREY = "#1f5fa8", "#5f6368"
COLOURS = {GO: "#2e7d32", WEAK: "#b26a00", NO_GO: "#b3261e"}


def must_be_picture(path: Path) -> None:
    """Raise `CannotTry` for a file that cannot be drawn, before the survey begins."""
    if path.suffix.lower() not in SUFFIXES:
        message = tr("{path} is no picture").format(path=path)
        raise CannotTry(message, tr("name a {kinds}").format(kinds=", ".join(SUFFIXES)))


def write(
    path: Path, samples: Sequence[Sample], spots: Sequence[Spot], best: Spot | None, limits: Limits
) -> None:
    """Write the picture.

    Raises:
        CannotTry: the file cannot be written.
    """
    drawn = BytesIO()
    with drawable():
        figure = _draw(samples, spots, best, limits)
        figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=DOTS_PER_INCH)
    files.write_atomically(path, drawn.getvalue())


def _draw(
    samples: Sequence[Sample], spots: Sequence[Spot], best: Spot | None, limits: Limits
) -> Figure:
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    signal, noise = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.4))
    times = [_time(each.at_s) for each in samples]
    signal.plot(times, _values(samples, "rsrp_dbm"), ".-", color=BLUE, linewidth=1.5, markersize=4)
    noise.plot(times, _values(samples, "snr_db"), ".-", color=BLUE, linewidth=1.5, markersize=4)
    signal.set_ylabel(tr("RSRP, dBm"))
    noise.set_ylabel(tr("SNR, dB"))
    limited = ((signal, limits.go_rsrp_dbm, limits.least_rsrp_dbm),)
    for axes, go, least in (*limited, (noise, limits.go_snr_db, limits.least_snr_db)):
        axes.margins(y=0.2)
        for limit, colour, text in (
            (go, COLOURS[GO], tr("good from here on")),
            (least, COLOURS[NO_GO], tr("no place for a unit below")),
        ):
            axes.axhline(limit, color=colour, linestyle="--", linewidth=1, label=text)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    signal.legend(loc="lower left", frameon=False, fontsize="small")
    _mark_spots((signal, noise), samples, spots, best)
    locator = mdates.AutoDateLocator(tz=UTC)
    noise.xaxis.set_major_locator(locator)
    noise.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))
    noise.set_xlabel("UTC")
    if best:
        title = tr("best: {spot}: {verdict} ({reason})")
        if not best.is_fit:
            title = "{spot}: {verdict} ({reason})"
        text = title.format(spot=best.name, verdict=WORDS[best.verdict], reason=best.reason)
        colour = COLOURS.get(best.verdict, GREY)
        signal.set_title(text, loc="left", color=colour, fontsize="medium", wrap=True)
    return figure


def _mark_spots(
    both: Sequence[Any], samples: Sequence[Sample], spots: Sequence[Spot], best: Spot | None
) -> None:
    """The time of each spot in the colour of its verdict, with its name and what it came to."""
    by_name = {spot.name: spot for spot in spots}
    stays = [list(stay) for _, stay in groupby(samples, key=lambda each: each.spot)]
    for stay, following in zip(stays, [*stays[1:], None], strict=True):
        spot = by_name[stay[0].spot or UNNAMED]
        colour = COLOURS.get(spot.verdict, GREY)
        begin, end = _time(stay[0].at_s), _time((following or stay[-1:])[0].at_s)
        is_best = best is not None and best.is_fit and spot.name == best.name
        for axes in both:
            axes.axvspan(begin, end, color=colour, alpha=0.18 if is_best else 0.07, linewidth=0)
            axes.axvline(begin, color=GREY, linewidth=0.8)
        both[0].annotate(
            f"{spot.name}{' *' if is_best else ''}",
            (begin, 1.0),
            xycoords=both[0].get_xaxis_transform(),
            xytext=(3, -3),
            textcoords="offset points",
            va="top",
            rotation=90,
            color=colour,
            fontsize="small",
            fontweight="bold" if is_best else "normal",
        )


def _values(samples: Sequence[Sample], name: str) -> list[float]:
    found = (getattr(each, name) if each.registered else None for each in samples)
    return [nan if value is None else value for value in found]


def _time(unix_s: float) -> Any:
    return mdates.date2num(datetime.fromtimestamp(unix_s, UTC))
