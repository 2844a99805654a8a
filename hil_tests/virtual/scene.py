"""The place a virtual station stands at: a recorded year, replayed by the world's time."""

from __future__ import annotations

import csv
from array import array
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from .errors import BenchError
from .river import River

RECORDED_YEAR = Path(__file__).parent.parent / "data" / "greenhouse.csv"
HOUR_US = 3_600_000_000


class Scene:
    """Values by name at a time, on straight lines between the hours of a recorded year.

    Args:
        start: the time at which `now_us` is 0, as `World.start`.
        csv_path: hourly columns; row n is hour n of the year in local standard time.
        utc_offset_h: local standard time less UTC at the place the station stands.

    The record repeats after its last row. A leap day makes the rest of that year one day early.
    """

    def __init__(
        self,
        start: datetime = datetime(2024, 6, 1, tzinfo=UTC),
        csv_path: Path = RECORDED_YEAR,
        utc_offset_h: int = 8,
    ) -> None:
        into_year = start - datetime(start.year, 1, 1, tzinfo=UTC)
        self.offset_us = into_year // timedelta(microseconds=1) + utc_offset_h * HOUR_US
        self.columns = read_columns(csv_path)
        self.river = River()
        self.held: dict[str, float] = {}  # instead of the record
        self.hours = len(next(iter(self.columns.values())))

    def value(self, name: str, now_us: int) -> float:
        """Return the value of a channel; KeyError names the channels there are."""
        column = self.columns.get(name)
        if column is None:
            raise KeyError(f"no channel {name!r} in the scene; it has {sorted(self.columns)}")
        if name in self.held:
            return self.held[name]
        hour, rest_us = divmod(now_us + self.offset_us, HOUR_US)
        low, high = column[hour % self.hours], column[(hour + 1) % self.hours]
        return low + (high - low) * rest_us / HOUR_US

    def hold(self, name: str, value: float) -> None:
        """Keep a channel at a value from now on; KeyError names the channels there are."""
        self.value(name, 0)
        self.held[name] = value


@cache
def read_columns(path: Path) -> dict[str, array[float]]:
    """Return the columns of a CSV file with a header line, read once a process."""
    if path == RECORDED_YEAR and not path.exists():  # a wheel has the recipe, not the record
        maker = "python -m fieldbeat.hil_tests.data.make_greenhouse"
        raise BenchError(f"the recorded year {path} is not there: '{maker}' fetches it")
    with path.open(newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        columns: dict[str, array[float]] = {name: array("d") for name in header}
        for row in rows:
            for name, cell in zip(header, row, strict=True):
                columns[name].append(float(cell))
    return columns
