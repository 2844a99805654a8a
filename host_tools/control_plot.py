"""A simulation of rules as a picture: what they look at above, what actuators do below.

This needs matplotlib: `pip install 'fieldbeat[plots]'`. Times are local standard time.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from math import inf, nan
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.dates as mdates
from fieldbeat.protocols.control_rules import LEVEL
from matplotlib.figure import Figure

from .board_model import SWITCHES
from .control_data import GAP_INTERVALS, Data
from .control_plan import Plan
from .control_simulation import Run, Simulation
from .control_tables import WHOLE
from .control_words import ALONG, CONDITIONS
from .drawn_text import drawable
from .errors import CannotTry
from .language import tr
from .plot import BLUE, DOTS_PER_INCH, GREY, RED, SUFFIXES
from .scaled import symbol

WIDE_INCHES, CHANNEL_INCHES, ACTUATOR_INCHES, REST_INCHES = 10.0, 1.1, 0.5, 0.6
NIGHT = "#e6e8ee"
OUTAGE = "#f6d5d0"
MARGIN = 0.05  # beyond a mark
LABEL_SHARE = 0.13  # of a channel's height: so far apart are labels of marks
# In what people read it, and how many of the channel's unit make one.
SHOWN = {"Pa": ("kPa", 1000), "lx": ("klx", 1000), "s": ("min", 60)}
GREEN = "#2e7d4f"
Step = tuple[int, int | None]  # Unix seconds, and the value from then on; None: not known
DERIVED_GAP_S = 1800  # where there is but one of them
POINTS_MAX = 4000  # of a line: more than a picture has dots
DAYS_SHADED = 40  # with more days nights are thinner than lines


def write(plan: Plan, data: Data, made: Simulation, path: Path) -> None:
    """Write the plot of a simulation.

    Args:
        path: a .svg, .png or .pdf.

    Raises:
        CannotTry: the file cannot be written, or nothing was simulated.
    """
    if path.suffix not in SUFFIXES:
        raise CannotTry(
            tr("{path} is no picture").format(path=path),
            tr("name a {listed}").format(listed=", ".join(SUFFIXES)),
        )
    try:
        # Without a date in it the same simulation gives the same file.
        stamp = {"Date": None} if path.suffix == ".svg" else None
        with drawable(), matplotlib.rc_context({"svg.hashsalt": "fieldbeat"}):
            figure = _draw(plan, data, made)
            figure.savefig(path, dpi=DOTS_PER_INCH, metadata=stamp)
    except OSError as error:
        raise CannotTry(
            tr("{path} cannot be written").format(path=path), tr("name a file where you may write")
        ) from error


def _legend() -> str:
    return tr("dotted: a mark, with its rules · grey: night · red: no value, blind or not known")


def _draw(plan: Plan, data: Data, made: Simulation) -> Figure:
    looked_at = list(_looked_at(plan))
    heights = [CHANNEL_INCHES] * len(looked_at) + [ACTUATOR_INCHES] * len(made.runs)
    figure = Figure(figsize=(WIDE_INCHES, sum(heights) + REST_INCHES), layout="constrained")
    rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
    panels = [row[0] for row in rows]
    for axes, index in zip(panels, looked_at, strict=False):
        _channel(axes, plan, data, made, index)
    for axes, run in zip(panels[len(looked_at) :], made.runs, strict=True):
        _actuator(axes, plan, made, run)
    for axes in panels:
        _nights(axes, plan, made)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(_time(plan, made.begin_s), _time(plan, made.end_s))
    locator = mdates.AutoDateLocator(tz=UTC)
    panels[-1].xaxis.set_major_locator(locator)
    panels[-1].xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))
    panels[-1].set_xlabel(
        tr("local standard time, UTC{utc_offset}").format(utc_offset=plan.control.utc_offset)
    )
    panels[0].set_title(tr("Rules over {name}").format(name=Path(data.source).name), loc="left")
    panels[0].set_title(_legend(), loc="right", fontsize="x-small", color=GREY)
    return figure


def _looked_at(plan: Plan) -> Iterator[int]:
    """The inputs that rules look at, by their index."""
    rows = [row for _, row in plan.rules]
    seen = {each[1] for row in rows for each in row[CONDITIONS] if each[0] == LEVEL}
    seen |= {row[ALONG][0] for row in rows if row[ALONG]}
    yield from sorted(seen)


def _channel(axes: Any, plan: Plan, data: Data, made: Simulation, index: int) -> None:
    channel = plan.inputs.channels[index]
    unit, per = SHOWN.get(channel.unit, (symbol(channel.unit), 1))
    axes.set_ylabel(f"{channel.name.replace('_', chr(10))}\n{unit}", fontsize="small")
    if channel.name in made.derived:
        known = [(t, n / channel.scale) for t, n in made.derived[channel.name] if n is not None]
        kept = [t for t, _ in made.derived[channel.name][:2]]
        gap_s = float(GAP_INTERVALS * (kept[-1] - kept[0]) or DERIVED_GAP_S)
    elif channel.name in data.columns:
        column = data.columns[channel.name]
        known = [(int(t), v) for t, v in zip(column.times_s, column.values, strict=True)]
        gap_s = column.gap_s
    else:
        axes.text(0.5, 0.5, tr("no values"), transform=axes.transAxes, color=RED, ha="center")
        return
    whole = [(t, value / per) for t, value in known if made.begin_s <= t <= made.end_s]
    if not whole:
        axes.text(0.5, 0.5, tr("no values"), transform=axes.transAxes, color=RED, ha="center")
    gaps = _gaps([t for t, _ in whole], gap_s, made)
    for begin_s, end_s in gaps:
        span = _time(plan, begin_s), _time(plan, end_s)
        axes.axvspan(*span, color=OUTAGE, zorder=0.5, linewidth=0)
    shown = whole[:: max(1, len(whole) // POINTS_MAX)]
    shown = sorted([*shown, *((begin_s + 1, nan) for begin_s, _ in gaps)])  # the line breaks there
    axes.plot([_time(plan, t) for t, _ in shown], [v for _, v in shown], color=BLUE, linewidth=1.2)
    marks = {mark / per: who for mark, who in _thresholds(plan, index).items()}
    low, high = axes.get_ylim() if whole else (inf, -inf)
    margin = MARGIN * (max(high, *marks) - min(low, *marks)) or 1
    low, high = min(low, min(marks) - margin), max(high, max(marks) + margin)
    _marks(axes, marks, low, high)
    axes.set_ylim(low, high)


def _gaps(times_s: Sequence[int], gap_s: float, made: Simulation) -> list[tuple[int, int]]:
    """When nobody knows a channel, from its last value before to its first one after."""
    ends = [made.begin_s, *times_s, made.end_s]
    return [(a, b) for a, b in pairwise(ends) if b - a > gap_s]


def _marks(axes: Any, marks: dict[float, list[int]], low: float, high: float) -> None:
    """Draw marks of rules; what it says beside each gives way to the one below."""
    free = 0.0
    for mark, numbers in sorted(marks.items()):
        axes.axhline(mark, color=GREY, linestyle=":", linewidth=0.9)
        free = max((mark - low) / (high - low), free)
        who = ", ".join(map(str, sorted(set(numbers))))
        look = {"fontsize": "xx-small", "color": GREY, "va": "center"}
        axes.text(1.005, free, f"{mark:g} (rule {who})", transform=axes.transAxes, **look)
        free += LABEL_SHARE


def _thresholds(plan: Plan, index: int) -> dict[float, list[int]]:
    """Marks of an input, with the numbers of the rules that have them."""
    scale = plan.inputs.channels[index].scale
    found: dict[float, list[int]] = {}
    for rule, row in plan.rules:
        own = {c[2] for c in row[CONDITIONS] if c[0] == LEVEL and c[1] == index}
        own |= {*row[ALONG][1:3]} if row[ALONG] and row[ALONG][0] == index else set()
        for counts in own:
            found.setdefault(counts / scale, []).append(rule.number)
    return found


def _actuator(axes: Any, plan: Plan, made: Simulation, run: Run) -> None:
    name, values = run.name, run.values
    for begin_s, end_s in run.blind:
        span = _time(plan, begin_s), _time(plan, end_s)
        axes.axvspan(*span, color=OUTAGE, zorder=0.5, linewidth=0)
    steps = _drawn(values, made.end_s)
    times = [_time(plan, at_s) for at_s, _ in steps]
    heights = [nan if value is None else value for _, value in steps]
    axes.fill_between(times, heights, step="post", color=GREEN, alpha=0.75, linewidth=0.6)
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize="small")
    axes.set_ylim(0, WHOLE * 1.05)
    part = plan.parts.get(name)
    axes.set_yticks([0, WHOLE], ["off", "on"] if part in SWITCHES else ["0", "100 %"])
    axes.tick_params(axis="y", labelsize="x-small")


def _drawn(values: Sequence[Step], end_s: int) -> list[Step]:
    """Return each value with its end: what ends where nobody knows would not be drawn else."""
    drawn: list[Step] = []
    for (begin_s, value), (until_s, _) in pairwise([*values, (end_s, None)]):
        drawn += [(begin_s, value), (until_s, value)]
    return drawn


def _nights(axes: Any, plan: Plan, made: Simulation) -> None:
    if not made.suns or len(made.suns) > DAYS_SHADED:
        return
    begins: float = made.begin_s
    for rise_s, set_s in made.suns:
        axes.axvspan(_time(plan, begins), _time(plan, rise_s), color=NIGHT, zorder=0, linewidth=0)
        begins = set_s
    end_s = max(begins, made.end_s)
    axes.axvspan(_time(plan, begins), _time(plan, end_s), color=NIGHT, zorder=0, linewidth=0)


def _time(plan: Plan, unix_s: float) -> Any:
    return mdates.date2num(datetime.fromtimestamp(unix_s + plan.utc_offset_s, UTC))
