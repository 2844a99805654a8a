"""What a sensor's readings before and during a stimulus say of it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import quantities
from .language import tr
from .stimuli import FALLS, NEXT_STEPS, RISES, SEE_WIRING, Stimulus
from .unit_parts import Subject, Unread
from .unit_words import in_words

ANSWERS, PLAUSIBLE, NOT_TRIED = "answers", "plausible", "not tried"
STUCK, SWAPPED, WRONG_WAY = "stuck", "swapped", "wrong way"
ABSENT, IMPLAUSIBLE = "absent", "implausible"
PASSED = (ANSWERS, PLAUSIBLE)

IN_A_ROW = 2  # readings that must agree; one alone may be a disturbance
SURE = 5  # readings in a row, after which the wrong way is what it is
ABOVE_SPREAD = 2  # times the quiet spread: less is no answer
MAD_TO_SIGMA = 1.4826  # of a normal distribution: median absolute deviation to standard deviation


@dataclass(frozen=True)
class Quiet:
    """Readings without a stimulus, in the channel's unit."""

    readings: tuple[float, ...]

    @property
    def value(self) -> float:
        return statistics.median(self.readings)

    @property
    def spread(self) -> float:
        return max(self.readings) - min(self.readings)

    @property
    def noise(self) -> float:
        """Standard deviation, by the median: one disturbance does not count."""
        away = [abs(reading - self.value) for reading in self.readings]
        return MAD_TO_SIGMA * statistics.median(away)


@dataclass(frozen=True)
class Finding:
    """What was found of one channel; values are in `unit`, None where there are none."""

    part: str
    channel: str
    verdict: str
    detail: str = ""
    next_step: str = ""
    unit: str = ""
    before: float | None = None
    noise: float | None = None
    after: float | None = None

    @property
    def passed(self) -> bool:
        return self.verdict in PASSED


@dataclass(frozen=True)
class Seen:
    """What one channel did: before, and from the stimulus on."""

    subject: Subject
    stimulus: Stimulus
    quiet: Quiet
    after: Sequence[float]

    @property
    def needed(self) -> float:
        least = self.stimulus.needed(self.quiet.value)
        return max(least, ABOVE_SPREAD * self.quiet.spread)

    @property
    def in_a_row(self) -> int:
        return 1 if self.stimulus.brief else IN_A_ROW

    def went(self, way: int, in_a_row: int) -> bool:
        """Whether so many readings in a row are far enough in a way, 0: in any."""
        return any(self._run(each) >= in_a_row for each in ((way,) if way else (RISES, FALLS)))

    def _run(self, way: int) -> int:
        longest = run = 0
        for reading in self.after:
            run = run + 1 if way * (reading - self.quiet.value) >= self.needed else 0
            longest = max(longest, run)
        return longest

    @property
    def answered(self) -> bool:
        return self.went(self.stimulus.way, self.in_a_row)

    @property
    def went_wrong(self) -> bool:
        way = self.stimulus.way
        return bool(way) and self.went(-way, self.in_a_row)

    @property
    def is_settled(self) -> bool:
        """Whether more readings would change nothing."""
        way = self.stimulus.way
        return self.answered or (bool(way) and self.went(-way, SURE))


def told(subject: Subject, value: float) -> str:
    """Return a value of a channel as people write it."""
    channel = subject.channel
    if channel is None:
        return f"{value:g} {unit_of(subject)}".rstrip()
    return quantities.told(round(value * channel.scale), channel)


def unit_of(subject: Subject) -> str:
    """Return the unit of a channel, '' for a bare number."""
    unit = subject.channel.unit if subject.channel else subject.unit
    return "" if unit == "1" else unit


def absent(subject: Subject, why: Unread) -> Finding:
    """Say that a part cannot be read, with the reason of its driver."""
    step = NEXT_STEPS.get(why.reason, SEE_WIRING)
    reason = str(why).partition(";")[0].removeprefix(f"{subject.part}: ")
    return _finding(subject, ABSENT, in_words(reason), step)


