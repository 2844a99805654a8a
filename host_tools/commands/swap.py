"""Put another board in the place of a unit."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, remark, say

if TYPE_CHECKING:
    from ..collector import Collector
    from ..registry import Registry


def swap(
    old: str = typer.Argument(help="The unit whose board is dead or removed."),
    new: str | None = typer.Argument(
        None, help="The replacement: its MAC address, or its name so far if it has one."
    ),
    port: str = typer.Option(help="Serial port of the replacement."),
    old_port: str | None = typer.Option(
        None, help="Serial port of the old board, if it answers: what it has not sent is kept."
    ),
    config: Path | None = typer.Option(
        None, help="The node's TOML file; default: what the old board or the registry has."
    ),
    wifi_password_file: Path | None = typer.Option(
        None, help="File whose first line is the password of its Wi-Fi, if it changed."
    ),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put another board in the place of a unit; run it again after an interruption.

    Name, site, place, configuration, calibration and rules move to it; it gets a new key, and what
    the old board sends from then on is refused.

    \b
    Example:
        fieldbeat swap gh-07 94:b5:55:12:34:56 --port /dev/ttyUSB0 --old-port /dev/ttyUSB1
    """
    from .. import boards, provisioning_plan, succession, wifi_password
    from ..smp_link import SmpLink
    from .registry import existing, known_unit, progress

    units = existing(registry)
    collector = _collector(units, db)
    try:
        baud = boards.load(known_unit(units, old).board).console.baud
        swapping = succession.Swap(units, collector, old, progress(as_json))
        with SmpLink(port, baud, remark=lambda text: remark(text, as_json)) as link:
            begun = swapping.must_be_meant(link, new)
        kept = units.config(old)
        if old_port:
            with SmpLink(old_port, baud, remark=lambda text: remark(text, as_json)) as link:
                kept = swapping.take_off(link, time.time()) or kept
        elif not begun and not as_json:
            say(_left_behind(units, collector, old))
        if config:
            plan = provisioning_plan.plan(config, old)
        else:
            plan = succession.plan_of(units, old, kept)
        password = wifi_password.find(units, old, plan.wifi, wifi_password_file)
        with SmpLink(port, baud, remark=lambda text: remark(text, as_json)) as link:
            done = swapping.run(plan, link, new, password)
    finally:
        if collector:
            collector.store.close()
        units.close()
    if as_json:
        print_json(vars(done))
    elif plan.role == "speaker":
        say(tr("alarm rules that were sent over the air must be sent again: 'fieldbeat rule set'"))


def _collector(units: Registry, db: Path | None) -> Collector | None:
    from ..collector import Collector
    from ..paths import store_file
    from ..store import Store

    return Collector(Store(db), units) if store_file(db).exists() else None


def _left_behind(units: Registry, collector: Collector | None, name: str) -> str:
    """Tell what is lost when the old board cannot be read, as far as anybody knows."""
    from ..views import Views

    if collector is None:
        return tr("what the old board has not sent is lost; nothing was collected here")
    view = Views(collector.store, units).unit(name, time.time())
    if view.pending is None:
        return tr("what the old board has not sent is lost; it never told how much that is")
    text = tr("what the old board has not sent is lost: {count} records when it was last heard")
    return text.format(count=view.pending)
