"""The conditions of a rule as the rows that its unit gets."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fieldbeat.protocols import control_rules

from . import control_clock, times
from .control_tables import When
from .language import tr
from .validation import did_you_mean

if TYPE_CHECKING:
    pass

from .control_reading import Reading

KINDS = tr(
    "one of { channel, above or below }, { from, to }, { while }, { unless } and { every, for }"
)


class Conditions:
    """Makes rows, and notes what is wrong of their tables."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def row(self, place: str, when: When) -> list[Any] | None:
        """Return the row of a condition, None if it is none."""
        given = frozenset(
            field.alias or key
            for key, field in When.model_fields.items()
            if getattr(when, key) is not None
        )
        if "channel" in given and given <= {"channel", "above", "below", "back", "hold"}:
            if len(given & {"above", "below"}) == 1:
                return self._level(place, when)
        elif given == {"from", "to"}:
            return self._clock(place, when)
        elif given in ({"while"}, {"unless"}):
            return self._runs(place, when)
        elif given == {"every", "for"}:
            return self._every(place, when)
        self._reading.problems.append(
            tr("{place}: must be {kinds}").format(place=place, kinds=KINDS)
        )
        return None

    def _level(self, place: str, when: When) -> list[Any] | None:
        channel = self._reading.channels.get(when.channel or "")
        if channel is None:
            return None
        side, text = ("above", when.above) if when.above is not None else ("below", when.below)
        counts = self._reading.counts(f"{place} {side}", text or "", channel)
        below = side == "below"
        self._reading.in_reach(f"{place} {side} = '{text}'", channel, counts, below)
        back = self._reading.counts(f"{place} back", when.back, channel, True) if when.back else 0
        if back < 0:
            self._reading.problems.append(
                tr("{place} back = '{back}': must not be below 0").format(
                    place=place, back=when.back
                )
            )
        over = channel.maximum + 1 if below else channel.minimum - 1
        end = counts + back if below else counts - back
        if when.back and ((end >= over) if below else (end <= over)):
            self._reading.problems.append(
                tr(
                    "{place} back = '{back}': {name} never gets that far, and the condition "
                    "would never end"
                ).format(place=place, back=when.back, name=channel.name)
            )
        hold_s = self._reading.seconds(f"{place} hold", when.hold) if when.hold else 0
        index = self._reading.inputs.index(channel.name)
        return [control_rules.LEVEL, index, counts, back, below, hold_s]

    def _clock(self, place: str, when: When) -> list[int] | None:
        row = [control_rules.CLOCK]
        for key, text in (("from", when.from_ or ""), ("to", when.to or "")):
            try:
                base, seconds = times.of_day(text)
            except ValueError:
                self._reading.problems.append(
                    tr(
                        "{place} {key} = '{text}': must be a time like '18:30', 'sunrise' or "
                        "'sunset-1:00', at most 12 h from the sun's"
                    ).format(place=place, key=key, text=text)
                )
                return None
            row += [control_clock.BASES[base], seconds]
            if base != times.MIDNIGHT and self._reading.config.tables.node.latitude is None:
                self._reading.problems.append(
                    tr(
                        "{place} {key} = '{text}': the sun needs [node] latitude and longitude"
                    ).format(place=place, key=key, text=text)
                )
                return None
        return row

    def _runs(self, place: str, when: When) -> list[Any] | None:
        key = "while" if when.while_ is not None else "unless"
        name = (when.while_ if key == "while" else when.unless) or ""
        if name not in self._reading.index:
            near = did_you_mean(name, self._reading.index)
            self._reading.problems.append(
                tr("{place} {key} = '{name}': no actuator, {near}").format(
                    place=place, key=key, name=name, near=near
                )
            )
            return None
        return [control_rules.RUNS, self._reading.index[name], key == "while"]

    def _every(self, place: str, when: When) -> list[int] | None:
        every_s = self._reading.seconds(f"{place} every", when.every or "")
        for_s = self._reading.seconds(f"{place} for", when.for_ or "")
        if for_s >= every_s:
            self._reading.problems.append(
                tr("{place} for = '{duration}': must be shorter than every, '{every}'").format(
                    place=place, duration=when.for_, every=when.every
                )
            )
        elif for_s < self._reading.control.look_s:
            self._reading.problems.append(
                tr(
                    "{place} for = '{duration}': must be at least [control] look_s, {look_s} "
                    "s, or no look may come into it"
                ).format(place=place, duration=when.for_, look_s=self._reading.control.look_s)
            )
        return [control_rules.EVERY, for_s, every_s]
