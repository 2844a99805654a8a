"""A table of where units are, for those that were provisioned without coordinates.

    unit,latitude,longitude
    speaker-01,30.5810,114.2700

It goes into the registry alone, so nobody has to visit a pole for it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import csv
from pathlib import Path

from .errors import CannotTry
from .geometry import Point, is_point
from .language import tr
from .registry import Registry

COLUMNS = ["unit", "latitude", "longitude"]


def read(path: Path) -> dict[str, Point]:
    """Return the places of a CSV table by the names of units.

    Raises:
        CannotTry: it cannot be read, or a line is not as this module's head shows it.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = tr("{path} cannot be read: {error}").format(path=path, error=error)
        raise CannotTry(message, tr("name a CSV table")) from None
    if not rows or [name.strip() for name in rows[0]] != COLUMNS:
        raise CannotTry(
            tr("{path} has another head").format(path=path),
            tr("let it begin with {listed}").format(listed=",".join(COLUMNS)),
        )
    places: dict[str, Point] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        name, place = _place(row)
        if place is None or name in places:
            what = tr("names a unit twice") if name in places else tr("has no unit and place")
            step = tr("write it as speaker-01,30.5810,114.2700, in degrees")
            raise CannotTry(
                tr("{path}, line {number} {what}: {listed}").format(
                    path=path, number=number, what=what, listed=",".join(row)[:60]
                ),
                step,
            )
        places[name] = place
    return places


def keep(registry: Registry, places: dict[str, Point]) -> None:
    """Write places into a registry, all of them or none.

    Raises:
        CannotTry: a unit is not in it.
    """
    unknown = [name for name in places if registry.unit(name) is None]
    if unknown:
        message = tr("{path} has no unit {listed}").format(
            path=registry.path, listed=", ".join(unknown[:12])
        )
        raise CannotTry(
            message, tr("correct the name, or provision it first; nothing was written")
        )
    with registry.database.transaction():
        for name, (latitude, longitude) in places.items():
            where = {"latitude": latitude, "longitude": longitude}
            registry.describe(name, "located", f"{latitude}, {longitude}", **where)


def _place(row: list[str]) -> tuple[str, Point | None]:
    name, *texts = (text.strip() for text in row)
    try:
        latitude, longitude = map(float, texts)
    except ValueError:
        return name, None
    return name, (latitude, longitude) if name and is_point(latitude, longitude) else None
