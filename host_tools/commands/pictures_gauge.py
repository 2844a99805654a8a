"""The staff gauge in pictures: `fieldbeat pictures calibrate` and `read`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .. import open_files
from ..language import tr
from ..output import DbOption, JsonOption, RegistryOption, print_json, print_table, say

if TYPE_CHECKING:
    from ..picture_reading import Compared

CalibrationOption = typer.Option(
    ..., "--calibration", help="The .toml that 'calibrate' wrote.", dir_okay=False
)


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
    from .. import gauge, gauge_check, picture_reading
    from ..gauge_calibration import FaceSize
    from ..validation import check

    measures = {"width_mm": width_mm, "low_mm": low_mm, "high_mm": high_mm}
    face = check(FaceSize, measures | {"period_mm": period_mm}, tr("the face's measures"))
    points = [picture_reading.point(text) for text in point]
    learned = gauge_check.calibrate(picture, out, points, face, level_mm)
    say(
        tr("calibrated in {out}, the face in {with_suffix}").format(
            out=out, with_suffix=out.with_suffix(".png")
        )
    )
    low, high = gauge.readable_mm(learned)
    say(tr("levels from {low} to {high} mm can be read").format(low=low, high=high))
    say(
        tr("compare the numerals on the face with the scale beside it: {checked}").format(
            checked=gauge_check.check_path(out)
        )
    )


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
    from .. import gauge_calibration, picture_reading, pictures
    from ..views import must_exist

    with open_files.store(db) as store:
        must_exist(store, unit, registry)
        learned = gauge_calibration.load(calibration)
        place = picture_reading.region(region) if region else None
        found, changed = picture_reading.read(
            store, unit, learned, channel, threshold_mm, place, last
        )
    if as_json:
        print_json({"readings": [item.as_map() for item in found]})
    else:
        _tell(unit, found)
    pictures.must_be_sealed(changed)
    if found:
        picture_reading.must_tell(found, channel)
    if any(item.agreement is picture_reading.Agreement.DISAGREES for item in found):
        raise typer.Exit(1)


def _tell(unit: str, found: list[Compared]) -> None:
    from .. import picture_reading

    if not found:
        say(tr("no picture of {unit} shows the gauge").format(unit=unit))
        return
    columns = [
        "id",
        "taken",
        tr("gauge mm"),
        tr("sensor mm"),
        "says",
        "sure",
        tr("greatest doubt"),
    ]
    rows = [item.in_words() for item in found]
    print_table(columns, rows, tr("Gauge of {unit}").format(unit=unit), ["taken"])
    if told := picture_reading.closing(found):
        say(told)
