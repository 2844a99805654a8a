"""Compares a channel with a reference: reads until it is steady, and finds offset and factor.

What is compared is what the part says itself, before any earlier calibration.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from . import quantities, unit_parts
from .calibration_table import FACTOR_STEPS
from .errors import CannotTry, FieldbeatError
from .language import tr
from .profiles import Channel
from .sensor_check import BUSY_S, EVERY_S, TRIES, Clock
from .unit_parts import MODEM, Link, Subject, Unit, Unread
from .unit_words import in_words
from .validation import did_you_mean

WATCHED_S = 30.0
FEWEST = 4  # readings, of a part that takes seconds for each
STEPS = 2  # of the channel: less is no unrest
# Hypotheses, as shares of the channel's range: what noise and what drift are still steady, what
# correction is none but another fault, and how far two points must be apart.
NOISE, DRIFT, CORRECTION, APART = 0.002, 0.0005, 0.2, 0.02
MUCH = 0.05  # a hypothesis, too: a correction that is doubted
NOISES_DRIFT = 2
NOISES_APART = 10
DIGITS = 9  # what is on the limit is not over it by what binary fractions leave
FINER = 1000  # a reference may be known better than the channel's steps
FACTOR_MIN, FACTOR_MAX = 0.1, 10


class CalibrationError(FieldbeatError):
    """What was read can be no calibration."""


@dataclass(frozen=True)
class Point:
    """What the part said at a reference; all in the channel's unit."""

    said: float
    reference: float
    noise: float


@dataclass(frozen=True)
class Trim:
    """value = factor x what the part says + offset: counts, and 1/10000."""

    offset: int = 0
    factor: int = FACTOR_STEPS

    def of(self, channel: Channel, said: float) -> float:
        """Return what the unit reports of it."""
        return said * self.factor / FACTOR_STEPS + self.offset / channel.scale

    def told(self, channel: Channel) -> str:
        """Return it in words."""
        return f"x {self.factor / FACTOR_STEPS:g} {self.offset / channel.scale:+g} {channel.unit}"


def subject_of(unit: Unit, name: str) -> Subject:
    """Return a channel that can be read now.

    Raises:
        CannotTry: there is none of that name, or its part is switched off.
    """
    measured = {s.name: s for s in unit.subjects() if s.channel and s.part != MODEM}
    if name not in measured:
        message = tr("{name} measures no channel '{name_2}'").format(name=unit.name, name_2=name)
        raise CannotTry(message, did_you_mean(name, measured))
    return measured[name]


def reference(text: str, channel: Channel) -> float:
    """Return a reference as it was typed, '23.4 Cel', in the channel's unit.

    Raises:
        CannotTry: it is no quantity of the channel.
    """
    finer = channel.model_copy(
        update={key: getattr(channel, key) * FINER for key in ("scale", "minimum", "maximum")}
    )
    try:
        return quantities.counts(text, finer) / finer.scale
    except ValueError as error:
        raise CannotTry(
            tr("reference '{text}': {error}").format(text=text, error=error),
            tr("give it with its unit"),
        ) from None


def measure(link: Link, subject: Subject, value: float, clock: Clock) -> Point:
    """Read a channel for half a minute beside a reference of that value.

    Raises:
        CalibrationError: it cannot be read, or is not steady.
    """
    channel = subject.channel
    assert channel
    readings: list[float] = []
    begin_s, failures = clock.now_s(), 0
    while clock.now_s() - begin_s < WATCHED_S or len(readings) < FEWEST:
        at_s = clock.now_s()
        try:
            found = unit_parts.read(link, subject.part)[subject.own]
            if found is None:
                raise Unread(tr("{part}: it answers, but has no value").format(part=subject.part))
            readings.append(found)
        except Unread as why:
            failures += not why.is_busy
            if failures >= TRIES or clock.now_s() - begin_s > BUSY_S:
                raise CalibrationError(
                    f"{channel.name}: {in_words(str(why))}",
                    tr("'fieldbeat check sensors --part {part}'").format(part=subject.part),
                ) from None
        clock.sleep(max(0.0, at_s + EVERY_S - clock.now_s()))
    noise = _noise(readings)
    _must_be_steady(readings, noise, channel)
    return Point(statistics.median(readings), value, noise)


