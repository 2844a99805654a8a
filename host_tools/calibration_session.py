"""One calibration from the reference to the record: asks, measures, reckons, writes."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import calibration_file, node_config, sensor_calibration, sensor_check
from .calibration_table import Calibration
from .check_records import CalibrationRecord
from .errors import CannotTry
from .language import tr
from .profiles import Channel
from .sensor_calibration import Point, Trim
from .sensor_check import END, Clock, Person, Say
from .unit_parts import Link, Unit
from .validation import check


@dataclass(frozen=True)
class Wanted:
    """What somebody asked for; `reference` and `second` are as they were typed."""

    channel: str
    reference: str
    second: str | None
    against: str
    by: str
    config: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Done:
    """What came of it: for the registry, and the table of the node's file."""

    record: CalibrationRecord
    table: dict[str, Any]
    text: str


def run(
    link: Link, unit: Unit, wanted: Wanted, person: Person, say: Say, clock: Clock | None = None
) -> Done:
    """Calibrate one channel; write it into the node's file if there is one.

    Args:
        link: the unit.
        unit: what it has.
        wanted: the channel, its references, and who says so.
        person: is asked to bring the sensor to the second reference.
        say: is told what goes on.
        clock: default: the wall clock.

    Raises:
        CalibrationError: the channel is not steady, or wrong by more than can be.
        CannotTry: there is no such channel, or the file is not this unit's; nothing was changed.
    """
    clock = clock or sensor_check.WALL
    subject = sensor_calibration.subject_of(unit, wanted.channel)
    channel = subject.channel
    assert channel
    texts = [text for text in (wanted.reference, wanted.second) if text is not None]
    references = [sensor_calibration.reference(text, channel) for text in texts]
    before = _before(unit, wanted.config, channel)
    at_s = time.time()
    on = datetime.fromtimestamp(at_s, UTC).astimezone().date()
    noted = {"by": wanted.by, "on": on, "against": wanted.against}
    check(Calibration, noted, f"[calibration.{channel.name}]")  # as the node's file would
    points: list[Point] = []
    for text, value in zip(texts, references, strict=True):
        if points:
            _bring_to(text, person)
        say(
            tr("{name}: reading for {watched_s:.0f} s, wait ...").format(
                name=channel.name, watched_s=sensor_calibration.WATCHED_S
            )
        )
        point = sensor_calibration.measure(link, subject, value, clock)
        say(
            tr("{name}: says {said:g} {unit}, noise {noise:.2g}").format(
                name=channel.name, said=point.said, unit=channel.unit, noise=point.noise
            )
        )
        points.append(point)
    reckon: Any = sensor_calibration.one_point
    last: Any = before
    if len(points) > 1:
        reckon, last = sensor_calibration.two_points, points[1]
    trim: Trim = reckon(channel, points[0], last, wanted.force)
    if told := sensor_calibration.doubt(channel, points):
        say(told)
    table = calibration_file.values(channel, trim, wanted.by, on, wanted.against)
    if wanted.config:
        calibration_file.write(wanted.config, channel.name, table)
    record = CalibrationRecord(
        *(at_s, unit.name, wanted.by, channel.name, wanted.against),
        [[point.said, point.reference] for point in points],
        max(point.noise for point in points),
        before.told(channel),
        trim.told(channel),
    )
    return Done(record, table, calibration_file.text(channel.name, table))


def _bring_to(reference: str, person: Person) -> None:
    """Wait until the sensor is at another reference."""
    answer = person(
        tr("  bring the sensor to {text}; Enter when it is there, q to end: ").format(
            text=reference
        )
    )
    if answer is None or answer.strip().lower() == END:
        raise CannotTry(tr("ended before the second reference"), tr("run it again"))


def _before(unit: Unit, file: Path | None, channel: Channel) -> Trim:
    """Return the calibration so far: of the node's file, else what the unit has."""
    if file is None:
        return Trim(*unit.trim.get(channel.name, ()))
    config = node_config.load(file, within_budget=False)
    name = config.tables.node.name
    if name != unit.name:
        raise CannotTry(
            tr("{file} is of {name}, this unit is {name_2}").format(
                file=file, name=name, name_2=unit.name
            ),
            tr(
                "name its own file; one of a plan has its table in the plan's column "
                "'calibration': leave out --config"
            ),
        )
    if channel.name not in {each.name for each in config.profile.channels}:
        raise CannotTry(
            tr("{file} has no channel {name}").format(file=file, name=channel.name),
            tr("name the file it was made of"),
        )
    return calibration_file.known(config, channel)
