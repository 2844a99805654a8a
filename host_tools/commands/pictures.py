"""Pictures of units: ask for one, list, export, lay out; calibrate a gauge and read it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .. import open_files
from ..at_desk import (
    IssuerOption,
    KeyFileOption,
    YesOption,
    open_desk,
    order_and_wait,
    plan_as_map,
    status_verb,
)
from ..language import tr
from ..output import (
    DbOption,
    JsonOption,
    RegistryOption,
    print_facts,
    print_json,
    print_table,
    say,
)
from . import pictures_gauge

if TYPE_CHECKING:
    from ..pictures import Picture


class Kind(StrEnum):
    THUMBNAIL = "thumbnail"
    GAUGE = "gauge"
    FULL = "full"


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def pictures() -> None:
    """Pictures of units: ask for one, list, export, lay out; calibrate a gauge and read it.

    \b
    Example:
        fieldbeat pictures ask river-07 --wait 600
        fieldbeat pictures list river-07
        fieldbeat pictures export river-07 --to july
    """


def _line(picture: Picture, changed: bool = False) -> dict[str, Any]:
    from ..times import iso

    state = tr("on its way") if picture.done_s is None else tr("CHANGED") if changed else "whole"
    return {
        "id": picture.id,
        "taken": iso(picture.taken_s),
        "why": tr(picture.why or ""),
        "kind": picture.kind or "",
        "size": f"{picture.width} x {picture.height}" if picture.width else "",
        "bytes": picture.size,
        "state": state,
        "flags": ", ".join(
            (*map(tr, picture.flags), *(() if picture.synced else (tr("no clock"),)))
        ),
    }


@app.command("list")
def list_(
    unit: str = typer.Argument(..., help="The unit that took them."),
    last: int = typer.Option(24, min=1, help="How many, the newest."),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the pictures of a unit, oldest first.

    \b
    Example:
        fieldbeat pictures list river-07
    """
    from dataclasses import asdict

    from .. import pictures
    from ..views import must_exist

    with open_files.store(db) as store:
        must_exist(store, unit, registry)
        found = pictures.of_unit(store, unit)[-last:]
        _, changed = pictures.whole_of(store, found)
    if as_json:
        maps = [asdict(picture) | {"changed": picture in changed} for picture in found]
        print_json({"pictures": maps})
        pictures.must_be_sealed(changed)
        return
    if not found:
        say(tr("no picture of {unit} has come").format(unit=unit))
        return
    lines = [_line(picture, picture in changed) for picture in found]
    columns = [name for name in lines[0] if any(line[name] for line in lines)]
    rows = [[str(line[name]) for name in columns] for line in lines]
    print_table(columns, rows, tr("Pictures of {unit}").format(unit=unit), ["taken"])
    pictures.must_be_sealed(changed)


