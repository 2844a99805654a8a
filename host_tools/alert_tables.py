"""The coverage of an alert as tables for a terminal."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .coverage import (
    REFUSED,
    SILENT,
    SOUNDED,
    WAITING,
    AreaCoverage,
    Coverage,
    UnitCoverage,
    kind_name,
    soonest,
)
from .tables import table
from .times import iso, span

FEW_UNITS = 20  # so many are shown one by one
_STYLES = {SOUNDED: "green", WAITING: "yellow", REFUSED: "bold red", SILENT: "bold red"}


def screen(found: Coverage, every_unit: bool, now_s: float) -> RenderableType:
    """Return what became of an order: its head, a line for each area, and the units if few."""
    parts: list[RenderableType] = [_head(found, now_s), _areas(found)]
    if every_unit or len(found.units) <= FEW_UNITS:
        parts.append(_units(found))
    times = found.sample_ms()
    if times:
        would = "would have sounded" if found.order.silent else "sounded"
        parts.append(Text(f"How soon they {would}: {soonest(times)}", style="dim"))
    return Group(*parts)


def _head(found: Coverage, now_s: float) -> Text:
    order = found.order
    head = Text(f"{kind_name(order.kind)} {order.id.hex()}  ", style="bold")
    head.append(order.told, style="")
    left_s = order.expires_s - now_s
    if order.cancelled_s:
        state = f"cancelled at {iso(order.cancelled_s)}"
    elif left_s > 0:
        state = f"counts for another {span(left_s)}"
    else:
        state = f"ended at {iso(order.expires_s)}"
    head.append(f"\nordered {iso(order.made_s)} by {order.issuers}, {state}", style="dim")
    return head


def _areas(found: Coverage) -> Table:
    sounded = "Would sound" if found.order.silent else "Sounded"
    numbers = ("Units", sounded, "Proven", "Waiting", "Refused", "Silent")
    made = table("Coverage", ("Area", *numbers, "Reason"), right=numbers)
    for area in found.areas:
        made.add_row(Text(area.area or "(none)"), *_numbers(area), _reasons(area))
    if len(found.areas) > 1:
        made.add_section()
        made.add_row("all", *_numbers(found.total), "")
    return made


def _numbers(area: AreaCoverage) -> list[Text]:
    def count(state: str) -> Text:
        number = area.counts[state]
        return Text(str(number), style=_STYLES[state] if number else "dim")

    proven = Text(str(area.proven), style="" if area.proven else "dim")
    rest = (count(state) for state in (WAITING, REFUSED, SILENT))
    return [Text(str(area.units)), count(SOUNDED), proven, *rest]


def _reasons(area: AreaCoverage) -> Text:
    told = (f"{count} x {reason}" for reason, count in area.reasons.most_common())
    return Text("; ".join(told))


def _units(found: Coverage) -> Table:
    made = table("Loudspeakers", ("Unit", "Area", "State", "Stage", "After", "Proof", "Reason"))
    for unit in found.units:
        made.add_row(*_unit(unit))
    return made


def _unit(unit: UnitCoverage) -> list[Any]:
    after = "" if unit.sample_ms is None else f"{unit.sample_ms / 1000:.2f} s"
    proof = ""
    if unit.proof:
        proof = f"{unit.proof['kind']} {unit.proof['share']:.0%} of the time"
    state = Text(unit.state, style=_STYLES[unit.state])
    return [Text(unit.unit), Text(unit.area), state, unit.stage, after, proof, Text(unit.why)]
