"""Put a plan of units and all that it takes into one file, for a place without a network."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..output import JsonOption, print_json, remark, say


def bundle(
    plan: Path = typer.Argument(help="A plan of units, .csv or .toml."),
    output: Path = typer.Option(..., "-o", "--output", help="The bundle, NAME.fieldbeat."),
    virtual: bool = typer.Option(False, "--virtual", help="For virtual boards: no real firmware."),
    as_json: JsonOption = False,
) -> None:
    """Put a plan of units and all that it takes into one file: no network is needed afterwards.

    Configurations, base firmware, app and clips are in it, and no key and no password.

    \b
    Example:
        fieldbeat bundle village.csv -o village.fieldbeat
        fieldbeat batch village.fieldbeat
    """
    from .. import batch_run, unit_bundle
    from ..files import write_atomically
    from ..language import tr
    from ..wording import counted

    tell = None if as_json else remark
    content, jobs = batch_run.checked(lambda: unit_bundle.make(plan, virtual), tell)
    write_atomically(output, content)
    names = [job.name for job in jobs]
    if as_json:
        print_json({"bundle": str(output), "bytes": len(content), "units": names})
        return
    told = tr("{bundle}: {units}, {size} bytes")
    say(told.format(bundle=output, units=counted(len(names), "unit"), size=len(content)))