@app.command()
def show(
    picture: str = typer.Argument(..., help="Its id, as 'list' tells it."),
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known of one picture, and what is wrong with it.

    It is judged beside the one of its kind before it.

    \b
    Example:
        fieldbeat pictures show 12
    """
    from dataclasses import asdict

    from .. import picture_reading, pictures
    from ..errors import CannotTry
    from ..times import iso

    if not picture.isdecimal():
        raise CannotTry(
            tr("'{picture}' is no id of a picture").format(picture=picture),
            tr("see 'fieldbeat pictures list UNIT'"),
        )
    with open_files.store(db) as store:
        found = pictures.find(store, int(picture))
        whole, changed = pictures.whole_of(store, [found])
        judged = picture_reading.judge(store, found) if whole else None
    if as_json:
        more = {"changed": bool(changed), "judged": judged._asdict() if judged else None}
        print_json(asdict(found) | more)
        pictures.must_be_sealed(changed)
        return
    facts = [
        *_line(found, bool(changed)).items(),
        (tr("Unit").lower(), found.unit),
        ("sha256", found.sha256),
    ]
    if found.told_s is not None:
        facts.append(("told", iso(found.told_s)))
    if judged:
        facts.append(("seen", ", ".join(map(tr, judged.flags())) or tr("nothing wrong")))
    print_facts(facts)
    pictures.must_be_sealed(changed)


@app.command()
def ask(
    unit: str = typer.Argument(..., help="The unit that is to take it."),
    kind: Kind = typer.Option(Kind.THUMBNAIL, help="Of the picture."),
    size: int | None = typer.Option(
        None, "--bytes", min=1000, max=1_000_000, help="At most; default: as its config says."
    ),
    issuer: IssuerOption = None,
    key_file: KeyFileOption = None,
    yes: YesOption = False,
    wait: float = typer.Option(
        0, "--wait", min=0, metavar="S", help="Wait so long until it is there, or refused."
    ),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a unit for a picture; who may order a daily announcement may.

    The running collector ('fieldbeat collect') tells a unit that sleeps when it wakes, within a
    day. With --wait the exit code is 1 if the picture is not there.

    \b
    Example:
        fieldbeat pictures ask river-07 --kind full --wait 120
    """
    from .. import picture_orders
    from ..picture_orders import THERE

    with open_desk(registry, db) as desk:
        plan = picture_orders.plan(desk, unit, kind, size, issuer or [])
        what = tr("{told} of {unit}").format(told=plan.told, unit=unit)
        order, found = order_and_wait(
            desk, plan, what, picture_orders.answer, key_file, yes, wait, as_json
        )
    if as_json:
        print_json(plan_as_map(plan, order) | {"unit": unit, "kind": kind} | found.as_map())
    elif found.state == THERE and found.picture:
        say(
            tr("picture {id} of {unit} is there, {size} bytes").format(
                id=found.picture.id, unit=unit, size=found.picture.size
            )
        )
    else:
        say(
            tr("{told} is asked of {unit}: {state}{value}").format(
                told=plan.told,
                unit=unit,
                state=tr(found.state),
                value=found.why and f", {found.why}",
            )
        )
        say(tr("what became of it: {status}").format(status=status_verb(order)))
    if wait and found.state != THERE:
        raise typer.Exit(1)


@app.command()
def export(
    unit: str = typer.Argument(..., help="The unit that took them."),
    folder: Path = typer.Option(..., "--to", help="Where the files go; made if missing."),
    last: int | None = typer.Option(None, min=1, help="How many, the newest; all of them."),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the pictures of a unit as JPEG files, as they were taken.

    \b
    Example:
        fieldbeat pictures export river-07 --to july
    """
    from .. import files, pictures
    from ..views import must_exist

    with open_files.store(db) as store:
        must_exist(store, unit, registry)
        found, changed = pictures.whole_of(store, pictures.of_unit(store, unit))
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for each in found[-last:] if last else found:
            path = folder / pictures.file_name(each)
            files.write_atomically(path, pictures.data_of(store, each))
            written.append(str(path))
    if as_json:
        print_json({"written": written, "changed": [each.id for each in changed]})
    else:
        say(
            tr("{count} pictures of {unit} in {folder}").format(
                count=len(written), unit=unit, folder=folder
            )
        )
    pictures.must_be_sealed(changed)


@app.command()
def sheet(
    unit: str = typer.Argument(..., help="The unit that took them."),
    out: Path = typer.Option(..., "--out", help="The .jpg or .png to write."),
    last: int = typer.Option(24, min=1, max=400, help="How many, the newest."),
    db: DbOption = None,
) -> None:
    """Lay the pictures of a unit out on one sheet, each with its time and its flags.

    \b
    Example:
        fieldbeat pictures sheet river-07 --out july.jpg
    """
    from .. import picture_reading, pictures

    with open_files.store(db) as store:
        whole = [item for item in pictures.of_unit(store, unit) if item.done_s is not None]
        found, changed = pictures.whole_of(store, whole[-last:])
        picture_reading.write_sheet(store, found, out)
    say(tr("{count} pictures of {unit} on {out}").format(count=len(found), unit=unit, out=out))
    pictures.must_be_sealed(changed)


app.command()(pictures_gauge.calibrate)
app.command()(pictures_gauge.read)
