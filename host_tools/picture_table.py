"""The table `[pictures]` of a node's file, and what of it could never be done."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from . import clips, partition_table, times
from .language import tr
from .power_table import BatteryMv
from .validation import Strict

if TYPE_CHECKING:
    from .node_config import NodeConfig

DAY_S = 86_400
GAUGE = "gauge"  # the region that firmware/pictures.py cuts out


class Pictures(Strict):
    """When a camera takes pictures, and what they may cost.

    By the clock every `every_s` seconds (0: never) a thumbnail and the gauge; a whole picture when
    there is an alarm or somebody asks. `keep_bytes`: flash for those that are not sent yet. None
    is taken or sent below `battery_min_mv`, 0 for any voltage. `listen_s`: how long a wake waits
    for commands.
    """

    every_s: int = Field(default=3600, ge=0, le=604_800)
    at_s: int = Field(default=0, ge=0, le=604_800)
    thumbnail_bytes: int = Field(default=3000, ge=1000, le=1_000_000)
    gauge_bytes: int = Field(default=6000, ge=1000, le=1_000_000)
    full_bytes: int = Field(default=40_000, ge=1000, le=1_000_000)
    budget_bytes_day: int = Field(default=300_000, ge=1000, le=100_000_000)
    keep_bytes: int = Field(default=1_000_000, ge=10_000, le=16_000_000)
    battery_min_mv: BatteryMv = 0
    listen_s: int = Field(default=3, ge=0, le=60)


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield sizes that never fit into a day's bytes: the unit would take no such picture."""
    if config.profile.role != "camera":
        return
    table = config.pictures
    budget = table.budget_bytes_day
    room = partition_table.find(config.board.partition_table(), "vfs").size - clips.SPARE
    if not table.full_bytes <= table.keep_bytes <= room:
        yield (
            tr(
                "[pictures] keep_bytes = {keep_bytes}: must be from full_bytes, "
                "{full_bytes}, to {room}, what the file system of {id} has beside "
                "records and an update"
            ).format(
                keep_bytes=table.keep_bytes,
                full_bytes=table.full_bytes,
                room=room,
                id=config.board.id,
            )
        )
    if table.full_bytes > budget:
        yield (
            tr(
                "[pictures] full_bytes = {full_bytes}: one picture must fit into "
                "budget_bytes_day, {budget}"
            ).format(full_bytes=table.full_bytes, budget=budget)
        )
    elif table.every_s:
        # The schedule leaves a full picture of the day to an alarm: firmware/pictures.py.
        for key, size in _by_the_clock(config).items():
            if size + table.full_bytes > budget:
                yield (
                    tr(
                        "[pictures] {key} = {size}: one must fit into budget_bytes_day, "
                        "{budget}, beside one of full_bytes, {full_bytes}, which is left to an "
                        "alarm"
                    ).format(key=key, size=size, budget=budget, full_bytes=table.full_bytes)
                )


def _by_the_clock(config: NodeConfig) -> dict[str, int]:
    """Return the sizes of what is taken at once, by their keys."""
    table, camera = config.pictures, config.tables.fitted.get("camera")
    sizes = {"thumbnail_bytes": table.thumbnail_bytes}
    if camera and GAUGE in (camera.regions or {}):
        sizes["gauge_bytes"] = table.gauge_bytes
    return sizes


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield that a day has no bytes for the pace, and regions of which none is sent."""
    if config.profile.role == "camera":
        yield from _too_often(config)
    camera = config.tables.fitted.get("camera")
    regions = camera.regions if camera else None
    if config.profile.role == "camera" and regions and GAUGE not in regions:
        others = ", ".join(regions)
        yield (
            tr(
                "[fitted.camera.regions] {others}: no pictures of the gauge will come, "
                "since only '{gauge}' is cut out; did you mean '{gauge}'?"
            ).format(others=others, gauge=GAUGE)
        )


def _too_often(config: NodeConfig) -> Iterator[str]:
    table = config.pictures
    most = (table.budget_bytes_day - table.full_bytes) // sum(_by_the_clock(config).values())
    if 0 < table.every_s * most < DAY_S:
        yield tr(
            "[pictures] every_s = {every_s}: budget_bytes_day, {budget}, may be used up after "
            "{span}, and by the clock none is taken until the next day; {least} lasts all day"
        ).format(
            every_s=table.every_s,
            budget=table.budget_bytes_day,
            span=times.span(table.every_s * most),
            least=-(-DAY_S // most),
        )
