"""Views as tables for a terminal."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .gaps import Gap
from .outcome import REASONS
from .times import iso, span
from .views import Reading, UnitView

_MAY_WRAP = ("Site", "Reason", "What")  # where the terminal is too narrow, these give way
_GOOD, _ODD, _BAD = "green", "yellow", "bold red"
UNSET = Text("clock not set", style=_ODD)


def table(title: str, columns: Sequence[str], right: Sequence[str] = ()) -> Table:
    """Return an empty table; the columns in `right` are aligned to the right."""
    look: dict[str, Any] = {"box": box.SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
    made = Table(title=title, title_justify="left", **look)
    for column in columns:
        side: Any = "right" if column in right else "left"
        made.add_column(column, justify=side, no_wrap=column not in _MAY_WRAP)
    return made


def screen(
    views: list[UnitView], refusals: list[dict[str, Any]], now_s: float, detailed: bool
) -> RenderableType:
    """Return the overview, with the latest values of every unit if `detailed`."""
    parts: list[RenderableType] = [overview(views, now_s)]
    if detailed:
        parts += [part for view in views for part in _details(view, now_s)]
    parts += [Text(f"{view.name}: {flood}", style=_BAD) for view in views for flood in view.forged]
    parts += [Text(f"{v.name}: {v.self_test}", style=_ODD) for v in views if v.self_test_bad]
    strangers = [row for row in refusals if not row["unit"]]
    if strangers:
        counts = {row["reason"]: row["count"] for row in strangers}
        parts.append(Text(f"Refused from strangers: {_in_words(counts)}", style=_ODD))
    return Group(*parts)


def overview(views: list[UnitView], now_s: float) -> Table:
    """Return one line a unit, of at most 80 columns for usual names.

    Queue: records that wait on the unit; missing records: numbers that have not come.
    """
    numbers = ("Heard", "RSRP", "Battery", "Queue", "Missing\nrecords")
    made = table("Units", ("Unit", "Site", "State", *numbers), right=numbers)
    for view in views:
        age_s = view.age_s(now_s)
        age = "never" if age_s is None else span(age_s)
        made.add_row(
            view.name,
            view.site,
            Text("frames forged", style=_BAD) if view.forged else view.state,
            Text(age, style=_ODD if view.silent else _GOOD),
            "" if view.rsrp_dbm is None else f"{view.rsrp_dbm:.0f} dBm",
            "" if view.battery_v is None else f"{view.battery_v:.2f} V",
            "" if view.pending is None else str(view.pending),
            Text(str(view.missing), style=_ODD if view.missing else ""),
        )
    return made


def latest(title: str, rows: list[Reading], now_s: float) -> Table:
    """Return one line a channel, with the age of its value."""
    columns = ("Channel", "Value", "Unit", "Quality", "Age")
    made = table(title, columns, right=("Value", "Age"))
    for row in rows:
        made.add_row(row.channel, *_value(row), span(now_s - row.at_s) if row.clock_set else UNSET)
    return made


def history(title: str, rows: list[Reading]) -> Table:
    """Return one line a value of one channel, with its time."""
    made = table(title, ("Time (UTC)", "Value", "Unit", "Quality"), right=("Value",))
    for row in rows:
        made.add_row(iso(row.at_s) if row.clock_set else UNSET, *_value(row))
    return made


def _value(row: Reading) -> tuple[str, str, Text]:
    style = _GOOD if row.quality == "normal" else _BAD
    return row.text or "-", row.symbol, Text(row.quality, style=style)


def gaps(unit: str, rows: list[Gap]) -> Table:
    """Return one line a gap."""
    made = table(f"Gaps of {unit}", ("What", "After (UTC)", "Before (UTC)", "Reason"))
    for row in rows:
        made.add_row(row.what, iso(row.first_s), iso(row.last_s), row.reason)
    return made


def _details(view: UnitView, now_s: float) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if view.readings:
        parts.append(latest(f"{view.name}: latest values", view.readings, now_s))
    facts = []
    if view.app:
        facts.append(f"app {view.app}, last restart: {view.restart}")
    if view.uptime_s is not None:
        facts.append(f"up {span(view.uptime_s)}")
    contact = "never heard" if view.last_s is None else f"last contact {iso(view.last_s)}"
    facts.append(f"{contact}, reports every {span(view.report_s)}")
    facts.append(f"{view.records} records, {view.bytes:,} bytes received")
    if view.self_test and not view.self_test_bad:
        facts.append(view.self_test)
    if view.clips is not None:
        facts.append(f"clips {', '.join(view.clips)}" if view.clips else "no clips")
    if view.waiting:
        facts.append(f"{view.waiting} records wait for their schema")
    parts.append(Text(f"{view.name}: {'; '.join(facts)}", style="dim"))
    if view.energy:
        parts.append(Text(f"{view.name}: {view.energy}", style="dim"))
    if view.counters:
        parts.append(Text(f"{view.name} counted: {_counts(view.counters)}", style=_ODD))
    if view.refused:
        parts.append(Text(f"Refused in its name: {_in_words(view.refused)}", style=_BAD))
    return parts


def _in_words(refused: dict[str, int]) -> str:
    told = (f"{count} x {REASONS.get(reason, reason)}" for reason, count in refused.items())
    return "; ".join(told)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
