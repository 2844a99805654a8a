"""Leads a person from sensor to sensor of a unit: a quiet look, a stimulus, and what it did.

A unit goes on working meanwhile: what it measures of a hand or a breath is in its reports, too.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from . import sensor_verdict, stimuli, unit_parts
from .language import tr
from .sensor_verdict import Finding, Quiet, Seen, told
from .stimuli import Stimulus
from .unit_parts import Link, Subject, Unit, Unread

EVERY_S = 1.0
READINGS = 8  # of a quiet look,
QUIET_S = 20.0  # or fewer, where one takes seconds,
FEWEST = 4  # but so many
TRIES = 3  # readings in a row that fail: it is absent
BUSY_S = 120.0  # how long a unit may have no heap for a reading
CALM = 6  # quiet looks, until what was done before has died away
SKIP, END = "s", "q"
QUESTION = tr("Enter when you do it, s to skip it, q to end: ")

Person = Callable[[str], str | None]  # a question -> a line, None if nobody is there any more
Say = Callable[[str], None]


@dataclass(frozen=True)
class Clock:
    """Seconds that only grow, and a way to let them pass."""

    now_s: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], object] = field(default=time.sleep)


WALL = Clock()


class SensorCheck:
    """Checks the sensors of a unit with a person in front of it.

    Args:
        link: the unit.
        unit: what it has.
        person: is asked for each stimulus.
        say: is told what goes on.
        clock: default: the wall clock.
    """

    def __init__(
        self, link: Link, unit: Unit, person: Person, say: Say, clock: Clock | None = None
    ) -> None:
        self._link = link
        self._unit = unit
        self._person = person
        self._say = say
        self._clock = clock or WALL
        self._everything = unit.subjects()
        self._silent: dict[str, Unread] = {}
        self._ended = False

    def run(self, subjects: list[Subject]) -> Iterator[Finding]:
        """Yield what was found of each channel, as soon as it is known.

        Raises:
            LinkError: the connection failed; what was yielded holds.
        """
        for subject in subjects:
            finding = self._check(subject)
            detail = tr(": ") + finding.detail if finding.detail else ""
            self._say(f"{subject.name}{tr(': ')}{tr(finding.verdict)}{detail}")
            yield finding

    def _check(self, subject: Subject) -> Finding:
        if self._ended:
            return sensor_verdict.not_tried(subject, tr("the check was ended before it"))
        if subject.part in self._silent:
            return sensor_verdict.absent(subject, self._silent[subject.part])
        try:
            quiet, around = self._quiet_look(subject)
        except Unread as why:
            self._silent[subject.part] = why
            return sensor_verdict.absent(subject, why)
        rest = tr("{name} ({part}): {value}, noise {noise:.2g}, {count} readings").format(
            name=subject.name,
            part=subject.part,
            value=told(subject, quiet.value),
            noise=quiet.noise,
            count=len(quiet.readings),
        )
        self._say(rest)
        trim = self._unit.trim.get(subject.name)
        if bad := sensor_verdict.implausible(subject, quiet, trim):
            return bad
        if subject.stimulus is None:
            return sensor_verdict.plausible(subject, quiet)
        stimulus = subject.stimulus.chosen(quiet.value)
        answer = self._asked(f"  {stimulus.ask}; {QUESTION}")
        if answer is None:  # the others are looked at all the same
            return sensor_verdict.not_tried(subject, tr("nobody was asked"), quiet)
        if answer:
            self._ended = answer == END
            return sensor_verdict.not_tried(subject, tr("skipped"), quiet)
        self._say(tr("  watching, at most {seconds:g} s ...").format(seconds=stimulus.within_s))
        return self._watch(subject, stimulus, quiet, around)

    def _asked(self, question: str) -> str | None:
        """Return SKIP, END or '' for Enter; None: nobody is there."""
        answer = self._person(question)
        while answer is not None and (typed := answer.strip().lower()) not in ("", SKIP, END):
            self._say(tr("  '{typed}' is none of these").format(typed=typed))
            answer = self._person(question)
        return None if answer is None else typed

    def _watch(
        self, subject: Subject, stimulus: Stimulus, quiet: Quiet, around: dict[Subject, Quiet]
    ) -> Finding:
        begin_s = self._clock.now_s()
        after: dict[Subject, list[float]] = {each: [] for each in (subject, *around)}
        mine = Seen(subject, stimulus, quiet, after[subject])
        others = {
            each.name: Seen(each, each.stimulus or stimulus, calm, after[each])
            for each, calm in around.items()
        }
        failed = Unread("")
        while self._clock.now_s() - begin_s < stimulus.within_s and not mine.is_settled:
            for each, value in self._look(after).items():
                if isinstance(value, float):
                    after[each].append(value)
                elif each == subject:
                    failed = value
        if not mine.after:
            return sensor_verdict.absent(subject, failed)
        return sensor_verdict.judge(mine, others, self._clock.now_s() - begin_s)

    def _rivals(self, subject: Subject) -> list[Subject]:
        """What may be mistaken for it: another part's channel of the like."""
        if subject.stimulus is None:
            return []
        others = (each for each in self._everything if each.part != subject.part)
        alike = stimuli.family(subject.own)
        return [
            each
            for each in others
            if stimuli.family(each.own) == alike and each.part not in self._silent
        ]

    def _quiet_look(self, subject: Subject) -> tuple[Quiet, dict[Subject, Quiet]]:
        """Return the channel at rest, and those that may be mistaken for it.

        Raises:
            Unread: it cannot be read.
        """
        rivals = self._rivals(subject)
        for look in range(CALM):
            found = self._readings(subject, rivals)
            quiet = Quiet(tuple(found[subject]))
            stimulus = subject.stimulus and subject.stimulus.chosen(quiet.value)
            if not stimulus or quiet.spread <= stimulus.needed(quiet.value) / 2:
                break
            if not look:
                self._say(
                    tr("{name} ({part}): not at rest, waiting ...").format(
                        name=subject.name, part=subject.part
                    )
                )
        around = {each: Quiet(tuple(found[each])) for each in rivals if found[each]}
        return quiet, around

    def _readings(self, subject: Subject, rivals: list[Subject]) -> dict[Subject, list[float]]:
        found: dict[Subject, list[float]] = {each: [] for each in (subject, *rivals)}
        begin_s, failures = self._clock.now_s(), 0
        while True:
            for each, value in self._look(found).items():
                if isinstance(value, float):
                    found[each].append(value)
                elif each == subject:
                    failures += not value.is_busy
                    if failures >= TRIES or self._clock.now_s() - begin_s > BUSY_S:
                        raise value
            count, passed_s = len(found[subject]), self._clock.now_s() - begin_s
            if count >= READINGS or (count >= FEWEST and passed_s >= QUIET_S):
                return found

    def _look(self, subjects: dict[Subject, list[float]]) -> dict[Subject, float | Unread]:
        """Read each part once, and let the rest of a second pass."""
        begin_s = self._clock.now_s()
        values: dict[str, dict[str, float | None] | Unread] = {}
        for part in dict.fromkeys(each.part for each in subjects):
            try:
                values[part] = unit_parts.read(self._link, part)
            except Unread as why:
                values[part] = why
        found = {each: _value(each, values[each.part]) for each in subjects}
        self._clock.sleep(max(0.0, begin_s + EVERY_S - self._clock.now_s()))
        return found


def _value(subject: Subject, values: dict[str, float | None] | Unread) -> float | Unread:
    if isinstance(values, Unread):
        return values
    value = values.get(subject.own)
    if value is None:
        return Unread(
            tr("{part}: it answers, but has no value of '{own}'").format(
                part=subject.part, own=subject.own
            )
        )
    return value
