"""A station's rules against a greenhouse that answers: how long its crop had what it needs.

    year = run(plan)                       # host_tools/control_plan.py of a node's file
    year.share, year.why                   # of the time, in per cent, and what was wrong else

The rules run as `fieldbeat rules simulate` runs them, with the very code of a unit; the house is
virtual/glasshouse.py in the recorded year. Nothing fails here: what fails is for whole boards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fieldbeat.host_tools import control_simulation
from fieldbeat.host_tools.control_data import Data
from fieldbeat.host_tools.control_plan import Plan
from fieldbeat.host_tools.control_simulation import Simulation
from fieldbeat.host_tools.profiles import Channel
from fieldbeat.protocols import sun

from .virtual.scene import Scene

DAY_S = 86_400
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
# In these a tomato grows and comes to no harm; what is best for it is narrower, and a matter of
# its age. Celsius by day and by night, per cent of humidity.
DAY_C, NIGHT_C, HUMIDITY = (16.0, 30.0), (13.0, 25.0), (45.0, 93.0)
# What the profile calls it, where the scene has another name.
OUTDOOR = {"outdoor_temperature": "weather_temperature"}


@dataclass
class Year:
    """What became of the crop.

    Attributes:
        good_s, all_s: in the band, and altogether.
        rained_in_mm: of rain that fell in through an open roof.
        why: seconds of each thing that was wrong; two may be at once.
    """

    simulation: Simulation | None = None
    good_s: int = 0
    all_s: int = 0
    rained_in_mm: float = 0.0
    why: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        """Per cent of the time in the band."""
        return 100 * self.good_s / self.all_s


class House(Data):
    """The channels of a station in a house, as data that answer to its actuators."""

    def __init__(self, plan: Plan, year: Year, utc_offset_s: int, days: range) -> None:
        super().__init__("the house", dict.fromkeys(plan.inputs.used))
        self._begin_s = int(BEGIN.timestamp()) - utc_offset_s
        self._days = days
        self._scene = Scene(BEGIN, utc_offset_h=0)  # its time is local
        self._plan, self._year = plan, year
        self.house = self._scene.enclose(days.start * DAY_S * 1_000_000)

    @property
    def begin_s(self) -> float:
        return self._begin_s + self._days.start * DAY_S

    @property
    def end_s(self) -> float:
        return self._begin_s + self._days.stop * DAY_S - 1

    def moved(self, name: str, value: int, at_s: int) -> None:
        """An actuator has another value."""
        self._scene.plant.put(name, value / 100, self._us(at_s))

    def counts(self, channel: Channel, begin_s: int, step_s: int) -> Iterator[int | None]:
        name = OUTDOOR.get(channel.name, channel.name)
        low, high = channel.minimum, channel.maximum
        judged = channel.name == "air_temperature"
        while True:
            at_s, begin_s = begin_s, begin_s + step_s
            value = self._scene.value(name, self._us(at_s))
            if judged:
                self._judge(value, at_s, step_s)
            yield min(max(round(value * channel.scale), low), high)

    def _us(self, at_s: int) -> int:
        return (at_s - self._begin_s) * 1_000_000

    def _judge(self, celsius: float, at_s: int, step_s: int) -> None:
        day, second = divmod(at_s - self._begin_s, DAY_S)
        latitude, longitude = self._plan.place or (0.0, 0.0)
        if second < step_s:
            self._sun = sun.times(day, latitude, longitude, self._plan.utc_offset_s)
        is_day = self._sun[0] <= second < self._sun[1]
        low, high = DAY_C if is_day else NIGHT_C
        humidity = self._scene.value("air_humidity", self._us(at_s))
        found = {
            "cold": celsius < low,
            "hot": celsius > high,
            "dry": humidity < HUMIDITY[0],
            "wet": humidity > HUMIDITY[1],
        }
        year = self._year
        year.all_s += step_s
        year.good_s += 0 if any(found.values()) else step_s
        for name, is_so in found.items():
            year.why[name] += step_s if is_so else 0


def run(plan: Plan, days: range = range(365)) -> Year:
    """Let these days of the recorded year pass."""
    year = Year()
    house = House(plan, year, plan.utc_offset_s, days)
    year.simulation = control_simulation.run(plan, house, moved=house.moved)
    year.rained_in_mm = house.house.rained_in_mm
    return year
