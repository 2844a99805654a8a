"""Predict what a node's configuration costs: charge, bytes, time without a network, wear."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..output import JsonOption, console, print_json, remark, say

if TYPE_CHECKING:
    from ..power_forecast import Forecast


def power(
    config: Path = typer.Argument(help="The node's TOML file."),
    flood: float = typer.Option(0.0, min=0, max=24, help="Hours of a day at the pace of a flood."),
    svg: Path | None = typer.Option(None, help="Draw it into this file."),
    as_json: JsonOption = False,
) -> None:
    """Predict what a unit costs: mAh a day, bytes a month, hours of its queue, years of its flash.

    In good and in bad coverage (164 dB). What [power] declares (budget_mah_day, battery_mah and
    days, solar_wh_day, budget_bytes_month) must hold in both: if it does not, the exit code is 2.

    \b
    Example:
        fieldbeat power docs/examples/river.toml
        fieldbeat power docs/examples/river.toml --flood 6 --svg power.svg
    """
    from .. import node_config, power_forecast
    from ..errors import CannotTry

    if svg and svg.suffix.lower() != ".svg":
        raise CannotTry(f"--svg {svg}: only SVG is drawn", "name a file that ends in .svg")
    node = node_config.load(config, within_budget=False)
    if not power_forecast.is_predicted(node):
        what = f"{config}: a {node.profile.role} is supplied from the mains, nothing is predicted"
        raise CannotTry(what, "name the configuration of a station")
    found = power_forecast.forecasts(node, flood)
    over = list(power_forecast.overruns(node, found))
    if svg:
        _draw(svg, node, found)
    if as_json:
        print_json({each.coverage.name: each.as_map() for each in found} | {"over": over})
    else:
        console().print(_table(node.tables.node.name, found))
        say("facts behind it: host_tools/currents.py; many are hypotheses of datasheets")
    if over:
        for line in over[1:]:
            remark(f"{config}: {line}", as_json)
        raise CannotTry(f"{config}: {over[0]}", power_forecast.advice(node, flood))


def _draw(svg: Path, node: Any, found: list[Forecast]) -> None:
    from .. import power_chart
    from ..errors import CannotTry

    declared = node.tables.power
    title = f"{node.tables.node.name}: a day on {node.board.id}"
    try:
        limit = declared.budget_mah_day if declared else None
        svg.write_text(power_chart.draw(title, found, limit), "utf-8")
    except OSError as error:
        raise CannotTry(f"{svg}: {error.strerror}", "name a file that you may write") from None


def _table(name: str, found: list[Forecast]) -> Any:
    from ..tables import table

    names = [f"{each.coverage.name} coverage" for each in found]
    made = table(f"{name}: what it costs", ("", *names), right=names)
    for consumer in found[0].mah:
        made.add_row(consumer, *(f"{each.mah[consumer]:.1f} mAh" for each in found))
    made.add_row("a day", *(f"{each.mah_day:.1f} mAh" for each in found), style="bold")
    rows = {
        "awake a day": lambda each: _span(each.ledger.awake_s),
        "radio on a day": lambda e: _span(e.ledger.radio["tx"] + e.ledger.radio["active"]),
        "wakes of the modem a day": lambda each: f"{each.ledger.wakes}",
        "bytes a month": lambda each: f"{each.bytes_month:,.0f}",
        "records without a network": lambda each: _span(3600 * each.queue_h),
        "pictures without a network": lambda each: (
            "" if each.pictures_queue_h is None else _span(3600 * each.pictures_queue_h)
        ),
        "flash": lambda each: f"{each.wear_years:,.0f} years",
        "battery without sun": lambda each: (
            "" if each.dark_days is None else f"{each.dark_days:.1f} days"
        ),
    }
    for what, text in rows.items():
        cells = [text(each) for each in found]
        if any(cells):
            made.add_row(what, *cells)
    return made


def _span(seconds: float) -> str:
    from ..times import span

    return span(seconds)
