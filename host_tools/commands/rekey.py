"""Give a unit a new key."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import closing

import typer

from ..output import JsonOption, RegistryOption, print_json, remark


def rekey(
    unit: str = typer.Argument(help="The unit."),
    port: str = typer.Option(help="Its serial port."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a unit a new key under the next epoch; run it again after an interruption.

    Its name, configuration and records stay. The old key opens what is under way until the new
    one has spoken.

    \b
    Example:
        fieldbeat rekey gh-07 --port /dev/ttyUSB0
    """
    from .. import boards
    from ..provisioner import Provisioner
    from ..smp_link import SmpLink
    from .registry import existing, known_unit, progress

    with closing(existing(registry)) as units:
        baud = boards.load(known_unit(units, unit).board).console.baud
        with SmpLink(port, baud, remark=lambda text: remark(text, as_json)) as link:
            done = Provisioner(link, units, progress(as_json)).rekey(unit)
    if as_json:
        print_json(vars(done))
