"""What the level sensor of a station can tell, and marks that no level ever crosses.

Such an alarm never comes, or never ends, and nobody knows.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import boards, calibration_table, quantities
from .language import tr

if TYPE_CHECKING:
    from .board_model import Part
    from .node_config import NodeConfig
    from .profiles import Channel


class Reach(NamedTuple):
    """What a sensor can tell of a channel, in its counts, after its calibration."""

    part: str  # where it is fitted
    what: str
    low: int
    high: int


class Mark(NamedTuple):
    """A mark that a file gives: where, and its threshold in counts; `over`: when it has ended."""

    place: str
    channel: Channel
    threshold: int
    below: bool
    over: int | None = None

    def is_within(self, low: int, high: int) -> bool:
        """Whether a value can be beyond it."""
        return low < self.threshold <= high if self.below else low <= self.threshold < high

    def ends_within(self, low: int, high: int) -> bool:
        """Whether a value can be where it is over."""
        return self.over is None or low <= self.over <= high


def of_channel(config: NodeConfig, channel: Channel) -> Reach | None:
    """Return what its sensor can tell; None where it is no level, or its data say nothing."""
    part, override = config.enabled.get(channel.part), config.tables.fitted.get(channel.part)
    if part is None or override is None:
        return None
    found = ends(part, override.datum_mm, channel, calibration_table.trim(config, channel))
    if found is None:
        return None
    known = f"{part.part}, datum_mm = {override.datum_mm}"
    if channel.name in config.tables.calibration:
        known += f", [calibration.{channel.name}]"
    return Reach(channel.part, f"[fitted.{channel.part}] ({known})", *found)


def ends(
    part: Part, datum_mm: int | None, channel: Channel, trim: Sequence[int] | None
) -> tuple[int, int] | None:
    """Return the lowest and the highest that a level sensor can tell, in counts of its channel.

    Args:
        part: where the channel comes from.
        datum_mm: how high it hangs.
        channel: what is asked about.
        trim: its calibration as the unit has it: offset in counts, factor in 1/10000.
    """
    if not (boards.measures_level(part) and channel.source.endswith(".level")):
        return None
    range_mm = boards.level_range_mm(part, datum_mm) if datum_mm is not None else None
    if range_mm is None:
        return None
    offset, steps = trim or (0, calibration_table.FACTOR_STEPS)
    low, high = (
        round(mm * channel.scale // 1000 * steps / calibration_table.FACTOR_STEPS) + offset
        for mm in range_mm
    )
    return low, high


def marks_of(
    config: NodeConfig, alarms: Sequence[list[Any]], pace: Sequence[list[Any]]
) -> list[Mark]:
    """Return the marks of a file but those of what rises; as the unit has them."""
    channels = {channel.name: channel for channel in config.profile.channels}
    given = {alarm.number for alarm in config.tables.alarm}
    found = []
    for number, name, _, _, threshold, below, back, _, rises in alarms:
        if number in given and not rises:
            over = threshold + back if below else threshold - back
            mark = Mark(f"[[alarm]] {number}", channels[name], threshold, below, over)
            found.append(mark)
    for n, (name, threshold, below, rises) in enumerate(pace, 1):
        if not rises:
            found.append(Mark(f"[[pace.when]] {n}", channels[name], threshold, below))
    return found


def problems(config: NodeConfig, marks: Sequence[Mark]) -> Iterator[str]:
    """Yield marks that are never crossed, and alarms that never end."""
    for channel in {mark.channel.name: mark.channel for mark in marks}.values():
        own, reach = (
            [mark for mark in marks if mark.channel == channel],
            of_channel(config, channel),
        )
        low, high = (reach.low, reach.high) if reach else (channel.minimum, channel.maximum)
        lost = [mark for mark in own if reach and not mark.is_within(low, high)]
        from_to = quantities.span(low, high, channel)
        if reach and len(lost) == len(own) > 1:
            named = ", ".join(f"{m.place} {quantities.told(m.threshold, channel)}" for m in lost)
            yield (
                tr(
                    "{what} can only measure from {ends}, where none of the marks is: "
                    "{named}; are sign and unit of datum_mm right, mm from the gauge's zero "
                    "up to the sensor?"
                ).format(what=reach.what, ends=from_to, named=named)
            )
            continue
        for mark in own:
            side = "below" if mark.below else "above"
            if reach and mark in lost:
                told = quantities.told(mark.threshold, channel)
                yield tr("{place} {side} = '{told}': {what} can only measure from {ends}").format(
                    place=mark.place, side=side, told=told, what=reach.what, ends=from_to
                )
            elif mark.over is not None and not mark.ends_within(low, high):
                told = quantities.told(mark.over, channel)
                yield (
                    tr(
                        "{place} back: it would be over at {told}, and {name} is only measured "
                        "from {ends}, so that it would never end: give a smaller one"
                    ).format(place=mark.place, told=told, name=channel.name, ends=from_to)
                )


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield what the level sensors of a station can tell: a wrong datum_mm is seen in it."""
    for channel in config.profile.channels:
        if reach := of_channel(config, channel):
            low, high = (quantities.told(n, channel) for n in (reach.low, reach.high))
            yield tr("{what} measures levels from {low} to {high}").format(
                what=reach.what, low=low, high=high
            )
