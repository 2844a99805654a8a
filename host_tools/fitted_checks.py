"""What is wrong of the fitted parts of a node's file: the tables `[fitted.NAME]`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import boards, field_keys
from .language import tr
from .validation import did_you_mean

if TYPE_CHECKING:
    from .node_config import NodeConfig

JPEG_UNIT = 16  # pixels: what a region is cut along


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what is wrong of the parts, and of what the profile wants of the board."""
    board, fitted = config.board, config.tables.fitted
    unknown = [name for name in fitted if name not in board.fitted]
    for name in unknown:
        yield tr("[fitted.{name}]: not on {id}, {did_you_mean}").format(
            name=name, id=board.id, did_you_mean=did_you_mean(name, board.fitted)
        )
    for name, override in fitted.items():
        if name not in unknown and override.address and board.fitted[name].address is None:
            yield tr("[fitted.{name}] address = {address}: this part has no address").format(
                name=name, address=override.address
            )
    yield from _level_problems(config)
    yield from _river_problems(config)
    yield from field_keys.config_problems(config)
    yield from _turned_points(config)
    addresses = {name: part.address for name, part in board.fitted.items()}
    for name, override in fitted.items():
        if override.address and addresses.get(name) is not None:
            addresses[name] = override.address
    yield from boards.address_problems(board, addresses)
    there = set(board.fitted) | ({"modem"} if board.modem else set())
    for channel in config.profile.channels:
        if channel.part not in there:
            yield (
                tr(
                    "[node] profile = '{id}': its channel '{name}' needs a part '{part}', "
                    "which {id_2} does not have"
                ).format(id=config.profile.id, name=channel.name, part=channel.part, id_2=board.id)
            )
    node = config.tables.node
    if (node.latitude is None) != (node.longitude is None):
        yield tr("[node] latitude and longitude: give both, or none")
    if config.tables.speaker and config.profile.role != "speaker":
        yield tr("[speaker]: profile '{id}' is no speaker's, remove the table").format(
            id=config.profile.id
        )
    if config.tables.pictures and config.profile.role != "camera":
        yield tr("[pictures]: profile '{id}' takes none, remove the table").format(
            id=config.profile.id
        )
    if board.fitted and not config.enabled:
        yield tr("[fitted]: every part is disabled, at least one must be enabled")


def _turned_points(config: NodeConfig) -> Iterator[str]:
    """Voltages of a probe that were exchanged: dry soil would be wet."""
    for name, override in config.tables.fitted.items():
        part, given = config.board.fitted.get(name), override.points_mv
        if part is None or part.part != "analog_probe" or not given:
            continue
        mapped = [mv for mv, _ in boards.points(part)]
        if (given[0] < given[-1]) != (mapped[0] < mapped[-1]):
            yield tr(
                "[fitted.{name}] points_mv = {given}: {map} has them the other way round, "
                "{mapped}; exchange them"
            ).format(name=name, given=given, map=part.map, mapped=mapped)


def _level_problems(config: NodeConfig) -> Iterator[str]:
    """What hangs over water has its height above the gauge's zero, nothing else has one."""
    fitted, board = config.tables.fitted, config.board
    wanted = {channel.part for channel in config.profile.channels}
    for name, part in board.fitted.items():
        override = fitted.get(name)
        datum_mm = override.datum_mm if override else None
        if not boards.measures_level(part):
            if datum_mm is not None:
                yield tr(
                    "[fitted.{name}] datum_mm = {datum_mm}: this part measures no level"
                ).format(name=name, datum_mm=datum_mm)
        elif (override is None and not part.enabled and name in wanted) or (
            name in config.enabled and datum_mm is None
        ):
            yield (
                tr(
                    "[fitted.{name}] datum_mm: missing, must be the height in mm of the "
                    "sensor's face above the zero of the gauge (or enabled = false, where "
                    "none hangs)"
                ).format(name=name)
            )


def _air_problems(config: NodeConfig, name: str, part: str) -> Iterator[str]:
    """Echoes are corrected by the temperature of the air, which somebody has to measure."""
    if part != "a02yyuw":
        yield tr("[fitted.{name}] reckoned_c: this part sends no sound, remove it").format(
            name=name
        )
    elif "air" not in config.board.fitted:
        yield tr("[fitted.{name}] reckoned_c: {id} has no thermometer, remove it").format(
            name=name, id=config.board.id
        )
    elif "air" not in config.enabled:
        yield tr(
            "[fitted.{name}] reckoned_c: needs a thermometer, add [fitted.air] enabled = true"
        ).format(name=name)


def _river_problems(config: NodeConfig) -> Iterator[str]:
    """Keys that only a rain gauge, or a camera, knows."""
    for name, override in config.tables.fitted.items():
        part = config.board.fitted.get(name)
        if part is None:
            continue
        if override.tip_um is not None and part.part != "rain_gauge":
            yield tr("[fitted.{name}] tip_um = {tip_um}: this part counts no rain").format(
                name=name, tip_um=override.tip_um
            )
        if override.reckoned_c is not None:
            yield from _air_problems(config, name, part.part)
        if override.regions is None:
            continue
        if part.part not in boards.CAMERAS:
            yield tr("[fitted.{name}.regions]: this part takes no pictures").format(name=name)
            continue
        wide, high = boards.largest_frame(part)
        for region, (left, top, width, height) in override.regions.items():
            whole_unit = min(width, height) >= JPEG_UNIT
            if not (whole_unit and left + width <= wide and top + height <= high):
                yield (
                    tr(
                        "[fitted.{name}.regions] {region}: must be left, top, width, height "
                        "within {wide} x {high} pixels, and {jpeg_unit} wide and high or more"
                    ).format(name=name, region=region, wide=wide, high=high, jpeg_unit=JPEG_UNIT)
                )


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield what is allowed, but what a person should know."""
    for name in sorted(config.board.fitted.keys() - config.enabled):
        empty = [channel.name for channel in config.profile.channels if channel.part == name]
        if empty:
            yield tr("[fitted.{name}] is disabled: {listed} will have no values").format(
                name=name, listed=", ".join(empty)
            )
