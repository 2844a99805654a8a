"""What rules look at: channels of a profile, and what `[control.derived]` reckons from them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fieldbeat.protocols import derived

from . import profiles
from .control_tables import Derived
from .language import tr
from .profiles import Channel
from .validation import did_you_mean

# Sources that only grow until they begin anew.
COUNTERS = ("rain", "volume", "total", "count")
SUM_SCALE = 100  # counts a unit of a sum
DAY_S = 86_400  # since a rise nobody counts longer
DEFICIT_MAX_PA = 20_000  # at 60 Cel
# What a channel's unit adds up to in a day: so many of it times seconds make one.
SUMS = {
    "lx": {"klx.h": 3_600_000, "lx.h": 3600},
    "umol/m2/s": {"mol/m2": 1_000_000},
    "W/m2": {"kWh/m2": 3_600_000, "MJ/m2": 1_000_000, "Wh/m2": 3600},
    "Cel": {"Cel.h": 3600, "Cel.d": 86_400},
    "Pa": {"kPa.h": 3_600_000},
    "l/min": {"l": 60},
    "W": {"kWh": 3_600_000},
}


def is_counter(channel: Channel) -> bool:
    """Tell whether a channel only grows."""
    return channel.source.split(".")[1] in COUNTERS


class Inputs:
    """The inputs of a node's rules by their index: channels that are used, then derived ones.

    What is wrong is in `problems`.
    """

    def __init__(self, channels: Iterable[Channel], tables: Mapping[str, Derived]) -> None:
        self.problems: list[str] = []
        self._all = {channel.name: channel for channel in channels}
        self._tables = tables
        self.derived: dict[str, Channel] = {}
        for name, table in tables.items():
            if found := self._derived(name, table):
                self.derived[name] = found
        self.used: dict[str, Channel] = {}

    def find(self, place: str, name: str) -> Channel | None:
        """Return a channel or derived value by its name; from now on it is an input."""
        if name in self.derived:
            return self.derived[name]
        if name not in self._all:
            if name not in self._tables:
                near = did_you_mean(name, (*self._all, *self._tables))
                self.problems.append(
                    tr("{place} = '{name}': no such channel, {near}").format(
                        place=place, name=name, near=near
                    )
                )
            return None
        return self.used.setdefault(name, self._all[name])

    @property
    def names(self) -> list[str]:
        """Their names, by index."""
        return [*self.used, *self.derived]

    @property
    def channels(self) -> list[Channel]:
        """What they are, by index."""
        return [*self.used.values(), *self.derived.values()]

    def index(self, name: str) -> int:
        """Return the index of one that was found; ask when all are."""
        return self.names.index(name)

    def entries(self) -> list[list[int]]:
        """Return what derived.py takes."""
        return [self._entry(self._tables[name], self.derived[name]) for name in self.derived]

    def _entry(self, table: Derived, own: Channel) -> list[int]:
        if table.deficit:
            pairs = [[self.index(name), self._all[name].scale] for name in table.deficit]
            return [derived.DEFICIT, *pairs[0], *pairs[1]]
        if table.day_rise:
            return [derived.DAY_RISE, self.index(table.day_rise)]
        if table.since_rise:
            return [derived.SINCE, self.index(table.since_rise)]
        channel = self._all[table.day_sum or ""]
        each = SUMS[channel.unit][own.unit]
        return [derived.DAY_SUM, self.index(channel.name), channel.scale * each // SUM_SCALE]

    # Forms

    def _derived(self, name: str, table: Derived) -> Channel | None:
        place = f"[control.derived] {name}"
        kinds = [key for key in Derived.model_fields if key != "unit" and getattr(table, key)]
        if not re.fullmatch(profiles.NAME, name):
            self.problems.append(
                tr("{place}: must be a name of lower-case letters, digits and '_'").format(
                    place=place
                )
            )
        elif name in self._all:
            self.problems.append(
                tr("{place}: a channel has this name, choose another one").format(place=place)
            )
        elif len(kinds) != 1 or (table.unit and kinds != ["day_sum"]):
            self.problems.append(
                tr(
                    "{place}: must be one of {{ deficit = [temperature, humidity] }}, {{ "
                    "day_sum = channel, unit = ... }}, {{ day_rise = counter }} and {{ "
                    "since_rise = counter }}"
                ).format(place=place)
            )
        else:
            return getattr(self, f"_{kinds[0]}")(place, name, table)
        return None

    def _source(self, place: str, name: str) -> Channel | None:
        if name in self._tables:
            self.problems.append(
                tr("{place} = '{name}': must be a channel, that one is derived").format(
                    place=place, name=name
                )
            )
            return None
        channel = self._all.get(name)
        if channel is None:
            near = did_you_mean(name, self._all)
            self.problems.append(
                tr("{place} = '{name}': no such channel, {near}").format(
                    place=place, name=name, near=near
                )
            )
        return channel

    def _deficit(self, place: str, name: str, table: Derived) -> Channel | None:
        names = table.deficit or []
        if len(names) != 2:
            text = tr(
                "{place} deficit: must be a list of two channels, temperature and humidity"
            ).format(place=place)
            self.problems.append(text)
            return None
        found = [self._source(f"{place} deficit", each) for each in names]
        for channel, unit in zip(found, ("Cel", "%RH"), strict=True):
            if channel and channel.unit != unit:
                self.problems.append(
                    tr("{place} deficit = '{name}': is in {unit}, must be in {unit_2}").format(
                        place=place, name=channel.name, unit=channel.unit, unit_2=unit
                    )
                )
                return None
        return self._made(name, "Pa", 1, DEFICIT_MAX_PA, *found)

    def _day_sum(self, place: str, name: str, table: Derived) -> Channel | None:
        channel = self._source(f"{place} day_sum", table.day_sum or "")
        if channel is None:
            return None
        units = SUMS.get(channel.unit)
        if units is None:
            self.problems.append(
                tr("{place} day_sum = '{name}': {unit} does not add up to anything").format(
                    place=place, name=channel.name, unit=channel.unit
                )
            )
            return None
        unit = table.unit or next(iter(units))
        if unit not in units:
            self.problems.append(f"{place} unit = '{unit}': {did_you_mean(unit, units)}")
            return None
        most = channel.maximum * DAY_S * SUM_SCALE // (channel.scale * units[unit])
        return self._made(name, unit, SUM_SCALE, most, channel)

    def _day_rise(self, place: str, name: str, table: Derived) -> Channel | None:
        channel = self._counter(f"{place} day_rise", table.day_rise or "")
        return channel and self._made(name, channel.unit, channel.scale, channel.maximum, channel)

    def _since_rise(self, place: str, name: str, table: Derived) -> Channel | None:
        channel = self._counter(f"{place} since_rise", table.since_rise or "")
        return channel and self._made(name, "s", 1, DAY_S, channel)

    def _counter(self, place: str, name: str) -> Channel | None:
        channel = self._source(place, name)
        if channel and not is_counter(channel):
            self.problems.append(
                tr("{place} = '{name}': is no counter, {counters}").format(
                    place=place, name=name, counters=self.counters()
                )
            )
            return None
        return channel

    def counters(self) -> str:
        """Return which channels are counters, in words."""
        known = [each.name for each in self._all.values() if is_counter(each)]
        return (
            tr("counters are: {listed}").format(listed=", ".join(known))
            if known
            else tr("the profile has none")
        )

    def _made(
        self, name: str, unit: str, scale: int, most: int, *sources: Channel | None
    ) -> Channel | None:
        if None in sources:
            return None
        form: dict[str, Any] = {"name": name, "from": f"derived.{name}", "unit": unit}
        return Channel(**form, scale=scale, minimum=0, maximum=min(most, 0x7FFFFFFF), dead_band=0)

    def use_sources(self) -> None:
        """Take as inputs what derived values are reckoned from."""
        for name in self.derived:
            table = self._tables[name]
            single = (table.day_sum, table.day_rise, table.since_rise)
            for source in (*(table.deficit or ()), *single):
                if source:
                    self.used.setdefault(source, self._all[source])
