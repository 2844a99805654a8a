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
    confirmed,
    keys_of,
    open_desk,
    plan_as_map,
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

if TYPE_CHECKING:
    from ..pictures import Picture
    from ..store import Store


class Kind(StrEnum):
    THUMBNAIL = "thumbnail"
    GAUGE = "gauge"
    FULL = "full"


app = typer.Typer(add_completion=False, rich_markup_mode=None)

CalibrationOption = typer.Option(
    ..., "--calibration", help="The .toml that 'calibrate' wrote.", dir_okay=False
)


@app.callback()
def pictures() -> None:
    """Pictures of units: ask for one, list, export, lay out; calibrate a gauge and read it.

    \b
    Example:
        fieldbeat pictures ask river-07 --wait 600
        fieldbeat pictures list river-07
        fieldbeat pictures export river-07 --to july
    """


def _line(picture: Picture) -> dict[str, Any]:
    from ..times import iso

    state = "whole" if picture.done_s is not None else tr("on its way")
    return {
        "id": picture.id,
        "taken": iso(picture.taken_s),
        "why": picture.why or "",
        "kind": picture.kind or "",
        "size": f"{picture.width} x {picture.height}" if picture.width else "",
        "bytes": picture.size,
        "state": state,
        "flags": ", ".join((*picture.flags, *(() if picture.synced else (tr("no clock"),)))),
    }


def _must_exist(store: Store, unit: str, registry: Path | None) -> None:
    """Raise CannotTry for a unit that is neither registered nor was heard."""
    from ..views import Views

    with open_files.registry_if_there(registry) as known:
        Views(store, known).must_exist(unit)


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

    with open_files.store(db) as store:
        _must_exist(store, unit, registry)
        found = pictures.of_unit(store, unit)[-last:]
    if as_json:
        print_json({"pictures": [asdict(picture) for picture in found]})
        return
    if not found:
        say(tr("no picture of {unit} has come").format(unit=unit))
        return
    lines = [_line(picture) for picture in found]
    columns = [name for name in lines[0] if any(line[name] for line in lines)]
    rows = [[str(line[name]) for name in columns] for line in lines]
    print_table(columns, rows, tr("Pictures of {unit}").format(unit=unit), ["taken"])


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

    if not picture.isdecimal():
        raise CannotTry(
            tr("'{picture}' is no id of a picture").format(picture=picture),
            tr("see 'fieldbeat pictures list UNIT'"),
        )
    with open_files.store(db) as store:
        found = pictures.find(store, int(picture))
        judged = picture_reading.judge(store, found) if found.done_s is not None else None
    if as_json:
        print_json(asdict(found) | {"judged": judged._asdict() if judged else None})
        return
    facts = [*_line(found).items(), ("unit", found.unit), ("sha256", found.sha256)]
    if judged:
        facts.append(("seen", ", ".join(judged.flags()) or tr("nothing wrong")))
    print_facts(facts)


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
    from .. import picture_orders, unit_orders
    from ..handover import going_on
    from ..picture_orders import THERE

    with open_desk(registry, db) as desk:
        plan = picture_orders.plan(desk, unit, kind, size, issuer or [])
        order = confirmed(desk, plan, keys_of(key_file), yes, as_json)
        with going_on(
            tr("{told} of {unit}").format(told=plan.told, unit=unit),
            tr("see 'fieldbeat alert status {id}'").format(id=order.id.hex()[:6]),
        ):
            found = unit_orders.wait(picture_orders.answer, desk.store, order, wait)
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
                told=plan.told, unit=unit, state=found.state, value=found.why and f", {found.why}"
            )
        )
        say(tr("what became of it: fieldbeat alert status {id}").format(id=order.id.hex()[:6]))
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

    with open_files.store(db) as store:
        _must_exist(store, unit, registry)
        found = [item for item in pictures.of_unit(store, unit) if item.done_s is not None]
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for each in found[-last:] if last else found:
            path = folder / pictures.file_name(each)
            files.write_atomically(path, pictures.data_of(store, each))
            written.append(str(path))
    if as_json:
        print_json({"written": written})
        return
    say(
        tr("{count} pictures of {unit} in {folder}").format(
            count=len(written), unit=unit, folder=folder
        )
    )


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
        found = [item for item in pictures.of_unit(store, unit) if item.done_s is not None]
        picture_reading.write_sheet(store, found[-last:], out)
    say(
        tr("{count} pictures of {unit} on {out}").format(
            count=len(found[-last:]), unit=unit, out=out
        )
    )


