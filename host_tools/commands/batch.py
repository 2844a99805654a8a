"""Make many units at once: flash, provision, test and label all that is plugged in."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..baud_rates import FAST_BAUD
from ..output import JsonOption, RegistryOption, print_json, print_json_line, remark, say

if TYPE_CHECKING:
    from ..batch import Summary
    from ..batch_ports import Place


def batch(
    plan: Path = typer.Argument(None, help="A plan of units (.csv, .toml), or a bundle of one."),
    port: list[str] = typer.Option(
        [], help="A port, a pattern, or PORT@SLOT; repeat it. Default: all USB serial ports."
    ),
    watch: bool = typer.Option(False, "--watch", help="Look for more until all units are done."),
    again: list[str] = typer.Option([], metavar="UNIT", help="Do this unit anew; repeat it."),
    ports: bool = typer.Option(False, "--ports", help="Show what is plugged in, and do nothing."),
    check: bool = typer.Option(False, "--check", help="Check the plan, and do nothing."),
    jobs: int = typer.Option(8, min=1, max=64, help="How many units at a time."),
    virtual: bool = typer.Option(False, "--virtual", help="For virtual boards: no real firmware."),
    wifi_password_file: Path = typer.Option(
        None, help="File whose first line is the password of the Wi-Fi of all units that need one."
    ),
    technician: str = typer.Option(
        None, help="Have each unit test itself, and this technician sign a certificate of it."
    ),
    key_file: Path = typer.Option(
        None, help="File whose first line is his passphrase; default: it is asked for."
    ),
    limits: Path = typer.Option(None, help="A TOML file of other limits, [[check]]."),
    journal: Path = typer.Option(None, help="Where it is kept how far units are; beside PLAN."),
    labels: Path = typer.Option(None, help="The sheet of labels, HTML; default: beside PLAN."),
    baud: int = typer.Option(FAST_BAUD, min=9600, help="Bits per second while writing."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make all units of a plan: whatever is plugged in is recognised, checked, written and tested.

    Run the same command again after an interruption: it goes on where it was.

    \b
    Example:
        fieldbeat batch village.csv
        fieldbeat batch village.fieldbeat --watch
        fieldbeat batch --ports
        fieldbeat batch village.csv --again gh-07
        fieldbeat batch village.csv --technician li
    """
    from functools import partial

    from .. import batch_ports, batch_run, batch_view, open_files
    from ..errors import CannotTry
    from ..language import tr
    from .registry import advise

    if ports:
        _show_ports((batch_ports.named(port) if port else batch_ports.usb)(), as_json)
        return 0
    if plan is None:
        raise CannotTry(tr("no plan is named"), tr("give a .csv, .toml or .fieldbeat file"))
    tell = partial(remark, as_json=as_json)
    todo = batch_run.jobs(plan, virtual, None if as_json else tell)
    names = [job.name for job in todo]
    request = batch_run.Request(
        *(plan, todo, port, again, watch, jobs, technician, key_file, wifi_password_file),
        *(limits, journal, labels, registry, baud),
    )
    if check:
        request.must_be_possible()
        with open_files.registry_if_there(registry) as units:
            if not as_json and (unheard := batch_run.deaf(todo, units)):
                tell(str(unheard))
        _show_checked(plan, names, as_json)
        return 0
    with batch_run.opened(request, tell) as run:
        advise(run.registry, as_json)
        with batch_view.view(names, as_json) as view:
            summary, sheet = run.make(view)
    _tell(summary, sheet, as_json)
    if error := batch_run.trouble(summary):
        raise error
    return 0


def _show_ports(found: list[Place], as_json: bool) -> None:
    from ..language import tr

    if as_json:
        print_json([{"port": place.port, "slot": place.slot or None} for place in found])
        return
    for place in found:
        say(f"{place.slot or '-':<12}  {place.port}")
    if not found:
        say(tr("no USB serial port is plugged in"))


def _show_checked(plan: Path, names: list[str], as_json: bool) -> None:
    from ..language import tr
    from ..wording import counted

    if as_json:
        print_json({"plan": str(plan), "ok": True, "units": names})
        return
    say(tr("{plan}: ok, {units}").format(plan=plan, units=counted(len(names), "unit")))


def _tell(summary: Summary, sheet: Path | None, as_json: bool) -> None:
    from .. import batch_view

    if as_json:
        labels = str(sheet) if sheet else None
        print_json_line(batch_view.summary_as_json(summary) | {"labels": labels})
        return
    for line in batch_view.ended(summary, sheet):
        say(line)
