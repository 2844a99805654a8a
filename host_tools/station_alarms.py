"""Alarms and pace of a station: `[[alarm]]`, `[pace]` and `[rain]` of a node's file or a profile.

    [[alarm]]
    number = 1                 # one of the profile with this number is replaced
    channel = "level"
    above = "2.50 m"           # or: below = ..., or: rises = "300 mm/h"
    back = "0.10 m"
    hold = "10 s"

Quantities have the channel's unit; what rises, that of an hour.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from . import boards, quantities, times
from .alarm_tables import Alarm, Condition, Pace, Rain
from .validation import did_you_mean

if TYPE_CHECKING:
    from .node_config import NodeConfig
    from .profiles import Channel, Profile

HOLD_MAX_S = 86_400
RAIN_SUMS = ("last_5min", "last_hour", "day")  # what firmware/rain_sums.py gives
SHORT_S = 300  # the shortest of them: with a longer interval it would be empty
BIDDING = "one of above, below and rises, a quantity like '2.50 m'"


class _Mark(NamedTuple):
    """A condition in counts; of what rises, in counts an hour."""

    channel: Channel
    threshold: int
    below: bool
    rises: bool

    @property
    def unit(self) -> str:
        return f"{self.channel.unit}/h" if self.rises else self.channel.unit


class _Reader:
    """Reads the tables of one node; what is wrong is in `problems`."""

    def __init__(self, profile: Profile, alarms: list[Alarm], pace: Pace | None) -> None:
        self.problems: list[str] = []
        self._channels = {channel.name: channel for channel in profile.channels}
        self._profile = profile
        self.alarms = [row for row in map(self._alarm, alarms) if row is not None]
        self.pace = self._pace(pace) if pace else None

    def _alarm(self, alarm: Alarm) -> list[Any] | None:
        place = f"[[alarm]] {alarm.number}"
        mark = self._mark(place, alarm)
        hold_s = self._seconds(place, alarm.hold, HOLD_MAX_S)
        if mark is None:
            return None
        back = self._counts(place, "back", alarm.back, mark) if alarm.back else 0
        if back < 0:
            self.problems.append(f"{place} back = '{alarm.back}': must not be below 0")
        where = alarm.number, mark.channel.name, mark.unit, mark.channel.scale
        return [*where, mark.threshold, mark.below, back, hold_s, mark.rises]

    def _pace(self, pace: Pace) -> dict[str, Any]:
        marks = [self._mark(f"[[pace.when]] {n}", each) for n, each in enumerate(pace.when, 1)]
        hold_s = self._seconds("[pace]", pace.hold, HOLD_MAX_S)
        if pace.look_s > pace.interval_s:
            self.problems.append(
                f"[pace] look_s = {pace.look_s}: must be at most interval_s, {pace.interval_s} s"
            )
        return {
            "interval_s": pace.interval_s,
            "look_s": pace.look_s,
            "hold_s": max(1, hold_s),
            "marks": [[m.channel.name, m.threshold, m.below, m.rises] for m in marks if m],
        }

    def _mark(self, place: str, given: Condition) -> _Mark | None:
        """Return a condition in counts, or None where it has a mistake."""
        before = len(self.problems)
        channel = self._channels.get(given.channel)
        if channel is None:
            near = did_you_mean(given.channel, self._channels)
            text = f"{place} channel = '{given.channel}': {self._profile.id} has none, {near}"
            self.problems.append(text)
        sides = [key for key in ("above", "below", "rises") if getattr(given, key) is not None]
        if len(sides) != 1:
            self.problems.append(f"{place}: must have {BIDDING}")
        if channel is None or len(sides) != 1:
            return None
        side, text = sides[0], getattr(given, sides[0])
        mark = _Mark(channel, 0, side == "below", side == "rises")
        mark = mark._replace(threshold=self._counts(place, side, text, mark))
        if mark.rises and mark.threshold <= 0:
            self.problems.append(f"{place} rises = '{text}': must be above 0")
        elif not mark.rises and not channel.minimum <= mark.threshold <= channel.maximum:
            low, high = (quantities.told(n, channel) for n in (channel.minimum, channel.maximum))
            self.problems.append(
                f"{place} {side} = '{text}': {channel.name} is only from {low} to {high}"
            )
        return mark if len(self.problems) == before else None

    def _counts(self, place: str, key: str, text: str, mark: _Mark) -> int:
        try:
            return quantities.counts(text, mark.channel, "/h" if mark.rises else "")
        except ValueError as error:
            self.problems.append(f"{place} {key} = '{text}': {error}")
            return 1

    def _seconds(self, place: str, text: str, high: int) -> int:
        try:
            seconds = 0 if text in ("0", "0 s") else round(times.duration(text))
        except ValueError:
            seconds = high + 1
        if seconds > high:
            allowed = f"a time like '30 s' or '30 min', at most {times.span(high)}"
            self.problems.append(f"{place} hold = '{text}': must be {allowed}")
        return seconds


def _read(config: NodeConfig) -> _Reader:
    """Alarms of the profile and those of the file, which replace them by their numbers."""
    tables, profile = config.tables, config.profile
    own = {alarm.number: alarm for alarm in (*profile.alarm, *tables.alarm)}
    alarms = [own[number] for number in sorted(own) if own[number].enabled]
    return _Reader(profile, alarms, tables.pace or profile.pace)


def _has_sums(config: NodeConfig) -> bool:
    return any(channel.source.split(".")[1] in RAIN_SUMS for channel in config.profile.channels)


def to_device_map(config: NodeConfig) -> dict[str, Any] | None:
    """Return the table `watch` of `/config.cbor`; None where there is nothing to watch."""
    found = _read(config)
    rain = config.tables.rain or config.profile.rain or Rain()
    if not (found.alarms or found.pace or _has_sums(config)):
        return None
    return {
        "alarms": found.alarms,
        "pace": found.pace,
        "day_start_s": rain.day_start * 3600,
    }


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what is wrong with the alarms and the pace."""
    tables, found = config.tables, _read(config)
    if config.profile.role == "speaker":
        for name in ("alarm", "pace", "rain"):
            if getattr(tables, name):
                yield f"[{name}]: a speaker has signed rules (fieldbeat rule set), remove it"
        return
    yield from found.problems
    numbers = [alarm.number for alarm in tables.alarm]
    for number in sorted({n for n in numbers if numbers.count(n) > 1}):
        yield f"[[alarm]] number = {number}: used twice"
    interval_s = config.sampling_interval_s
    if found.pace and found.pace["interval_s"] > interval_s and not tables.pace:
        yield (
            f"[sampling] interval_s = {interval_s}: must be at least that of [pace] in profile "
            f"'{config.profile.id}', {found.pace['interval_s']} s, or add a [pace] of its own"
        )
    elif found.pace and found.pace["interval_s"] > interval_s:
        yield (
            f"[pace] interval_s = {found.pace['interval_s']}: must be at most that of [sampling], "
            f"{interval_s} s"
        )
    if _has_sums(config) and interval_s > SHORT_S:
        yield (
            f"[sampling] interval_s = {interval_s}: the rain of the last five minutes needs at "
            f"most {SHORT_S} s"
        )
    yield from _contradictions(found.alarms, found.pace)
    yield from _without_a_part(config, found)
    yield from _out_of_reach(config, found)


