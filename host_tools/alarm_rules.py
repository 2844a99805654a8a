"""Alarm rules: a TOML file of what loudspeakers sound by themselves, and the rules it means.

`docs/examples/river_rules.toml` shows every key. A rule is signed with the unit and the scale of
its channel, so it is checked against the profile of those that get it; the unit checks it again.

    rules = load(Path("river_rules.toml"))
    for line in map(words, rules.rules): ...
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fieldbeat.protocols import alarm_rules, command, command_writer
from pydantic import Field

from . import clips, profiles, quantities, sounds, times, toml_words
from .alert_error import AlertError
from .issuers import CLASSES
from .language import tr
from .profiles import Channel, Profile
from .quantities import quantity
from .validation import InvalidData, Strict, check, did_you_mean

TONE_S = 3.0
PAUSE, WINDOW = "30 min", "30 min"


class RuleTable(Strict):
    """One [[rule]]; quantities have the channel's unit."""

    number: int | None = Field(default=None, ge=1, le=255)
    channel: str
    above: str | None = None
    below: str | None = None
    hold: str | None = None
    back: str | None = None
    pause: str = PAUSE
    window: str = Field(default=WINDOW, alias="for")
    class_: Literal["emergency", "drill", "daily"] = Field(default="emergency", alias="class")
    level: int = Field(ge=1, le=4)
    tone: Literal["steady", "two-tone", "sweep", "none"] | None = None  # two-tone, if not daily
    clip: list[str] = []
    text: list[str] = []
    repeat: int = Field(default=1, ge=1, le=100)
    volume: int | None = Field(default=None, ge=0, le=100)
    event: str = ""
    silent: bool = False


class RuleFile(Strict):
    """The file as it is written."""

    profile: str
    clips: str | None = None
    rule: list[RuleTable] = Field(
        min_length=1,
        max_length=alarm_rules.RULES_MAX,
        description=tr("1 to {most} tables [[rule]]").format(most=alarm_rules.RULES_MAX),
    )


@dataclass(frozen=True)
class RuleSet:
    """Checked rules, each a `Rule` of protocols/alarm_rules.py, for units of one profile."""

    profile: str
    rules: tuple[Any, ...]

    def args(self) -> list[dict[int, Any]]:
        """Return them as the command has them."""
        return [command_writer.rule_map(rule) for rule in self.rules]


