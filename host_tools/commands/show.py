"""Show what units said: latest values, history, gaps, silence."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..language import tr
from ..output import (
    DbOption,
    JsonOption,
    RegistryOption,
    console,
    print_json,
    say,
)

if TYPE_CHECKING:
    from ..store import Store
    from ..views import Views

REFRESH_S = 1.0
DETAILED_UNITS = 3  # with more of them, latest values are shown for the unit that is asked for


def show(
    unit: str | None = typer.Argument(None, help="Only this unit."),
    follow: bool = typer.Option(
        False, "--follow", help="Keep it up to date; JSON: a line for each change."
    ),
    history: str | None = typer.Option(None, help="The values of one channel of UNIT."),
    last: int = typer.Option(48, min=1, help="How many values a history or a plot has."),
    gaps: bool = typer.Option(
        False, "--gaps", help="Missing records and samples, silence, and why."
    ),
    plot: Path | None = typer.Option(
        None, help="Write level, rain, alarms and pictures of UNIT as a .svg, .png or .pdf."
    ),
    silent: bool = typer.Option(False, "--silent", help="Only units that should have reported."),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what units said: latest values with unit and quality, history, gaps, who is silent.

    Missing records are those whose numbers have not come; --gaps names them, and the times that
    have no samples, for whichever reason.

    \b
    Example:
        fieldbeat show --follow
        fieldbeat show gh-7 --history air_temperature --last 12
        fieldbeat show gh-7 --gaps
        fieldbeat show river-07 --plot july.png --last 9000
    """
    from ..errors import CannotTry
    from ..views import opened

    if history and not unit:
        raise CannotTry(
            tr("a history is of one unit"), tr("give its name: fieldbeat show UNIT --history")
        )
    if plot and not unit:
        raise CannotTry(
            tr("a plot is of one unit"), tr("give its name: fieldbeat show UNIT --plot")
        )
    with opened(db, registry) as (store, views):
        if unit:
            views.must_exist(unit)
        if history and unit:
            _history(views, unit, history, last, as_json)
        elif plot and unit:
            _plot(store, views, unit, last, plot, as_json)
        elif gaps:
            _gaps(views, unit, as_json)
        elif follow:
            _follow(views, unit, silent, as_json)
        else:
            _print(views, unit, silent, as_json)


def _screen(views: Views, unit: str | None, silent: bool, now_s: float) -> Any:
    from ..tables import screen

    shown = _chosen(views, unit, silent, now_s)
    return screen(shown, views.refusals(), now_s, len(shown) <= DETAILED_UNITS)


def _chosen(views: Views, unit: str | None, silent: bool, now_s: float) -> list:
    shown = [views.unit(unit, now_s)] if unit else views.units(now_s)
    return [view for view in shown if view.silent] if silent else shown


def _as_map(views: Views, unit: str | None, silent: bool, now_s: float) -> dict[str, Any]:
    from dataclasses import asdict

    chosen = [asdict(view) for view in _chosen(views, unit, silent, now_s)]
    return {"units": chosen, "refusals": views.refusals()}


def _print(views: Views, unit: str | None, silent: bool, as_json: bool) -> None:
    import time

    now_s = time.time()
    if as_json:
        print_json(_as_map(views, unit, silent, now_s))
        return
    console().print(_screen(views, unit, silent, now_s))


def _follow(views: Views, unit: str | None, silent: bool, as_json: bool) -> None:
    """Show it, and every change, until Ctrl-C."""
    import time

    from .. import following

    if as_json:
        following.as_json(lambda: _as_map(views, unit, silent, time.time()), REFRESH_S)
    else:
        following.on_screen(lambda: _screen(views, unit, silent, time.time()), REFRESH_S)


def _history(views: Views, unit: str, channel: str, last: int, as_json: bool) -> None:
    from dataclasses import asdict

    rows = views.history(unit, channel, last)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    from ..tables import history

    console().print(history(f"{unit}: {channel}", rows))


def _plot(store: Store, views: Views, unit: str, last: int, path: Path, as_json: bool) -> None:
    from ..errors import CannotTry

    try:
        from .. import plot
    except ImportError as error:
        raise CannotTry(
            tr("plots need matplotlib"), tr("pip install 'fieldbeat[plots]'")
        ) from error
    marked = plot.write(store, views, unit, last, path)
    if as_json:
        print_json({"unit": unit, "file": str(path), "pictures": marked})
    else:
        say(
            tr("level, rain and {marked} pictures of {unit} in {path}").format(
                marked=marked, unit=unit, path=path
            )
        )


def _gaps(views: Views, unit: str | None, as_json: bool) -> None:
    from dataclasses import asdict

    found = {name: views.gaps(name) for name in ([unit] if unit else views.names())}
    if as_json:
        print_json({name: [asdict(gap) for gap in rows] for name, rows in found.items()})
        return
    from ..tables import gaps

    for name, rows in found.items():
        console().print(gaps(name, rows) if rows else tr("{name}: no gaps").format(name=name))
