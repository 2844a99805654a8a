"""Check a node's configuration file, and say where units are."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, remark, say
from ..wording import counted

if TYPE_CHECKING:
    from ..node_config import NodeConfig

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def config() -> None:
    """Check a node's configuration file, and say where units are.

    \b
    Example:
        fieldbeat config check docs/examples/greenhouse.toml
    """


def checked(file: Path, as_json: bool) -> NodeConfig:
    """Return a node's configuration; every mistake in it is told.

    Raises:
        FieldbeatError: it has mistakes.
    """
    from .. import node_config
    from ..errors import FieldbeatError
    from ..validation import InvalidData

    try:
        return node_config.load(file)
    except InvalidData as error:
        if as_json:
            print_json({"file": error.source, "ok": False, "problems": error.problems})
        for problem in error.problems:
            remark(f"{error.source}: {problem}", as_json)
        message = tr("{source} has {counted}").format(
            source=error.source, counted=counted(len(error.problems), "mistake")
        )
        raise FieldbeatError(message, tr("correct the lines above and check again")) from error


@app.command()
def check(
    file: Path = typer.Argument(help="The node's TOML file."), as_json: JsonOption = False
) -> None:
    """Check a node's TOML file against its board and profile, with a line for every mistake.

    \b
    Example:
        fieldbeat config check docs/examples/greenhouse.toml
    """
    from ..power_forecast import sleepless

    found = checked(file, as_json)
    awake = sleepless(found)
    notes = [*found.notes, *([awake] if awake else [])]
    if as_json:
        values = {"config": found.to_device_map(), "notes": notes}
        print_json({"file": found.source, "ok": True, "problems": [], **values})
        return
    for note in notes:
        say(tr("{file}: note: {note}").format(file=file, note=note))
    node = found.tables.node
    say(tr("{file}: ok").format(file=file))
    say(
        tr("{name} at {site}, {board} with profile {profile}").format(
            name=node.name, site=node.site, board=node.board, profile=node.profile
        )
    )
    rate = tr("a report has {report_samples} samples, one every {sampling_interval_s} s").format(
        report_samples=found.report_samples, sampling_interval_s=found.sampling_interval_s
    )
    say(
        tr("{rate}; at most {report_bytes} bytes").format(
            rate=rate, report_bytes=found.report_bytes
        )
    )


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
    from .. import alert_places, open_files, unit_places

    places = unit_places.read(table)
    with open_files.registry(registry) as units:
        unit_places.keep(units, places)
        lost = [unit.name for unit in alert_places.speakers(units) if unit.place is None]
    if as_json:
        print_json({"located": sorted(places), "without": lost})
        return
    say(
        tr("{counted} located in {path}").format(
            counted=counted(len(places), "unit"), path=units.path
        )
    )
    if lost:
        say(
            tr("{counted} without coordinates: {listed}").format(
                counted=counted(len(lost), "loudspeaker"), listed=", ".join(lost)
            )
        )