def _contradictions(alarms: list[list[Any]], pace: dict[str, Any] | None) -> Iterator[str]:
    """Alarms of one channel that cannot both be meant."""
    for n, first in enumerate(alarms):
        for second in alarms[n + 1 :]:
            same = first[1] == second[1] and first[8] == second[8]
            if same and first[4:6] == second[4:6] and first[7] == second[7]:
                yield f"[[alarm]] {second[0]}: the same as alarm {first[0]}"
            below, above = (first, second) if first[5] else (second, first)
            if same and first[5] != second[5] and above[4] < below[4]:
                yield (
                    f"[[alarm]] {above[0]} and {below[0]}: {first[1]} is always above the one or "
                    "below the other"
                )
    if pace is None:
        return
    for number, channel, _, _, threshold, below, _, _, rises in alarms:
        own = [m for m in pace["marks"] if (m[0], m[2], m[3]) == (channel, below, rises)]
        if own and all((m[1] < threshold) if below else (m[1] > threshold) for m in own):
            yield (
                f"[[alarm]] {number}: {channel} passes it before any mark of [[pace.when]], which "
                "is to warn of it"
            )


def _without_a_part(config: NodeConfig, found: _Reader) -> Iterator[str]:
    """What is watched has to be measured: a part that is switched off raises no alarm."""
    fitted, board = config.tables.fitted, config.board
    channels = {channel.name: channel for channel in config.profile.channels}
    given = {alarm.number for alarm in config.tables.alarm}
    for number, name, *_ in found.alarms:
        part = board.fitted.get(channels[name].part)
        if part is None or number not in given:
            continue
        override = fitted.get(channels[name].part)
        if channels[name].part not in config.enabled:
            yield f"[[alarm]] {number}: {name} needs [fitted.{channels[name].part}], which is off"
        elif boards.measures_level(part) and not (override and override.datum_mm is not None):
            yield f"[[alarm]] {number}: {name} needs [fitted.{channels[name].part}] datum_mm"


def _out_of_reach(config: NodeConfig, found: _Reader) -> Iterator[str]:
    """A level that its sensor never tells is never crossed: no alarm, and nobody knows."""
    channels = {channel.name: channel for channel in config.profile.channels}
    given = {alarm.number for alarm in config.tables.alarm}
    marks = [(f"[[alarm]] {a[0]}", a[1], a[4], a[5], a[8]) for a in found.alarms if a[0] in given]
    if config.tables.pace and found.pace:
        marks += [(f"[[pace.when]] {n}", *m) for n, m in enumerate(found.pace["marks"], 1)]
    for place, name, threshold, below, rises in marks:
        channel = channels[name]
        part, override = config.enabled.get(channel.part), config.tables.fitted.get(channel.part)
        if rises or not (part and boards.measures_level(part) and override):
            continue
        if override.datum_mm is None or not channel.source.endswith(".level"):
            continue
        ends = boards.level_range_mm(part, override.datum_mm)
        low, high = (mm * channel.scale // 1000 for mm in ends or (0, 0))
        if ends and not (low < threshold <= high if below else low <= threshold < high):
            told, lowest, highest = (quantities.told(n, channel) for n in (threshold, low, high))
            yield (
                f"{place} {'below' if below else 'above'} = '{told}': [fitted.{channel.part}] "
                f"({part.part}, datum_mm = {override.datum_mm}) can only measure from {lowest} to "
                f"{highest}"
            )
