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
from .language import tr
from .outcome import REASONS
from .registered_unit import RETIRED, REVOKED
from .styles import ASIDE, BAD, GOOD, ODD
from .times import iso, span
from .views import Reading, UnitView

_MAY_WRAP = ("Site", "Reason", "What")  # where the terminal is too narrow, these give way
UNSET = Text(tr("clock not set"), style=ODD)


class _Table(Table):
    """A table whose texts are no markup, wherever it is drawn: people and units gave them."""

    def add_row(self, *cells: Any, **style: Any) -> None:
        super().add_row(*(Text(c) if isinstance(c, str) else c for c in cells), **style)


def table(title: str, columns: Sequence[str], right: Sequence[str] = ()) -> Table:
    """Return an empty table; the columns in `right` are aligned to the right."""
    look: dict[str, Any] = {"box": box.SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
    made = _Table(title=Text(tr(title), "table.title"), title_justify="left", **look)
    for column in columns:
        side: Any = "right" if column in right else "left"
        made.add_column(tr(column), justify=side, no_wrap=column not in _MAY_WRAP)
    return made


def screen(
    views: list[UnitView], refusals: list[dict[str, Any]], now_s: float, detailed: bool
) -> RenderableType:
    """Return the overview, with the latest values of every unit if `detailed`."""
    return Group(overview(views, now_s), *remarks(views, refusals, now_s, detailed))


def remarks(
    views: list[UnitView], refusals: list[dict[str, Any]], now_s: float, detailed: bool
) -> list[RenderableType]:
    """Return what is to be said of units beside the overview."""
    parts: list[RenderableType] = []
    parts += [Text(f"{v.name}: {told}", style=BAD) for v in views for told in _alarms(v)]
    if detailed:
        parts += [part for view in views for part in _details(view, now_s)]
    parts += [Text(f"{view.name}: {flood}", style=BAD) for view in views for flood in view.forged]
    parts += [Text(f"{v.name}: {each}", style=BAD) for v in views for each in v.actuator_faults]
    parts += [Text(f"{v.name}: {v.self_test}", style=ODD) for v in views if v.self_test_bad]
    parts += [_unknown_config(v.name) for v in views if v.config_unknown]
    strangers = [row for row in refusals if not row["unit"]]
    if strangers:
        counts = {row["reason"]: row["count"] for row in strangers}
        parts.append(
            Text(
                tr("Refused from strangers: {in_words}").format(in_words=_in_words(counts)),
                style=ODD,
            )
        )
    return parts


def overview(views: list[UnitView], now_s: float) -> Table:
    """Return one line a unit, of at most 80 columns for usual names.

    Queue: records that wait on the unit; missing records: numbers that have not come.
    """
    numbers = ("Heard", "RSRP", "Battery", "Queue", "Missing\nrecords")
    made = table("Units", ("Unit", "Site", "State", *numbers), right=numbers)
    for view in views:
        age_s = view.age_s(now_s)
        age = tr("never") if age_s is None else span(age_s)
        made.add_row(
            view.name,
            view.site,
            _state(view),
            Text(age, style=ODD if view.silent else GOOD),
            "" if view.rsrp_dbm is None else f"{view.rsrp_dbm:.0f} dBm",
            "" if view.battery_v is None else f"{view.battery_v:.2f} V",
            "" if view.pending is None else str(view.pending),
            Text(str(view.missing), style=ODD if view.missing else ""),
        )
    return made


def _unknown_config(name: str) -> Text:
    told = tr(
        "{name}: runs a configuration that the registry does not know, changed at its console; "
        "enter it in its file and run 'fieldbeat provision', which tells what differs"
    )
    return Text(told.format(name=name), style=ODD)


def _state(view: UnitView) -> Text | str:
    """What a person must see first."""
    if view.forged:
        return Text(tr("frames forged"), style=BAD)
    if view.alarms:
        return Text(f"ALARM {', '.join(str(each.number) for each in view.alarms)}", style=BAD)
    if view.actuator_faults:
        return Text(tr("actuator fault"), style=BAD)
    if view.silent and view.last_s is not None and view.state not in (REVOKED, RETIRED):
        return Text(tr("silent"), style=ODD)
    return Text(tr(view.state), style=BAD) if view.state == REVOKED else tr(view.state)


def _alarms(view: UnitView) -> list[str]:
    """Return the alarms that stand, with what their channel says now."""
    now = {
        row.channel: row.text + (f" {row.symbol}" if row.symbol != "1" else "")
        for row in view.readings
        if row.text
    }
    channels = {each.channel: now.get(each.channel) for each in view.alarms}
    return [
        each.told
        + (
            tr(", is {channels}").format(channels=channels[each.channel])
            if channels[each.channel]
            else ""
        )
        for each in view.alarms
    ]


def _of_measure() -> str:
    """Return the head of the units of measure; other languages call a unit of ours otherwise."""
    return tr("unit").capitalize()


def latest(title: str, rows: list[Reading], now_s: float) -> Table:
    """Return one line a channel, with the age of its value."""
    columns = ("Channel", "Value", _of_measure(), "Quality", "Age")
    made = table(title, columns, right=("Value", "Age"))
    for row in rows:
        made.add_row(row.channel, *_value(row), span(now_s - row.at_s) if row.clock_set else UNSET)
    return made


def history(title: str, rows: list[Reading]) -> Table:
    """Return one line a value of one channel, with its time."""
    made = table(title, ("Time (UTC)", "Value", _of_measure(), "Quality"), right=("Value",))
    for row in rows:
        made.add_row(iso(row.at_s) if row.clock_set else UNSET, *_value(row))
    return made


def _value(row: Reading) -> tuple[str, str, Text]:
    style = GOOD if row.quality == "normal" else BAD
    return row.text or "-", row.symbol, Text(tr(row.quality), style=style)


def gaps(unit: str, rows: list[Gap]) -> Table:
    """Return one line a gap."""
    made = table(
        tr("Gaps of {unit}").format(unit=unit), ("What", "After (UTC)", "Before (UTC)", "Reason")
    )
    for row in rows:
        made.add_row(row.what, iso(row.first_s), iso(row.last_s), row.reason)
    return made


def _facts(view: UnitView) -> list[str]:
    facts = []
    if view.app:
        facts.append(
            tr("app {app}, last restart: {restart}").format(app=view.app, restart=tr(view.restart))
        )
    if view.uptime_s is not None:
        up = tr("up {time} at {at}")
        facts.append(up.format(time=span(view.uptime_s), at=iso(view.uptime_at_s)))
    contact = (
        tr("never heard")
        if view.last_s is None
        else tr("last contact {last_s}").format(last_s=iso(view.last_s))
    )
    facts.append(
        tr("{contact}, reports every {report_s}").format(
            contact=contact, report_s=span(view.report_s)
        )
    )
    facts.append(
        tr("{records} records, {bytes:,} bytes received").format(
            records=view.records, bytes=view.bytes
        )
    )
    if view.self_test and not view.self_test_bad:
        facts.append(view.self_test)
    if view.clips is not None:
        facts.append(
            tr("clips {listed}").format(listed=", ".join(view.clips))
            if view.clips
            else tr("no clips")
        )
    if view.waiting:
        facts.append(tr("{waiting} records wait for their schema").format(waiting=view.waiting))
    return facts


def _details(view: UnitView, now_s: float) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if view.readings:
        parts.append(
            latest(tr("{name}: latest values").format(name=view.name), view.readings, now_s)
        )
    parts.append(Text(f"{view.name}: {'; '.join(_facts(view))}", style=ASIDE))
    parts += [Text(f"{view.name}: {each}") for each in view.actuators]
    if view.energy:
        parts.append(Text(f"{view.name}: {view.energy}", style=ASIDE))
    if view.counters:
        parts.append(
            Text(
                tr("{name} counted: {counts}").format(
                    name=view.name, counts=_counts(view.counters)
                ),
                style=ODD,
            )
        )
    if view.refused:
        parts.append(
            Text(
                tr("Refused in its name: {in_words}").format(in_words=_in_words(view.refused)),
                style=BAD,
            )
        )
    return parts


def _in_words(refused: dict[str, int]) -> str:
    told = (f"{count} x {REASONS.get(reason, reason)}" for reason, count in refused.items())
    return "; ".join(told)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
