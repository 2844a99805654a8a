"""A screen with tabs for units, batch, signal and results, for who would rather not type."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..output import DbOption, RegistryOption


def ui(
    plan: Annotated[
        Path | None, typer.Argument(help="A plan of units, or a bundle, to begin with.")
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(help="A port, a pattern, or PORT@SLOT; repeat it."),
    ] = None,
    technician: Annotated[
        str, typer.Option(help="Who signs a certificate of each unit of a batch.")
    ] = "",
    modem: Annotated[
        str, typer.Option(help="A modem alone is at the port: bc26, bc95 or sim7020.")
    ] = "",
    folder: Annotated[Path | None, typer.Option(help="Where certificates are.")] = None,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="For virtual boards: no real firmware.")
    ] = False,
    db: DbOption = None,
    registry: RegistryOption = None,
) -> None:
    """Show units, make a batch, survey the signal and read certificates, by keys.

    F2 to F5 choose a tab, Tab goes from field to field, Ctrl-Q leaves.

    \b
    Example:
        fieldbeat ui
        fieldbeat ui village.csv --technician li
    """
    import sys

    from ..errors import CannotTry
    from ..language import tr
    from ..ui import Choices, run

    if not sys.stdin.isatty() or not sys.stdout.isatty():
        step = tr("run it in a terminal; scripts use 'fieldbeat show' and 'fieldbeat batch'")
        raise CannotTry(tr("there is no terminal"), step)
    run(Choices(plan, tuple(port or ()), technician, modem, folder, virtual, registry, db))
