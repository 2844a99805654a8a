"""Check a node's configuration file, and say where units are."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..output import JsonOption, RegistryOption, print_json, remark, say
from ..wording import counted

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def config() -> None:
    """Check a node's configuration file, and say where units are.

    \b
    Example:
        fieldbeat config check docs/examples/greenhouse.toml
    """


@app.command()
def check(
    file: Path = typer.Argument(help="The node's TOML file."), as_json: JsonOption = False
) -> None:
    """Check a node's TOML file against its board and profile, with a line for every mistake.

    \b
    Example:
        fieldbeat config check docs/examples/greenhouse.toml
    """
    from .. import node_config
    from ..errors import FieldbeatError
    from ..validation import InvalidData

    try:
        found = node_config.load(file)
    except InvalidData as error:
        if as_json:
            print_json({"file": error.source, "ok": False, "problems": error.problems})
        for problem in error.problems:
            remark(f"{error.source}: {problem}", as_json)
        message = f"{error.source} has {counted(len(error.problems), 'mistake')}"
        raise FieldbeatError(message, "correct the lines above and check again") from error
    if as_json:
        values = {"config": found.to_device_map(), "notes": found.notes}
        print_json({"file": found.source, "ok": True, "problems": [], **values})
        return
    for note in found.notes:
        say(f"{file}: note: {note}")
    node = found.tables.node
    say(f"{file}: ok")
    say(f"{node.name} at {node.site}, {node.board} with profile {node.profile}")
    rate = f"a report has {found.report_samples} samples, one every {found.sampling_interval_s} s"
    say(f"{rate}; at most {found.report_bytes} bytes")


@app.command()
def locate(
    table: Path = typer.Argument(help="A CSV table: unit,latitude,longitude"),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the registry where units are, so that the polygons of CAP alerts find them.

    Provisioning does so, too, for a unit whose file has [node] latitude and longitude.

    \b
    Example:
        fieldbeat config locate poles.csv
    """
    from .. import alerts, unit_places
    from ..registry import Registry

    places = unit_places.read(table)
    units = Registry(registry, create=False)
    try:
        unit_places.keep(units, places)
        lost = [unit.name for unit in alerts.speakers(units) if unit.place is None]
    finally:
        units.close()
    if as_json:
        print_json({"located": sorted(places), "without": lost})
        return
    say(f"{counted(len(places), 'unit')} located in {units.path}")
    if lost:
        say(f"{counted(len(lost), 'loudspeaker')} without coordinates: {', '.join(lost)}")