@app.command()
def calibrate(
    picture: Path = typer.Argument(..., help="A good picture, by day, at low water."),
    out: Path = typer.Option(..., "--out", help="The .toml to write; a .png goes beside it."),
    point: list[str] = typer.Option(
        ..., help="x,y,left|right,height in mm; four of them: both edges at two heights."
    ),
    level_mm: int = typer.Option(..., help="The level in this picture, as a person reads it."),
    width_mm: int = typer.Option(120, help="Width of the gauge's face."),
    low_mm: int = typer.Option(0, help="Where the face begins."),
    high_mm: int = typer.Option(..., help="Where it ends."),
    period_mm: int = typer.Option(100, help="After which the pattern repeats."),
) -> None:
    """Learn where the staff gauge stands in a camera's picture and what it looks like.

    Look at the .check.png beside it: no program can know that all heights are 100 mm too low.
    Where it refuses, the points or the face are there, too.

    \b
    Example:
        fieldbeat pictures calibrate mounted.jpg --out river-07.toml --level-mm 150
            --high-mm 1500 --point 357,62,left,1450 --point 398.5,64.5,right,1450
            --point 366,411,left,250 --point 403,413.5,right,250
    """
    from .. import gauge, gauge_calibration, gauge_check, picture_reading
    from ..errors import CannotTry
    from ..gauge_calibration import FaceSize
    from ..validation import check

    measures = {"width_mm": width_mm, "low_mm": low_mm, "high_mm": high_mm}
    face = check(FaceSize, measures | {"period_mm": period_mm}, tr("the face's measures"))
    points = [picture_reading.point(text) for text in point]
    image = gauge.load_picture(picture)
    gauge_check.must_be_full(image, str(picture))
    checked = out.with_suffix(".check.png")
    shown = gauge_check.marked(image, points)
    try:
        learned = gauge_calibration.learn(image, points, face, level_mm, "--point")
        shown = gauge_check.labelled(image, learned, level_mm)
        gauge_check.read_back(image, learned, level_mm)
    except CannotTry as error:
        gauge_check.write(shown, checked)
        raise CannotTry(
            error.message,
            tr("{next_step}; look at {checked}").format(
                next_step=error.next_step, checked=checked
            ),
        ) from None
    gauge_calibration.save(learned, out)
    gauge_check.write(shown, checked)
    say(
        tr("calibrated in {out}, the face in {with_suffix}").format(
            out=out, with_suffix=out.with_suffix(".png")
        )
    )
    say(
        tr("compare the numerals on the face with the scale beside it: {checked}").format(
            checked=checked
        )
    )


@app.command()
def read(
    unit: str = typer.Argument(..., help="The unit that took them."),
    calibration: Path = CalibrationOption,
    last: int = typer.Option(24, min=1, help="How many pictures, the newest."),
    threshold_mm: int = typer.Option(30, min=1, help="From here on gauge and sensor disagree."),
    channel: str = typer.Option("level", help="The sensor's channel, in m above the gauge's 0."),
    region: str | None = typer.Option(
        None, help="left,top,width,height of the pictures of the gauge, as in the unit's config."
    ),
    db: DbOption = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the staff gauge in a unit's pictures, beside what its level sensor said.

    --region is what the unit's config has as 'gauge' under fitted.camera.regions.

    How sure it is, from 0 to 1, is what all doubts leave; from 0.5 on there is a level. Exit code
    1 if one of them disagrees, or none can be compared.

    \b
    Example:
        fieldbeat pictures read river-07 --calibration river-07.toml --region 352,56,112,400
    """
    from .. import gauge_calibration, picture_reading

    with open_files.store(db) as store:
        _must_exist(store, unit, registry)
        learned = gauge_calibration.load(calibration)
        place = picture_reading.region(region) if region else None
        found = picture_reading.read(store, unit, learned, channel, threshold_mm, place, last)
    if as_json:
        print_json({"readings": [item.as_map() for item in found]})
    elif not found:
        say(tr("no picture of {unit} shows the gauge").format(unit=unit))
    else:
        columns = [
            "id",
            "taken",
            tr("gauge mm"),
            tr("sensor mm"),
            "says",
            "sure",
            tr("greatest doubt"),
        ]
        print_table(
            columns,
            [item.in_words() for item in found],
            tr("Gauge of {unit}").format(unit=unit),
            ["taken"],
        )
        if told := picture_reading.closing(found):
            say(told)
    if found:
        picture_reading.must_tell(found, channel)
    if any(item.agreement is picture_reading.Agreement.DISAGREES for item in found):
        raise typer.Exit(1)
