"""Show the code of a unit, or write down those of all."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, say
from ..wide_text import padded

if TYPE_CHECKING:
    from ..registry import Registry


def code(
    unit: str | None = typer.Argument(None, help="The unit."),
    list_file: Path | None = typer.Option(
        None,
        "--all",
        metavar="FILE",
        help="Write the codes of all units into a file that nobody else may read, to print it.",
    ),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the code that unlocks a unit's serial port: 'unlock CODE' there.

    Who has it may change the unit; the registry has to open for it. Hyphens and the case of
    letters do not matter. Printed and locked away, a list of all is what 'fieldbeat registry
    rebuild' asks for if the registry is ever lost.

    \b
    Example:
        fieldbeat code gh-07
        fieldbeat code --all codes.txt
    """
    from ..errors import CannotTry
    from .registry import existing

    if (unit is None) == (list_file is None):
        step = tr("fieldbeat code UNIT, or fieldbeat code --all FILE")
        raise CannotTry(tr("it shows the code of one unit, or writes those of all"), step)
    with closing(existing(registry)) as units:
        if unit is not None:
            _show(units, unit, as_json)
        elif list_file is not None:
            _write(units, list_file, as_json)


def _show(units: Registry, unit: str, as_json: bool) -> None:
    from .. import unit_code
    from ..errors import CannotTry
    from .registry import known_unit

    known_unit(units, unit)
    found = unit_code.of_unit(units, unit)
    if found is None:
        message = tr("{unit} was given no code, its serial port is open").format(unit=unit)
        raise CannotTry(message, tr("'fieldbeat provision' gives it one"))
    if as_json:
        print_json({"unit": unit, "code": found})
    else:
        print(unit_code.pretty(found))


def _write(units: Registry, file: Path, as_json: bool) -> None:
    from .. import unit_code
    from ..errors import CannotTry
    from ..files import PRIVATE, write_atomically
    from ..wording import counted

    found = {each.name: unit_code.of_unit(units, each.name) for each in units.units()}
    codes = {name: unit_code.pretty(each) for name, each in found.items() if each}
    if not codes:
        message = tr("no unit in {registry} has a code").format(registry=units.path)
        raise CannotTry(message, tr("'fieldbeat provision' gives it one"))
    width = max(map(len, codes))
    lines = "".join(f"{padded(name, width)}  {each}\n" for name, each in codes.items())
    write_atomically(file, lines.encode(), PRIVATE)
    if as_json:
        print_json({"file": str(file), "units": list(codes)})
        return
    told = counted(len(codes), "code")
    text = tr("{file}: {codes}; print it, lock the paper away, then delete the file")
    say(text.format(file=file, codes=told))
