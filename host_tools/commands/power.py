"""Predict what a node's configuration costs: charge, bytes, time without a network, wear."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..language import os_reason, tr
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
        raise CannotTry(
            tr("--svg {svg}: only SVG is drawn").format(svg=svg),
            tr("name a file that ends in .svg"),
        )
    node = node_config.load(config, within_budget=False)
    if not power_forecast.is_predicted(node):
        what = tr("{config}: a {role} is supplied from the mains, nothing is predicted").format(
            config=config, role=node.profile.role
        )
        raise CannotTry(what, tr("name the configuration of a station"))
    found = power_forecast.forecasts(node, flood)
    over = list(power_forecast.overruns(node, found))
    if svg:
        _draw(svg, node, found)
    if as_json:
        print_json({each.coverage.name: each.as_map() for each in found} | {"over": over})
    else:
        console().print(_table(node.tables.node.name, found))
        if uncounted := found[0].uncounted:
            add = tr("not counted: {listed}; add what coils and loads draw (mA) times their hours")
            say(add.format(listed=", ".join(uncounted)))
        if awake := power_forecast.sleepless(node):
            say(awake)
        say(tr("facts behind it: host_tools/currents.py; many are hypotheses of datasheets"))
    if over:
        for line in over[1:]:
            remark(f"{config}: {line}", as_json)
        raise CannotTry(f"{config}: {over[0]}", power_forecast.advice(node, flood))


def _draw(svg: Path, node: Any, found: list[Forecast]) -> None:
    from .. import power_chart
    from ..errors import CannotTry

    declared = node.tables.power
    title = tr("{name}: a day on {id}").format(name=node.tables.node.name, id=node.board.id)
    try:
        limit = declared.budget_mah_day if declared else None
        svg.write_text(power_chart.draw(title, found, limit), "utf-8")
    except OSError as error:
        raise CannotTry(
            f"{svg}: {os_reason(error)}", tr("name a file that you may write")
        ) from None


def _table(name: str, found: list[Forecast]) -> Any:
    from ..tables import table

    names = [tr("{name} coverage").format(name=tr(each.coverage.name)) for each in found]
    made = table(tr("{name}: what it costs").format(name=name), ("", *names), right=names)
    for consumer in found[0].mah:
        made.add_row(tr(consumer), *(f"{each.mah[consumer]:.1f} mAh" for each in found))
    if found[0].uncounted:
        made.add_row(tr("actuators"), *(tr("not counted") for _ in found))
    made.add_row(tr("a day"), *(f"{each.mah_day:.1f} mAh" for each in found), style="bold")
    rows = {
        tr("awake a day"): lambda each: _span(each.ledger.awake_s),
        tr("radio on a day"): lambda e: _span(e.ledger.radio["tx"] + e.ledger.radio["active"]),
        tr("wakes of the modem a day"): lambda each: f"{each.ledger.wakes}",
        tr("bytes a month"): lambda each: f"{each.bytes_month:,.0f}",
        tr("records without a network"): lambda each: _span(3600 * each.queue_h),
        tr("pictures without a network"): lambda each: (
            "" if each.pictures_queue_h is None else _span(3600 * each.pictures_queue_h)
        ),
        tr("flash"): lambda each: tr("{wear_years:,.0f} years").format(wear_years=each.wear_years),
        tr("battery without sun"): lambda each: (
            ""
            if each.dark_days is None
            else tr("{dark_days:.1f} days").format(dark_days=each.dark_days)
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
