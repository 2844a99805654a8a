"""The place a virtual station stands at: a recorded year, replayed by the world's time."""

from __future__ import annotations

import csv
from array import array
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from fieldbeat.host_tools import recorded_year

from . import weather
from .glasshouse import INSIDE, Glasshouse
from .plant import Plant
from .river import River

HOUR_US = 3_600_000_000
# What a weather box outside sees, also where there is a house.
OUTSIDE = {"weather_temperature": "air_temperature", "weather_humidity": "air_humidity"}


class Scene:
    """Values by name at a time, on straight lines between the hours of a recorded year.

    Args:
        start: the time at which `now_us` is 0, as `World.start`.
        csv_path: hourly columns; row n is hour n of the year in local standard time. Without it
            the recorded year.
        utc_offset_h: local standard time less UTC at the place the station stands.

    The record repeats after its last row. A leap day makes the rest of that year one day early.
    What was not recorded is made up: weather.py.
    """

    def __init__(
        self,
        start: datetime = datetime(2024, 6, 1, tzinfo=UTC),
        csv_path: Path | None = None,
        utc_offset_h: int = 8,
    ) -> None:
        into_year = start - datetime(start.year, 1, 1, tzinfo=UTC)
        self.offset_us = into_year // timedelta(microseconds=1) + utc_offset_h * HOUR_US
        self.columns = read_columns(csv_path or recorded_year.path())
        self.river = River()
        self.plant = Plant()
        self.house: Glasshouse | None = None
        self.held: dict[str, float] = {}  # instead of the record
        self.hours = len(next(iter(self.columns.values())))

    def enclose(self, now_us: int) -> Glasshouse:
        """Put a house around the crop: the record is its weather, the actuators rule its air."""
        house = self.house = Glasshouse(self.recorded, now_us)
        for name, value in self.plant.outputs.items():
            house.put(name, value, now_us)
        self.plant.listeners.append(house.put)
        return house

    def value(self, name: str, now_us: int) -> float:
        """Return the value of a channel; KeyError names the channels there are."""
        if name in self.held:
            return self.held[name]
        if self.house and name in INSIDE:
            return self.house.value(name, now_us)
        return self.recorded(OUTSIDE.get(name, name), now_us)

    def recorded(self, name: str, now_us: int) -> float:
        """Return what the record has, or what is made up for it; KeyError names all there are."""
        if name not in self.columns and name not in weather.MADE_UP:
            known = sorted({*self.columns, *weather.MADE_UP})
            raise KeyError(f"no channel {name!r} in the scene; it has {known}")
        column = self.columns.get(name)
        if column is None:
            hours = (now_us + self.offset_us) / HOUR_US
            return weather.MADE_UP[name](hours, lambda other: self.value(other, now_us))
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
    with path.open(newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        columns: dict[str, array[float]] = {name: array("d") for name in header}
        for row in rows:
            for name, cell in zip(header, row, strict=True):
                columns[name].append(float(cell))
    return columns
