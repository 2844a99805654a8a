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
from .times import iso, span
from .views import Reading, UnitView

_GOOD, _ODD, _BAD = "green", "yellow", "bold red"


def table(title: str, columns: Sequence[str], right: Sequence[str] = ()) -> Table:
    """Return an empty table; the columns in `right` are aligned to the right."""
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        side: Any = "right" if column in right else "left"
        made.add_column(column, justify=side, no_wrap=column != "Reason")
    return made


def screen(
    views: list[UnitView], refusals: list[dict[str, Any]], now_s: float, detailed: bool
) -> RenderableType:
    """Return the overview, with the latest values of every unit if `detailed`."""
    parts: list[RenderableType] = [overview(views, now_s)]
    if detailed:
        parts += [part for view in views for part in _details(view, now_s)]
    parts += [Text(f"{view.name}: {flood}", style=_BAD) for view in views for flood in view.forged]
    strangers = [row for row in refusals if not row["unit"]]
    if strangers:
        counts = {row["reason"]: row["count"] for row in strangers}
        parts.append(Text(f"Refused from strangers: {_counts(counts)}", style=_ODD))
    return Group(*parts)


def overview(views: list[UnitView], now_s: float) -> Table:
    """Return one line a unit, of at most 80 columns for usual names.

    Queue: records that wait on the unit; gaps: record numbers that never came.
    """
    numbers = ("Heard", "RSRP", "Battery", "Queue", "Gaps")
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


def readings(title: str, rows: list[Reading], now_s: float) -> Table:
    """Return one line a value."""
    columns = ("Channel", "Value", "Unit", "Quality", "Time (UTC)", "Age")
    made = table(title, columns, right=("Value", "Age"))
    for row in rows:
        good = row.quality == "normal"
        made.add_row(
            row.channel,
            row.text or "-",
            row.symbol,
            Text(row.quality, style=_GOOD if good else _BAD),
            iso(row.at_s) if row.clock_set else Text("clock not set", style=_ODD),
            span(now_s - row.at_s) if row.clock_set else "",
        )
    return made


def gaps(unit: str, rows: list[Gap]) -> Table:
    """Return one line a gap."""
    made = table(f"Gaps of {unit}", ("What", "After (UTC)", "Before (UTC)", "Reason"))
    for row in rows:
        made.add_row(row.what, iso(row.first_s), iso(row.last_s), row.reason)
    return made


def _details(view: UnitView, now_s: float) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if view.readings:
        parts.append(readings(f"{view.name}: latest values", view.readings, now_s))
    facts = []
    if view.app:
        facts.append(f"app {view.app}, last restart: {view.restart}")
    if view.uptime_s is not None:
        facts.append(f"up {span(view.uptime_s)}")
    facts.append(f"last contact {iso(view.last_s)}, reports every {span(view.report_s)}")
    facts.append(f"{view.records} records, {view.bytes:,} bytes received")
    if view.waiting:
        facts.append(f"{view.waiting} records wait for their schema")
    parts.append(Text(f"{view.name}: {'; '.join(facts)}", style="dim"))
    if view.counters:
        parts.append(Text(f"{view.name} counted: {_counts(view.counters)}", style=_ODD))
    if view.refused:
        parts.append(Text(f"Refused in its name: {_counts(view.refused)}", style=_BAD))
    return parts


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
