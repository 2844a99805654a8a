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

from . import level_reach, quantities, times
from .alarm_tables import LONG_HOLD_S, Alarm, Condition, Pace, Rain
from .language import tr
from .validation import did_you_mean

if TYPE_CHECKING:
    from .node_config import NodeConfig
    from .profiles import Channel, Profile

HOLD_MAX_S = 86_400
RAIN_SUMS = ("last_5min", "last_hour", "day")  # what firmware/rain_sums.py gives
SHORT_S = 300  # the shortest of them: with a longer interval it would be empty
BIDDING = tr("one of above, below and rises, a quantity like '2.50 m'")


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
            self.problems.append(
                tr("{place} back = '{back}': must not be below 0").format(
                    place=place, back=alarm.back
                )
            )
        elif not mark.rises:
            ends = mark.threshold, mark.below, back, mark.channel
            wrong = quantities.never_over(f"{place} back = '{alarm.back}'", *ends)
            self.problems += [wrong] if wrong else []
        where = alarm.number, mark.channel.name, mark.unit, mark.channel.scale
        return [*where, mark.threshold, mark.below, back, hold_s, mark.rises]

    def _pace(self, pace: Pace) -> dict[str, Any]:
        marks = [self._mark(f"[[pace.when]] {n}", each) for n, each in enumerate(pace.when, 1)]
        hold_s = self._seconds("[pace]", pace.hold, HOLD_MAX_S)
        if pace.look_s > pace.interval_s:
            self.problems.append(
                tr("[pace] look_s = {look_s}: must be at most interval_s, {interval_s} s").format(
                    look_s=pace.look_s, interval_s=pace.interval_s
                )
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
            text = tr("{place} channel = '{channel}': {id} has none, {near}").format(
                place=place, channel=given.channel, id=self._profile.id, near=near
            )
            self.problems.append(text)
        sides = [key for key in ("above", "below", "rises") if getattr(given, key) is not None]
        if len(sides) != 1:
            self.problems.append(
                tr("{place}: must have {bidding}").format(place=place, bidding=BIDDING)
            )
        if channel is None or len(sides) != 1:
            return None
        side, text = sides[0], getattr(given, sides[0])
        mark = _Mark(channel, 0, side == "below", side == "rises")
        mark = mark._replace(threshold=self._counts(place, side, text, mark))
        if mark.rises and mark.threshold <= 0:
            self.problems.append(
                tr("{place} rises = '{text}': must be above 0").format(place=place, text=text)
            )
        elif not mark.rises and not channel.minimum <= mark.threshold <= channel.maximum:
            low, high = (quantities.told(n, channel) for n in (channel.minimum, channel.maximum))
            self.problems.append(
                tr("{place} {side} = '{text}': {name} is only from {low} to {high}").format(
                    place=place, side=side, text=text, name=channel.name, low=low, high=high
                )
            )
        elif not mark.rises and mark.threshold == (
            channel.minimum if mark.below else channel.maximum
        ):
            told = f"{place} {side} = '{text}'"
            self.problems.append(quantities.never_passed(told, channel))
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
            allowed = tr("a time like '30 s' or '30 min', at most {span}").format(
                span=times.span(high)
            )
            self.problems.append(
                tr("{place} hold = '{text}': must be {allowed}").format(
                    place=place, text=text, allowed=allowed
                )
            )
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
                yield tr(
                    "[{name}]: a speaker has signed rules (fieldbeat rule set), remove it"
                ).format(name=name)
        return
    yield from found.problems
    numbers = [alarm.number for alarm in tables.alarm]
    for number in sorted({n for n in numbers if numbers.count(n) > 1}):
        yield tr("[[alarm]] number = {number}: used twice").format(number=number)
    interval_s = config.sampling_interval_s
    if found.pace and found.pace["interval_s"] > interval_s and not tables.pace:
        yield (
            tr(
                "[sampling] interval_s = {interval_s}: must be at least that of [pace] "
                "in profile '{id}', {pace} s, or add a [pace] of its own"
            ).format(interval_s=interval_s, id=config.profile.id, pace=found.pace["interval_s"])
        )
    elif found.pace and found.pace["interval_s"] > interval_s:
        yield (
            tr(
                "[pace] interval_s = {pace}: must be at most that of [sampling], {interval_s} s"
            ).format(pace=found.pace["interval_s"], interval_s=interval_s)
        )
    if _has_sums(config) and interval_s > SHORT_S:
        yield (
            tr(
                "[sampling] interval_s = {interval_s}: the rain of the last five minutes "
                "needs at most {short_s} s"
            ).format(interval_s=interval_s, short_s=SHORT_S)
        )
    yield from _contradictions(found.alarms, found.pace)
    yield from _without_a_part(config, found)
    pace = found.pace["marks"] if tables.pace and found.pace else []
    yield from level_reach.problems(config, level_reach.marks_of(config, found.alarms, pace))


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield alarms of the file that noise at their marks begins and ends, or that come late."""
    given = {alarm.number for alarm in config.tables.alarm}
    channels = {channel.name: channel for channel in config.profile.channels}
    for number, name, _, _, _, _, back, hold_s, _ in _read(config).alarms:
        contact = channels[name].maximum - channels[name].minimum <= 1
        if number in given and not back and not contact:
            yield (
                tr(
                    "[[alarm]] {number} has no 'back': what plays around its mark begins and ends "
                    "it again and again; give the distance at which it is over"
                ).format(number=number)
            )
        if number in given and hold_s > LONG_HOLD_S:
            yield tr(
                "[[alarm]] {number} hold = {span}: it is told only when every reading of so long "
                "was beyond its mark, and what it warns of may have passed by then"
            ).format(number=number, span=times.span(hold_s))


def _contradictions(alarms: list[list[Any]], pace: dict[str, Any] | None) -> Iterator[str]:
    """Alarms of one channel that cannot both be meant."""
    for n, first in enumerate(alarms):
        for second in alarms[n + 1 :]:
            same = first[1] == second[1] and first[8] == second[8]
            if same and first[4:6] == second[4:6] and first[7] == second[7]:
                yield tr("[[alarm]] {second}: the same as alarm {first}").format(
                    second=second[0], first=first[0]
                )
            below, above = (first, second) if first[5] else (second, first)
            if same and first[5] != second[5] and above[4] < below[4]:
                yield (
                    tr(
                        "[[alarm]] {above} and {below}: {first} is always above the one or below "
                        "the other"
                    ).format(above=above[0], below=below[0], first=first[1])
                )
    if pace is None:
        return
    for number, channel, _, _, threshold, below, _, _, rises in alarms:
        own = [m for m in pace["marks"] if (m[0], m[2], m[3]) == (channel, below, rises)]
        if own and all((m[1] < threshold) if below else (m[1] > threshold) for m in own):
            near, side = ("higher", "below") if below else ("lower", "above")
            yield (
                tr(
                    "[[alarm]] {number}: {channel} passes it before any mark of "
                    "[[pace.when]], which is to warn of it: give one of these a {near} "
                    "'{side}', or the alarm another mark"
                ).format(number=number, channel=channel, near=near, side=side)
            )


def _without_a_part(config: NodeConfig, found: _Reader) -> Iterator[str]:
    """What is watched has to be measured: a part that is switched off raises no alarm."""
    board = config.board
    channels = {channel.name: channel for channel in config.profile.channels}
    given = {alarm.number for alarm in config.tables.alarm}
    for number, name, *_ in found.alarms:
        part = board.fitted.get(channels[name].part)
        if part is None or number not in given:
            continue
        if channels[name].part not in config.enabled:
            yield tr("[[alarm]] {number}: {name} needs [fitted.{part}], which is off").format(
                number=number, name=name, part=channels[name].part
            )