def _noise(readings: list[float]) -> float:
    """Return the standard deviation without any drift: by the differences of neighbours."""
    squares = [(after - before) ** 2 for before, after in pairwise(readings)]
    return math.sqrt(sum(squares) / len(squares) / 2)


def _must_be_steady(readings: list[float], noise: float, channel: Channel) -> None:
    whole, step = (channel.maximum - channel.minimum) / channel.scale, 1 / channel.scale
    allowed = max(NOISE * whole, STEPS * step)
    wait = tr("wait until it has settled, keep draught and sun away, and run it again")
    if noise > allowed:
        raise CalibrationError(
            tr(
                "{name} is not steady: noise {noise:.3g} {unit}, {allowed:.3g} {unit} is the most"
            ).format(name=channel.name, noise=noise, unit=channel.unit, allowed=allowed),
            wait,
        )
    half = len(readings) // 2
    drift = statistics.median(readings[half:]) - statistics.median(readings[:half])
    allowed = max(DRIFT * whole, STEPS * step, NOISES_DRIFT * noise)
    if round(abs(drift), DIGITS) > round(allowed, DIGITS):
        raise CalibrationError(
            tr(
                "{name} is not steady: it drifts by {drift:+.3g} {unit} in {value:.0f} "
                "s, {allowed:.3g} {unit} is the most"
            ).format(
                name=channel.name,
                drift=drift,
                unit=channel.unit,
                value=WATCHED_S / 2,
                allowed=allowed,
            ),
            wait,
        )


def one_point(channel: Channel, point: Point, before: Trim, force: bool = False) -> Trim:
    """Return what brings a point to its reference, with the factor that there was.

    Raises:
        CalibrationError: it is more than a sensor can be wrong by.
    """
    return _checked(channel, [point], Fraction(before.factor, FACTOR_STEPS), force)


def two_points(channel: Channel, low: Point, high: Point, force: bool = False) -> Trim:
    """Return what brings two points to their references.

    Raises:
        CalibrationError: they are too near to each other, or wrong by too much.
    """
    whole = (channel.maximum - channel.minimum) / channel.scale
    apart = max(APART * whole, NOISES_APART * max(low.noise, high.noise))
    if min(abs(high.said - low.said), abs(high.reference - low.reference)) < apart:
        raise CalibrationError(
            tr(
                "{name}: the two points are too near, {said:g} and {said_2:g} {unit}; "
                "they must be {apart:.3g} {unit} apart"
            ).format(
                name=channel.name, said=low.said, said_2=high.said, unit=channel.unit, apart=apart
            ),
            tr("choose a second reference that is farther away"),
        )
    wanted = Fraction(high.reference) - Fraction(low.reference)
    factor = wanted / (Fraction(high.said) - Fraction(low.said))
    if not FACTOR_MIN <= factor <= FACTOR_MAX:
        raise CalibrationError(
            tr("{name}: a factor of {float:.3g} is no calibration").format(
                name=channel.name, float=float(factor)
            ),
            tr("see that the two references were not exchanged, and that it is the right sensor"),
        )
    return _checked(channel, [low, high], factor, force)


def doubt(channel: Channel, points: list[Point]) -> str:
    """Return what a person should look at again, '' where a sensor is off by as little as most."""
    whole = (channel.maximum - channel.minimum) / channel.scale
    off = max((point.reference - point.said for point in points), key=abs)
    if abs(off) <= MUCH * whole:
        return ""
    return tr(
        "note: {name} is off by {off:+.3g} {unit}, which is much: see that it is the right "
        "sensor, and what you typed, before you provision it"
    ).format(name=channel.name, off=off, unit=channel.unit)


def _checked(channel: Channel, points: list[Point], factor: Fraction, force: bool) -> Trim:
    whole = (channel.maximum - channel.minimum) / channel.scale
    off = max((point.reference - point.said for point in points), key=abs)
    if abs(off) > CORRECTION * whole and not force:
        raise CalibrationError(
            tr(
                "{name} is off by {off:+.3g} {unit}, more than {correction:.0%} of its range"
            ).format(name=channel.name, off=off, unit=channel.unit, correction=CORRECTION),
            tr("see the sensor and the reference's unit; --force takes it all the same"),
        )
    steps = round(factor * FACTOR_STEPS)
    middle = sum(Fraction(p.reference) - Fraction(p.said) * steps / FACTOR_STEPS for p in points)
    return Trim(round(middle / len(points) * channel.scale), steps)
