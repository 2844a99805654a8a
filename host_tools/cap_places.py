"""Which loudspeakers the areas of a CAP message mean.

| of an area                | reaches                                                         |
| polygon, circle           | units whose coordinates lie in it, whatever their site is called |
| geocode values, areaDesc  | units whose `site` is called so                                 |

An area is the union of all of them (CAP-v1.2-os, 3.2.4). Coordinates come from the config,
`[node] latitude` and `longitude`, by `provision` or by `fieldbeat config locate`. Whoever has none
cannot be reached by a polygon: each of them is named, as is each area that reaches nobody.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .alert_error import AlertError
from .alert_words import names
from .cap import Area, Info, Message
from .geometry import distance_km, in_polygon
from .language import tr
from .registered_unit import Unit
from .wording import all_of, counted


@dataclass(frozen=True)
class Places:
    """The units that were found, and what a person should know about it."""

    units: tuple[Unit, ...]
    notes: tuple[str, ...]


def resolve(areas: Sequence[Area], speakers: Sequence[Unit]) -> Places:
    """Return the loudspeakers that areas mean.

    Raises:
        AlertError: they mean none.
    """
    found: dict[str, Unit] = {}
    notes = []
    for area in areas:
        drawn = [unit for unit in speakers if _is_drawn(area, unit)]
        called = [unit for unit in speakers if _is_called(area, unit) and unit not in drawn]
        found |= {unit.name: unit for unit in (*drawn, *called)}
        notes.append(_told(area, drawn, called))
    lost = [unit for unit in speakers if unit.place is None and unit.name not in found]
    if lost and any(area.polygons or area.circles for area in areas):
        who = counted(len(lost), "loudspeaker")
        notes.append(
            tr("{who} without coordinates cannot be found by a polygon: {names}").format(
                who=who, names=names(lost)
            )
        )
    if not found:
        named = ", ".join(f"'{area.description}'" for area in areas) or tr("no area")
        step = tr("choose with --area, --group, --unit or --all")
        more = "".join(f"; {note}" for note in notes if "without coordinates" in note)
        if more:
            step += tr("; or say where they are: fieldbeat config locate TABLE")
        raise AlertError(
            tr("it names {named}, and no loudspeaker is there{more}").format(
                named=named, more=more
            ),
            step,
        )
    return Places(tuple(sorted(found.values(), key=lambda unit: unit.name)), tuple(notes))


def not_reached(
    message: Message, info: Info, units: Sequence[Unit], speakers: Sequence[Unit]
) -> list[str]:
    """Return a line for each info of a message that is not sent, and whom it alone would reach."""
    lines = []
    told = {unit.name for unit in units}
    for other in message.infos:
        if other is info:
            continue
        line = tr("NOT SPOKEN: its info in {language}").format(language=other.language)
        lost = [
            unit
            for unit in speakers
            if unit.name not in told and any(_is_in(area, unit) for area in other.areas)
        ]
        if lost:
            line = tr(
                "NOT REACHED: {names}, where its info in {language} is for; send that as well:"
                " --language {language}"
            ).format(names=names(lost), language=other.language)
        lines.append(line)
    return lines


def _is_in(area: Area, unit: Unit) -> bool:
    return _is_drawn(area, unit) or _is_called(area, unit)


def _is_drawn(area: Area, unit: Unit) -> bool:
    place = unit.place
    if place is None:
        return False
    return any(in_polygon(place, ring) for ring in area.polygons) or any(
        distance_km(place, middle) <= radius_km for middle, radius_km in area.circles
    )


def _is_called(area: Area, unit: Unit) -> bool:
    return unit.site.casefold() in {name.casefold() for name in area.names}


def _told(area: Area, drawn: list[Unit], called: list[Unit]) -> str:
    if not drawn and not called:
        return tr("no loudspeaker is in its area '{description}'").format(
            description=area.description
        )
    ways = [(drawn, tr("its coordinates")), (called, tr("its name"))]
    told = [
        tr("{count} by {way} ({names})").format(count=len(units), way=way, names=names(units))
        for units, way in ways
        if units
    ]
    return tr("its area '{description}' reaches {listed}").format(
        description=area.description, listed=all_of(told)
    )
