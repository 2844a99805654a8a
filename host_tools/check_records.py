"""What technicians have found at units, and how channels were calibrated: in the registry."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .errors import CannotTry
from .language import tr
from .paths import registry_file
from .registry import Registry
from .sensor_verdict import Finding


@dataclass(frozen=True)
class CheckRecord:
    """One channel at one check; values in `value_unit`, Unix seconds."""

    at_s: float
    unit: str
    who: str
    part: str
    channel: str
    verdict: str
    detail: str
    value_unit: str
    before: float | None
    noise: float | None
    after: float | None


@dataclass(frozen=True)
class CalibrationRecord:
    """One calibration; `points` are (what the part said, the reference), `before` and `after` what
    the node's file said of it and says now.
    """

    at_s: float
    unit: str
    who: str
    channel: str
    against: str
    points: list[list[float]]
    noise: float
    before: str
    after: str


def registry(path: Path | None) -> Registry | None:
    """Return the registry, None where there is none: a check does not need one.

    Raises:
        CannotTry: `path` was given and is not there.
    """
    file = registry_file(path)
    if file.exists():
        return Registry(file)
    if path is not None:
        raise CannotTry(
            tr("there is no registry {path}").format(path=path),
            tr("name another one, or leave it out"),
        )
    return None


def keep(units: Registry, unit: str, who: str, finding: Finding, at_s: float) -> None:
    """Keep what was found of one channel."""
    row = (at_s, unit, who, finding.part, finding.channel, finding.verdict, finding.detail)
    values = (finding.unit, finding.before, finding.noise, finding.after)
    units.database.write(f"INSERT INTO checks VALUES ({', '.join('?' * 11)})", *row, *values)


def checks(units: Registry, unit: str) -> list[CheckRecord]:
    """Return every check of a unit, oldest first."""
    rows = units.database.all("SELECT * FROM checks WHERE unit = ? ORDER BY at_s, rowid", unit)
    return [CheckRecord(*row) for row in rows]


def keep_calibration(units: Registry, record: CalibrationRecord) -> None:
    """Keep how a channel was calibrated."""
    values = vars(record) | {"points": json.dumps(record.points)}
    units.database.write(
        f"INSERT INTO calibrations VALUES ({', '.join('?' * 9)})", *values.values()
    )


def calibrations(units: Registry, unit: str) -> list[CalibrationRecord]:
    """Return every calibration of a unit, oldest first."""
    sql = "SELECT * FROM calibrations WHERE unit = ? ORDER BY at_s, rowid"
    rows = [dict(row) for row in units.database.all(sql, unit)]
    return [CalibrationRecord(**(row | {"points": json.loads(row["points"])})) for row in rows]
