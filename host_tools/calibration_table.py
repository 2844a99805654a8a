"""The tables `[calibration.CHANNEL]` of a node's file: what is right of what a part says.

value = factor x what the part says + offset. `fieldbeat check calibrate` finds and writes them.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import Field

from . import quantities
from .language import tr
from .validation import Strict, did_you_mean

if TYPE_CHECKING:
    from .node_config import NodeConfig
    from .profiles import Channel

FACTOR_STEPS = 10_000  # a unit reckons with whole ten-thousandths
EXACTLY = 1e-6  # of a step: what decimal digits become as a binary fraction


class Calibration(Strict):
    """What one channel was compared with: `offset` is text with its unit, like '-0.3 Cel'.

    `by`, `on` and `against` say who did it, when, and what the truth was taken from.
    """

    offset: str = ""
    factor: float = Field(default=1.0, ge=0.1, le=10)
    by: str = Field(min_length=1, max_length=64, description="who did it, 1 to 64 characters")
    on: date = Field(description="the day, like 2026-11-26 (no quotes)")
    against: str = Field(
        min_length=1,
        max_length=200,
        description="what it was compared with, like 'reference thermometer 4711'",
    )

    def offset_counts(self, channel: Channel) -> int:
        """Return the offset in counts of its channel.

        Raises:
            ValueError: it is no quantity of that channel.
        """
        return quantities.counts(self.offset, channel) if self.offset else 0

    @property
    def factor_steps(self) -> int:
        return round(self.factor * FACTOR_STEPS)


def to_device_map(config: NodeConfig) -> dict[str, Any]:
    """Return `{"trim": {channel: [offset in counts, factor in 1/10000]}}`; {} if none changes."""
    channels = {channel.name: channel for channel in config.profile.channels}
    trim = {
        name: [each.offset_counts(channels[name]), each.factor_steps]
        for name, each in config.tables.calibration.items()
    }
    trim = {name: pair for name, pair in trim.items() if pair != [0, FACTOR_STEPS]}
    return {"trim": trim} if trim else {}


def trim(config: NodeConfig, channel: Channel) -> tuple[int, int] | None:
    """Return offset in counts and factor in 1/10000 of a channel; None where it has none."""
    each = config.tables.calibration.get(channel.name)
    try:
        return (each.offset_counts(channel), each.factor_steps) if each else None
    except ValueError:  # `problems` tells it
        return None


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what cannot be a calibration, with what is allowed."""
    channels = {channel.name: channel for channel in config.profile.channels}
    for name, each in config.tables.calibration.items():
        place = f"[calibration.{name}]"
        channel = channels.get(name)
        if channel is None:
            profile = config.profile.id
            yield tr("{place}: '{profile}' has no such channel, {did_you_mean}").format(
                place=place, profile=profile, did_you_mean=did_you_mean(name, channels)
            )
            continue
        if abs(each.factor * FACTOR_STEPS - each.factor_steps) > EXACTLY:
            yield tr(
                "{place} factor = {factor}: at most four decimals, a unit has no more"
            ).format(place=place, factor=each.factor)
        try:
            offset = each.offset_counts(channel)
        except ValueError as error:
            yield f"{place} offset = '{each.offset}': {error}"
            continue
        if abs(offset) > channel.maximum - channel.minimum:
            yield tr("{place} offset = '{offset}': is more than the channel's whole range").format(
                place=place, offset=each.offset
            )
