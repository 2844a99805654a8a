"""Voltages below which something ends, on a board whose battery is always below them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import acceptance
from .language import tr

if TYPE_CHECKING:
    from .node_config import NodeConfig

PIN_MOST_MV = 3300  # the supply of an ESP32: no pin is ever above it


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield marks that the board cannot measure."""
    battery = config.enabled.get("battery")
    if battery is None:
        return
    most_mv = PIN_MOST_MV * (battery.numerator or 1) // (battery.denominator or 1)
    for place, mark_mv in _marks(config):
        if mark_mv > most_mv:
            text = tr(
                "{place} = {mark_mv}: {board} measures its battery up to {most_mv} mV, "
                "so that it would always be below"
            )
            yield text.format(place=place, mark_mv=mark_mv, board=config.board.id, most_mv=most_mv)


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield marks above what a battery of this board has when it is full."""
    marks = [each for each in _marks(config) if each[1]]
    if not marks:
        return
    limits = acceptance.limits()
    full = acceptance.limit_of("battery.voltage", limits, config.board.id, config.profile.role)
    if full is None or full.high is None:
        return
    for place, mark_mv in marks:
        if mark_mv > 1000 * full.high:
            text = tr(
                "{place} = {mark_mv}: a full battery of {board} has at most {high} V, "
                "so that it would always be below"
            )
            yield text.format(
                place=place, mark_mv=mark_mv, board=config.board.id, high=f"{full.high:g}"
            )


def _marks(config: NodeConfig) -> Iterator[tuple[str, int]]:
    if config.profile.role == "camera":
        yield "[pictures] battery_min_mv", config.pictures.battery_min_mv
    if config.profile.role == "speaker" and config.tables.speaker:
        yield "[speaker] battery_min_mv", config.tables.speaker.battery_min_mv
    if config.tables.modem:
        yield "[modem] last_gasp_mv", config.tables.modem.last_gasp_mv