def implausible(subject: Subject, quiet: Quiet, trim: Sequence[int] | None) -> Finding | None:
    """Say that a channel is out of its range, as the unit reports it; None if it is not."""
    channel = subject.channel
    if channel is None:
        return None
    offset, factor = trim or (0, 10_000)
    counts = quiet.value * channel.scale * factor / 10_000 + offset
    if channel.minimum <= round(counts) <= channel.maximum:
        return None
    low, high = (quantities.told(end, channel) for end in (channel.minimum, channel.maximum))
    detail = tr("{told} is not within {low} to {high}").format(
        told=told(subject, quiet.value), low=low, high=high
    )
    step = tr("see its supply and wiring, and compare it with another instrument")
    return _finding(subject, IMPLAUSIBLE, detail, step, quiet)


def plausible(subject: Subject, quiet: Quiet) -> Finding:
    """Say that a channel for which there is no stimulus is in its range, where it has one."""
    said = tr("it is in its range") if subject.channel else tr("it has a value")
    return _finding(subject, PLAUSIBLE, tr("only looked at: {said}").format(said=said), "", quiet)


def not_tried(subject: Subject, why: str, quiet: Quiet | None = None) -> Finding:
    """Say that nobody gave the stimulus."""
    step = tr("run it again with --part {part}").format(part=subject.part)
    return _finding(subject, NOT_TRIED, why, step, quiet)


def judge(seen: Seen, others: Mapping[str, Seen], after_s: float) -> Finding:
    """Return what an answer, or none, means.

    Args:
        seen: the channel that was stimulated, with at least one reading since.
        others: channels that may be mistaken for it, by name.
        after_s: how long the stimulus was watched.
    """
    subject, quiet, stimulus = seen.subject, seen.quiet, seen.stimulus
    moved = seen.after[-1] - quiet.value
    change = tr("{value}{told} in {after_s:.0f} s").format(
        value="+" if moved >= 0 else "", told=told(subject, moved), after_s=after_s
    )
    needed = told(subject, seen.needed)
    ends = quiet, seen.after[-1]
    if seen.answered:
        return _finding(subject, ANSWERS, change, "", *ends)
    for name, other in others.items():
        if other.answered:
            before, now = (told(other.subject, v) for v in (other.quiet.value, other.after[-1]))
            detail = tr("{name} of '{part}' answered instead: {before} to {now}").format(
                name=name, part=other.subject.part, before=before, now=now
            )
            step = tr("exchange the plugs, or the addresses, of {part} and {other}").format(
                part=subject.part, other=other.subject.part
            )
            return _finding(subject, SWAPPED, detail, step, *ends)
    if seen.went_wrong:
        rises = tr("rise") if stimulus.way == RISES else tr("fall")
        detail = tr("{change}, it was to {rises} by {needed}").format(
            change=change, rises=rises, needed=needed
        )
        step = tr("see the sign of its value: its map, its [calibration], how it is mounted")
        return _finding(subject, WRONG_WAY, detail, step, *ends)
    readings = [*quiet.readings, *seen.after]
    if len(set(readings)) == 1:
        detail = tr("{told}, the very same {count} times").format(
            told=told(subject, readings[0]), count=len(readings)
        )
        step = tr("give the stimulus again; if it stays so, the part is broken: put in another")
    else:
        detail = tr("{change} is no more than its noise, it needs {needed}").format(
            change=change, needed=needed
        )
        step = tr("see that you are at the right sensor, and give the stimulus again")
    return _finding(subject, STUCK, detail, step, *ends)


def _finding(
    subject: Subject,
    verdict: str,
    detail: str,
    step: str,
    quiet: Quiet | None = None,
    after: float | None = None,
) -> Finding:
    unit = unit_of(subject)
    if quiet is None:
        return Finding(subject.part, subject.name, verdict, detail, step, unit)
    values = quiet.value, quiet.noise, after
    return Finding(subject.part, subject.name, verdict, detail, step, unit, *values)
