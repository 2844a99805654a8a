"""The actuators of a node as the rows that its unit gets."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import control_volumes, times
from .control_inputs import is_counter
from .control_tables import Actuator
from .language import tr

if TYPE_CHECKING:
    pass

from .control_reading import DAY_S, Reading


class ActuatorRows:
    """Makes rows, and notes what is wrong of their tables."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def row(self, name: str, given: Actuator) -> list[Any]:
        """Return the row of an actuator."""
        place = f"[actuator.{name}]"
        self._reading.only_motors(place, given.ends, name)
        for key in ("idle", "safe"):
            self._reading.whole(f"{place} {key}", getattr(given, key), name)
        spans = [
            self._limit(f"{place} {key}", text, given.rate) if (text := getattr(given, key)) else 0
            for key in ("lease", "max_run", "min_pause", "max_day")
        ]
        self._rate(place, given)
        needs = [self._reading.index[each] for each in given.needs if each in self._reading.index]
        values, contacts = (given.idle, given.safe), (given.switch, given.interlock)
        return [name, *values, *spans, needs, *contacts, self._confirm(name, given)]

    def _rate(self, place: str, given: Actuator) -> None:
        if given.rate is None:
            return
        try:
            control_volumes.ml_s(given.rate)
        except ValueError:
            text = tr("{place} rate = '{rate}': must be {rate_rule}").format(
                place=place, rate=given.rate, rate_rule=control_volumes.RATE_RULE
            )
            self._reading.problems.append(text)

    def _limit(self, place: str, text: str, rate: str | None) -> int:
        """Return the seconds of a limit, which a pump with a rate may have as a volume."""
        if not control_volumes.is_volume(text):
            return self._reading.seconds(place, text)
        if place.endswith(("lease", "min_pause")):
            self._reading.problems.append(
                tr("{place} = '{text}': must be a time like '5 min'").format(
                    place=place, text=text
                )
            )
        elif rate is None:
            self._reading.problems.append(
                tr(
                    "{place} = '{text}': a volume needs rate, what this pump gives, like "
                    "'2.5 ml/s'; where a meter counts, take dose in its rule, as in "
                    "docs/control.md"
                ).format(place=place, text=text)
            )
        else:
            try:
                seconds = int(control_volumes.seconds(text, rate))
            except ValueError:
                return DAY_S  # its rate is told
            if control_volumes.LEAST_S <= seconds <= DAY_S:
                return seconds
            self._reading.problems.append(
                tr(
                    "{place} = '{text}': takes {span} at {rate}, must take {least_s} s to a "
                    "day, since a unit counts whole seconds; change the volume, or take "
                    "another pump"
                ).format(
                    place=place,
                    text=text,
                    span=times.span(seconds),
                    rate=rate,
                    least_s=control_volumes.LEAST_S,
                )
            )
        return DAY_S

    def _confirm(self, name: str, given: Actuator) -> list[int] | None:
        confirm, place = given.confirm, f"[actuator.{name}.confirm]"
        channel = confirm and self._reading.channels.get(confirm.channel)
        if not confirm or not channel:
            return None
        if channel.name in self._reading.inputs.derived or is_counter(channel):
            is_derived = channel.name in self._reading.inputs.derived
            what = tr("derived") if is_derived else tr("a counter")
            self._reading.problems.append(
                tr(
                    "{place} channel = '{name}': is {what}, and does not tell whether "
                    "{name_2} runs now; name a channel that is above its mark only while it "
                    "does"
                ).format(place=place, name=channel.name, what=what, name_2=name)
            )
            return None
        counts = self._reading.counts(f"{place} above", confirm.above, channel)
        self._reading.in_reach(f"{place} above = '{confirm.above}'", channel, counts, False)
        return [
            self._reading.inputs.index(channel.name),
            counts,
            self._reading.seconds(f"{place} within", confirm.within),
        ]
