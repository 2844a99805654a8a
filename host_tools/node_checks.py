"""What is wrong of a node's file as a whole, and what a person should know of it.

What concerns one table with a file of its own is said there.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import (
    boards,
    calibration_table,
    control_config,
    field_keys,
    level_reach,
    modem_table,
    picture_table,
    power_table,
    reading_times,
    station_alarms,
    trace_table,
)
from .language import tr
from .node_tables import DAY_S, SSID_RULE, Nbiot, Speaker
from .validation import did_you_mean

if TYPE_CHECKING:
    from .node_config import NodeConfig

SSID_MAX = 32  # IEEE 802.11, 9.4.2.2
NAT_S = 60  # how long networks are known to keep a way back open: 20 to 120 s
KEEPALIVE_BYTES = 40  # at most; only what the unit sends counts
JPEG_UNIT = 16  # pixels: what a region is cut along


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield all that is wrong, also in tables that have a file of their own."""
    own = (_part_problems, _road_problems, _size_problems, _budget_problems)
    others = (
        calibration_table,
        modem_table,
        power_table,
        picture_table,
        station_alarms,
        trace_table,
        reading_times,
        control_config,
    )
    for find in (*own, *(each.problems for each in others)):
        yield from find(config)


def _part_problems(config: NodeConfig) -> Iterator[str]:
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


def _road_problems(config: NodeConfig) -> Iterator[str]:
    """How the board can reach the server, and what the file says of it."""
    board, tables = config.board, config.tables
    two_roads = board.wifi and board.modem is not None and not board.ethernet
    if config.profile.role != "speaker":
        two_roads = False
    elif not board.ethernet and not two_roads:
        yield (
            tr(
                "[node] board = '{id}': a speaker needs Ethernet, or Wi-Fi with a modem, "
                "choose speaker_esp32_eth or speaker_esp32s3_nbiot"
            ).format(id=board.id)
        )
    for name in ("wifi", "nbiot"):
        if getattr(tables, name) and not two_roads:
            yield tr("[{name}]: {id} has no use for it as a {role}, remove it").format(
                name=name, id=board.id, role=config.profile.role
            )
    if two_roads and tables.wifi is None:
        yield tr('[wifi]: missing, {id} reaches the server by it: ssid = "its name"').format(
            id=board.id
        )
    if tables.wifi and len(tables.wifi.ssid.encode()) > SSID_MAX:
        yield tr("[wifi] ssid = '{ssid}': must be {ssid_rule}").format(
            ssid=tables.wifi.ssid, ssid_rule=SSID_RULE
        )


def _size_problems(config: NodeConfig) -> Iterator[str]:
    uplink, most = config.tables.uplink, config.modem_datagram_bytes
    only_modem = config.board.modem and not config.tables.wifi
    if only_modem and uplink.datagram_bytes > most:
        yield (
            tr(
                "[uplink] datagram_bytes = {datagram_bytes}: the modem of {id} takes at "
                "most {most}"
            ).format(datagram_bytes=uplink.datagram_bytes, id=config.board.id, most=most)
        )
    # A record above datagram_bytes travels alone, but a report is to fit.
    if config.board.modem and config.schema_bytes > most:
        yield (
            tr(
                "[node] profile = '{id}': what tells of its channels takes "
                "{schema_bytes} bytes, but the modem of {id_2} takes at most {most}: "
                "give it fewer channels or shorter names"
            ).format(
                id=config.profile.id,
                schema_bytes=config.schema_bytes,
                id_2=config.board.id,
                most=most,
            )
        )
    smallest = config.smallest_datagram_bytes
    if config.report_bytes > smallest:
        whose = (
            tr("[uplink] datagram_bytes is")
            if smallest == uplink.datagram_bytes
            else tr("NB-IoT takes")
        )
        yield (
            tr(
                "[sampling] report_samples = {report_samples}: such a report may take "
                "{report_bytes} bytes, but {whose} {smallest}"
            ).format(
                report_samples=config.report_samples,
                report_bytes=config.report_bytes,
                whose=whose,
                smallest=smallest,
            )
        )
    if config.sampling_interval_s * config.report_samples > DAY_S:
        yield (
            tr(
                "[sampling]: {report_samples} samples every {sampling_interval_s} s make "
                "less than one report a day, their product must be at most {day_s} s"
            ).format(
                report_samples=config.report_samples,
                sampling_interval_s=config.sampling_interval_s,
                day_s=DAY_S,
            )
        )
    if uplink.ack_timeout_s >= config.uplink_interval_s:
        yield (
            tr(
                "[uplink] ack_timeout_s = {ack_timeout_s}: must be below interval_s, "
                "which is {uplink_interval_s} s"
            ).format(
                ack_timeout_s=uplink.ack_timeout_s, uplink_interval_s=config.uplink_interval_s
            )
        )


def _budget_problems(config: NodeConfig) -> Iterator[str]:
    """A speaker whose budget is used up says nothing any more, so no command finds its way."""
    if config.profile.role != "speaker":
        return
    uplink, keepalive_s = config.tables.uplink, (config.tables.speaker or Speaker()).keepalive_s
    roads = [("uplink", uplink.budget_bytes_day, keepalive_s, uplink.datagram_bytes)]
    if config.tables.wifi:
        nbiot = config.tables.nbiot or Nbiot()
        datagram = config.smallest_datagram_bytes
        roads.append(("nbiot", nbiot.budget_bytes_day, nbiot.keepalive_s, datagram))
    for name, budget, every_s, datagram in roads:
        # The unit sends only while a full datagram is left.
        needed = KEEPALIVE_BYTES * (DAY_S // every_s) + datagram
        if budget < needed:
            yield (
                tr(
                    "[{name}] budget_bytes_day = {budget}: a day of keepalives every "
                    "{every_s} s needs {needed}, or the speaker goes deaf before its end"
                ).format(name=name, budget=budget, every_s=every_s, needed=needed)
            )


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield what is allowed, but what a person should know."""
    for name in sorted(config.board.fitted.keys() - config.enabled):
        empty = [channel.name for channel in config.profile.channels if channel.part == name]
        if empty:
            yield tr("[fitted.{name}] is disabled: {listed} will have no values").format(
                name=name, listed=", ".join(empty)
            )
    yield from level_reach.notes(config)
    yield from picture_table.notes(config)
    yield from reading_times.notes(config)
    yield from power_table.notes(config)
    yield from control_config.notes(config)
    nbiot = config.tables.nbiot or Nbiot()
    if config.tables.wifi and nbiot.keepalive_s > NAT_S:
        yield (
            tr(
                "[nbiot] keepalive_s = {keepalive_s}: networks forget the way back after "
                "about {nat_s} s, so over NB-IoT an alert may come up to {keepalive_s} s "
                "late"
            ).format(keepalive_s=nbiot.keepalive_s, nat_s=NAT_S)
        )
    reports = DAY_S // (config.sampling_interval_s * config.report_samples)
    budget = config.tables.uplink.budget_bytes_day
    if reports * config.report_bytes > budget:
        yield (
            tr(
                "[uplink] budget_bytes_day = {budget}: {reports} reports a day may take "
                "{value} bytes; what does not fit is sent later"
            ).format(budget=budget, reports=reports, value=reports * config.report_bytes)
        )