def load(path: Path) -> RuleSet:
    """Read and check a file of rules.

    Raises:
        InvalidData: it has mistakes, or cannot be read; `problems` has them all.
        ClipError: the folder of clips that it names has none that can be played.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidData(
            str(path), [tr("it cannot be read: {error}").format(error=error)]
        ) from None
    return parse(text, str(path), path.parent)


def parse(text: str, source: str, folder: Path) -> RuleSet:
    """Check the text of a file of rules; `source` names it in messages, `folder` has it."""
    try:
        data = tomllib.loads(text)
    except toml_words.UNREADABLE as error:
        raise InvalidData(
            source, [tr("this is no TOML: {error}").format(error=toml_words.reason(error))]
        ) from None
    file = check(RuleFile, data, source)
    if file.profile not in profiles.names():
        near = did_you_mean(file.profile, profiles.names())
        raise InvalidData(
            source,
            [
                tr("profile = '{profile}': unknown profile, {near}").format(
                    profile=file.profile, near=near
                )
            ],
        )
    profile = profiles.load(file.profile)
    known = clips.names(clips.read(folder / file.clips)) if file.clips else None
    problems: list[str] = []
    rules = [
        _Reader(table, n, profile, known, problems).rule() for n, table in enumerate(file.rule, 1)
    ]
    numbers = [table.number or n for n, table in enumerate(file.rule, 1)]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    problems += [
        tr("[[rule]] number = {number}: used twice").format(number=number) for number in twice
    ]
    if problems:
        raise InvalidData(source, problems)
    made = tuple(rule for rule in rules if rule is not None)
    alarm_rules.parse([command_writer.rule_map(rule) for rule in made])  # as the unit will
    return RuleSet(file.profile, made)


class _Reader:
    """Reads one table; what is wrong is added to `problems`."""

    def __init__(
        self,
        table: RuleTable,
        n: int,
        profile: Profile,
        clip_names: list[str] | None,
        problems: list[str],
    ) -> None:
        self.table, self.number, self.profile = table, table.number or n, profile
        self._clip_names, self._problems = clip_names, problems

    def rule(self) -> Any:
        """Return the rule, or None if something is wrong with it."""
        before = len(self._problems)
        table = self.table
        channel = self._channel()
        if (table.above is None) == (table.below is None):
            self._wrong(tr("must have either above or below"))
        if channel is None or len(self._problems) > before:
            return None
        key, quantity = ("below", table.below) if table.below else ("above", table.above)
        threshold = self._counts(key, quantity or "", channel)
        back = self._counts("back", table.back, channel) if table.back else 0
        if not channel.minimum <= threshold <= channel.maximum:
            low, high = (_told(n, channel) for n in (channel.minimum, channel.maximum))
            self._wrong(
                tr("{key} = '{quantity}': {name} is only from {low} to {high}").format(
                    key=key, quantity=quantity, name=channel.name, low=low, high=high
                )
            )
        elif threshold == (channel.minimum if table.below else channel.maximum):
            self._wrong(quantities.never_passed(f"{key} = '{quantity}'", channel))
        if back < 0:
            self._wrong(tr("back = '{back}': must not be below 0").format(back=table.back))
        elif len(self._problems) == before:
            ends = threshold, bool(table.below), back, channel
            if wrong := quantities.never_over(f"back = '{table.back}'", *ends):
                self._wrong(wrong)
        spans = self._spans()
        content = self._content()
        if len(self._problems) > before:
            return None
        alert = command.Alert(
            *(CLASSES.index(table.class_), table.level, content),
            *(table.repeat, table.volume, table.event, table.silent),
        )
        where = self.number, channel.name, channel.unit, channel.scale
        return alarm_rules.Rule(*where, threshold, bool(table.below), back, *spans, alert)

    def _channel(self) -> Channel | None:
        known = {channel.name: channel for channel in self.profile.channels}
        found = known.get(self.table.channel)
        if found is None:
            near = did_you_mean(self.table.channel, known)
            listed = ", ".join(known)
            self._wrong(
                tr(
                    "channel = '{channel}': {id} does not measure it, {near} (there is: {listed})"
                ).format(channel=self.table.channel, id=self.profile.id, near=near, listed=listed)
            )
        return found

    def _counts(self, key: str, text: str, channel: Channel) -> int:
        """Return a quantity in counts of the channel."""
        try:
            return quantities.counts(text, channel)
        except ValueError as error:
            self._wrong(f"{key} = '{text}': {error}")
            return 0

    def _spans(self) -> tuple[int, int, int]:
        table, limits = self.table, alarm_rules
        return (
            self._seconds("hold", table.hold or "0", 0, limits.HOLD_MAX_S),
            self._seconds("pause", table.pause, limits.PAUSE_MIN_S, limits.PAUSE_MAX_S),
            self._seconds("for", table.window, limits.WINDOW_MIN_S, limits.WINDOW_MAX_S),
        )

    def _seconds(self, key: str, text: str, low: int, high: int) -> int:
        try:
            seconds = 0 if text in ("0", "0 s") else round(times.duration(text))
        except ValueError:
            self._wrong(
                tr("{key} = '{text}': must be a time like '90 s', '30 min' or '2 h'").format(
                    key=key, text=text
                )
            )
            return low
        if not low <= seconds <= high:
            allowed = tr("{span} to {span_2}").format(
                span=times.span(low), span_2=times.span(high)
            )
            self._wrong(
                tr("{key} = '{text}': must be {allowed}").format(
                    key=key, text=text, allowed=allowed
                )
            )
        return seconds

    def _content(self) -> list[list[Any]]:
        table = self.table
        steps: list[list[Any]] = []
        tone = table.tone or ("none" if table.class_ == "daily" else "two-tone")
        if tone != "none":
            steps.append(sounds.tone(tone, TONE_S))
        for name in table.clip:
            if self._clip_names is not None and name not in self._clip_names:
                near = did_you_mean(name, self._clip_names)
                self._wrong(tr("clip '{name}': no such clip, {near}").format(name=name, near=near))
            steps += self._try(lambda name: [sounds.clip(name)], name)
        for text in table.text:
            steps += self._try(sounds.speech, text)
        if not steps:
            self._wrong(tr("nothing is to be sounded: give a tone, a clip or a text"))
        if len(steps) > sounds.MAX_STEPS:
            self._wrong(
                tr("it has {count} steps, {max_steps} are allowed").format(
                    count=len(steps), max_steps=sounds.MAX_STEPS
                )
            )
        if table.silent and table.class_ != "drill":
            self._wrong(tr("silent = true: only a drill can be silent"))
        if len(table.event.encode()) > 16:
            self._wrong(
                tr("event = '{event}': must be a text of up to 16 bytes").format(event=table.event)
            )
        return steps

    def _try(self, make: Callable[[str], list[list[Any]]], text: str) -> list[list[Any]]:
        try:
            return make(text)
        except AlertError as error:
            self._wrong(error.message)
            return []

    def _wrong(self, what: str) -> None:
        self._problems.append(tr("rule {number}: {what}").format(number=self.number, what=what))


def _told(counts: int, channel: Channel) -> str:
    return quantity(counts, channel.scale, channel.unit)
