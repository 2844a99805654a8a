"""What is wrong of the way to the server in a node's file: road, datagrams, reports, budgets."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .language import tr
from .node_tables import DAY_S, SSID_RULE, Nbiot, Speaker

if TYPE_CHECKING:
    from .node_config import NodeConfig

SSID_MAX = 32  # IEEE 802.11, 9.4.2.2
NAT_S = 60  # how long networks are known to keep a way back open: 20 to 120 s
KEEPALIVE_BYTES = 40  # at most; only what the unit sends counts


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what is wrong."""
    for find in (_road_problems, _datagram_problems, _report_problems, _budget_problems):
        yield from find(config)


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


def _datagram_problems(config: NodeConfig) -> Iterator[str]:
    """What the modem takes in one datagram."""
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


def _report_problems(config: NodeConfig) -> Iterator[str]:
    """How large reports are, how often they come, and how long is waited for an answer."""
    uplink = config.tables.uplink
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
