"""The configuration of one node: a TOML file, checked against its board and profile.

`docs/examples/greenhouse.toml` shows every key. Secrets and identity are never in it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from fieldbeat.protocols import frame
from pydantic import Field, field_validator

from . import (
    alarm_tables,
    boards,
    modem_table,
    picture_table,
    power_table,
    profiles,
    reading_times,
    self_test_times,
    station_alarms,
)
from .board_model import Board, Part
from .errors import CannotTry
from .picture_table import Pictures
from .power_table import Power
from .profiles import Profile
from .validation import InvalidData, Strict, check, did_you_mean

NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"
NAME_RULE = "1 to 32 lower-case letters, digits and '-'"
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
SSID_RULE = "1 to 32 bytes of UTF-8 without control characters"
SSID_MAX = 32  # IEEE 802.11, 9.4.2.2
DAY_S = 86_400
NAT_S = 60  # how long networks are known to keep a way back open: 20 to 120 s
DATAGRAM_BYTES_MAX = 1300
# What a speaker has where nothing is said: it asks every few seconds, and bytes are cheap there.
SPEAKER_BUDGET_BYTES = 10_000_000
_NOWHERE = {"latitude": None, "longitude": None}
KEEPALIVE_BYTES = 40  # at most; only what the unit sends counts
# What a datagram has beyond a record: its length before it, and the frame.
RECORD_OVERHEAD_BYTES = 2 + frame.overhead(4, with_epoch=True)


class Node(Strict):
    name: str = Field(pattern=NAME, description=NAME_RULE)
    site: str = Field(pattern=NAME, description=NAME_RULE)
    board: str
    profile: str
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


class Uplink(Strict):
    """Where a unit reports to; a speaker's default of `budget_bytes_day` is the highest."""

    host: str = Field(pattern=HOST, description="a host name or an IPv4 address")
    port: int = Field(ge=1, le=65535)
    apn: str = Field(pattern=r"^[A-Za-z0-9.-]{0,63}$", description="an access point name, or ''")
    interval_s: int | None = Field(default=None, ge=30, le=DAY_S)
    datagram_bytes: int = Field(default=480, ge=128, le=DATAGRAM_BYTES_MAX)
    budget_bytes_day: int = Field(default=20_000, ge=1000, le=SPEAKER_BUDGET_BYTES)
    ack_timeout_s: int = Field(default=20, ge=2, le=120)


class Sampling(Strict):
    interval_s: int | None = Field(default=None, ge=1, le=DAY_S)
    report_samples: int | None = Field(default=None, ge=1, le=240)


class Speaker(Strict):
    """What a loudspeaker obeys; volumes in per cent of full scale.

    `emergency_volume` is a floor that no command goes below. With `two_issuers_level` = 1,
    emergencies of level 1 need two signatures; with 2 those of level 2, too; 0: never.
    `self_test`: see self_test_times.py; one fails below `battery_min_mv`, 0 for any voltage.
    """

    volume: int = Field(default=60, ge=0, le=100)
    emergency_volume: int = Field(default=80, ge=1, le=100)
    keepalive_s: int = Field(default=25, ge=5, le=3600)
    two_issuers_level: int = Field(default=0, ge=0, le=4)
    groups: list[Annotated[int, Field(ge=0, le=65535)]] = Field(default=[], max_length=16)
    self_test: str = Field(default="", description=f"'' or {self_test_times.RULE}")
    battery_min_mv: int = Field(default=0, ge=0, le=60_000)

    @field_validator("self_test")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        self_test_times.parse(text)
        return text

    def to_device_map(self) -> dict[str, Any]:
        """Return it as the unit keeps it."""
        when = self_test_times.parse(self.self_test)
        times = {f"self_test_{name}": int(value) for name, value in vars(when).items()}
        return self.model_dump(exclude={"self_test"}) | times


class Wifi(Strict):
    """The access point of a loudspeaker without Ethernet; its password is a secret of the unit.

    A network without a password must be called `open`: it is never so by mistake.
    """

    ssid: str = Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$", description=SSID_RULE)
    open: bool = False


class Nbiot(Strict):
    """What the way back over NB-IoT may cost; `[speaker]` and `[uplink]` say it of the Wi-Fi."""

    keepalive_s: int = Field(default=50, ge=10, le=3600)
    budget_bytes_day: int = Field(default=100_000, ge=1000, le=SPEAKER_BUDGET_BYTES)


JPEG_UNIT = 16  # pixels: what a region is cut along
Region = Annotated[list[Annotated[int, Field(ge=0, le=4095)]], Field(min_length=4, max_length=4)]


class Override(Strict):
    """What differs on this unit from what the board says about one fitted part."""

    enabled: bool = True
    address: int | None = Field(default=None, ge=1, le=247)
    datum_mm: int | None = Field(default=None, ge=-100_000, le=100_000)
    reckoned_c: int | None = Field(default=None, ge=-40, le=85)  # what its echoes are reckoned for
    tip_um: int | None = Field(default=None, ge=10, le=10_000)  # um of rain a tip
    # name -> left, top, width, height in pixels of the camera's largest frame
    regions: dict[str, Region] | None = None


class Tables(Strict):
    """The file as it is written."""

    node: Node
    uplink: Uplink
    sampling: Sampling = Sampling()
    speaker: Speaker | None = None
    wifi: Wifi | None = None
    nbiot: Nbiot | None = None
    power: Power | None = None
    pictures: Pictures | None = None
    alarm: list[alarm_tables.Alarm] = []
    pace: alarm_tables.Pace | None = None
    rain: alarm_tables.Rain | None = None
    modem: modem_table.Modem | None = None
    fitted: dict[str, Override] = {}


@dataclass(frozen=True)
class NodeConfig:
    """A checked configuration with the board and profile it belongs to.

    `notes` are things that are allowed but that a person should know.
    """

    source: str
    tables: Tables
    board: Board
    profile: Profile
    notes: tuple[str, ...] = ()

    def renamed(self, unit: str | None, site: str | None) -> NodeConfig:
        """Return it for a unit and a site of other names; None keeps the file's.

        Another unit is somewhere else: the coordinates of the file are not its own.

        Raises:
            CannotTry: a name is not allowed.
        """
        names = {"name": unit, "site": site}
        names = {key: check_name(given) for key, given in names.items() if given is not None}
        moved = {} if unit in (None, self.tables.node.name) else _NOWHERE
        node = self.tables.node.model_copy(update=names | moved)
        return replace(self, tables=self.tables.model_copy(update={"node": node}))

    @property
    def for_registry(self) -> dict[str, Any]:
        """What the registry is to know of it, so that alerts and other tools find it."""
        node, speaker = self.tables.node, self.tables.speaker
        where = {"latitude": node.latitude, "longitude": node.longitude}
        return {
            "site": node.site,
            "role": self.profile.role,
            "groups": ",".join(map(str, speaker.groups)) if speaker else "",
            "two_issuers_level": speaker.two_issuers_level if speaker else 0,
        } | (where if node.latitude is not None else {})

    @property
    def enabled(self) -> dict[str, Part]:
        """The fitted parts that are switched on, by name."""
        overrides = self.tables.fitted
        return {
            name: part
            for name, part in self.board.fitted.items()
            if (overrides[name].enabled if name in overrides else part.enabled)
        }

    @property
    def pictures(self) -> Pictures:
        """What `[pictures]` says, or would if it were there."""
        return self.tables.pictures or Pictures()

    @property
    def sampling_interval_s(self) -> int:
        return self.tables.sampling.interval_s or self.profile.interval_s

    @property
    def report_samples(self) -> int:
        return self.tables.sampling.report_samples or self.profile.report_samples

    @property
    def uplink_interval_s(self) -> int:
        """How often the carrier is opened; by default whenever a report is full."""
        chosen = self.tables.uplink.interval_s
        return chosen or max(30, min(DAY_S, self.sampling_interval_s * self.report_samples))

    @property
    def smallest_datagram_bytes(self) -> int:
        """What each of its roads takes: on a speaker with NB-IoT that of the modem."""
        return min(self.tables.uplink.datagram_bytes, self.modem_datagram_bytes)

    @property
    def modem_datagram_bytes(self) -> int:
        """What the modem of its board takes; as much as any datagram has where there is none."""
        modem = self.board.modem
        return modem_table.MODEMS[modem.part].datagram_bytes if modem else DATAGRAM_BYTES_MAX

    @property
    def report_bytes(self) -> int:
        """The most bytes on the air that one report takes, frame included."""
        return self.profile.largest_report_bytes(self.report_samples) + RECORD_OVERHEAD_BYTES

    @property
    def schema_bytes(self) -> int:
        """The bytes on the air of the event without which no report can be read."""
        return self.profile.largest_schema_bytes() + RECORD_OVERHEAD_BYTES

    def to_device_map(self) -> dict[str, Any]:
        """Return what `/config.cbor` holds: plain maps with every default filled in."""
        device = {
            "node": self.tables.node.model_dump(exclude={"latitude", "longitude"}),
            "uplink": self.tables.uplink.model_dump() | {"interval_s": self.uplink_interval_s},
            "sampling": {
                "interval_s": self.sampling_interval_s,
                "report_samples": self.report_samples,
            },
            "fitted": {
                name: override.model_dump(exclude_none=True)
                for name, override in self.tables.fitted.items()
            },
        }
        if self.profile.role == "speaker":
            device["speaker"] = (self.tables.speaker or Speaker()).to_device_map()
        if self.profile.role == "camera":
            device["pictures"] = self.pictures.model_dump()
        if self.tables.wifi:
            device["wifi"] = self.tables.wifi.model_dump()
            device["nbiot"] = (self.tables.nbiot or Nbiot()).model_dump()
        if self.tables.modem and self.board.modem:
            device["modem"] = self.tables.modem.to_device_map(self.board.modem.part)
        power = self.tables.power.to_device_map() if self.tables.power else {}
        watch = None if self.profile.role == "speaker" else station_alarms.to_device_map(self)
        if watch:
            device["watch"] = watch
        return device | ({"power": power} if power else {})


def check_name(given: str) -> str:
    """Return the name of a unit or a site as it was given on a command line.

    Raises:
        CannotTry: it is not allowed.
    """
    if not re.fullmatch(NAME, given):
        raise CannotTry(f"the name {given!r} is not allowed", f"give {NAME_RULE}")
    return given


def load(path: Path, within_budget: bool = True) -> NodeConfig:
    """Read and check a node's TOML file; without `within_budget`, not what [power] declares.

    Raises:
        CannotTry: the file cannot be read.
        InvalidData: it has mistakes; `problems` has them all.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise CannotTry(f"{path}: {error.strerror}", "name a file that you may read") from None
    except UnicodeDecodeError:
        raise InvalidData(str(path), ["the file is not UTF-8 text"]) from None
    return parse(text, str(path), within_budget)


def parse(text: str, source: str, within_budget: bool = True) -> NodeConfig:
    """Check a node's TOML text; `source` names it in messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidData(source, [f"this is no TOML: {error}"]) from None
    tables = check(Tables, data, source)
    known = {"board": boards.names(), "profile": profiles.names()}
    given = {"board": tables.node.board, "profile": tables.node.profile}
    problems = [
        f"[node] {key} = '{given[key]}': unknown {key}, {did_you_mean(given[key], known[key])}"
        for key in known
        if given[key] not in known[key]
    ]
    if problems:
        raise InvalidData(source, problems)
    board, profile = boards.load(tables.node.board), profiles.load(tables.node.profile)
    if profile.role == "speaker" and "budget_bytes_day" not in tables.uplink.model_fields_set:
        more = {"budget_bytes_day": SPEAKER_BUDGET_BYTES}
        uplink = tables.uplink.model_copy(update=more)
        tables = tables.model_copy(update={"uplink": uplink})
    config = NodeConfig(source, tables, board, profile)
    own = (_part_problems, _road_problems, _size_problems, _budget_problems)
    others = (modem_table, power_table, picture_table, station_alarms, reading_times)
    checks = (*own, *(each.problems for each in others))
    problems = [problem for each in checks for problem in each(config)]
    if within_budget and tables.power and not problems:
        from . import power_forecast  # adds up what a day costs, which few commands need

        problems = list(power_forecast.problems(config))
    if problems:
        raise InvalidData(source, problems)
    return NodeConfig(source, tables, board, profile, tuple(_notes(config)))


def _part_problems(config: NodeConfig) -> Iterator[str]:
    board, fitted = config.board, config.tables.fitted
    unknown = [name for name in fitted if name not in board.fitted]
    for name in unknown:
        yield f"[fitted.{name}]: not on {board.id}, {did_you_mean(name, board.fitted)}"
    for name, override in fitted.items():
        if name not in unknown and override.address and board.fitted[name].address is None:
            yield f"[fitted.{name}] address = {override.address}: this part has no address"
    yield from _level_problems(config)
    yield from _river_problems(config)
    addresses = {name: part.address for name, part in board.fitted.items()}
    for name, override in fitted.items():
        if override.address and addresses.get(name) is not None:
            addresses[name] = override.address
    yield from boards.address_problems(board, addresses)
    there = set(board.fitted) | ({"modem"} if board.modem else set())
    for channel in config.profile.channels:
        if channel.part not in there:
            yield (
                f"[node] profile = '{config.profile.id}': its channel '{channel.name}' needs a "
                f"part '{channel.part}', which {board.id} does not have"
            )
    node = config.tables.node
    if (node.latitude is None) != (node.longitude is None):
        yield "[node] latitude and longitude: give both, or none"
    if config.tables.speaker and config.profile.role != "speaker":
        yield f"[speaker]: profile '{config.profile.id}' is no speaker's, remove the table"
    if config.tables.pictures and config.profile.role != "camera":
        yield f"[pictures]: profile '{config.profile.id}' takes none, remove the table"
    if board.fitted and not config.enabled:
        yield "[fitted]: every part is disabled, at least one must be enabled"


def _level_problems(config: NodeConfig) -> Iterator[str]:
    """What hangs over water has its height above the gauge's zero, nothing else has one."""
    fitted, board = config.tables.fitted, config.board
    wanted = {channel.part for channel in config.profile.channels}
    for name, part in board.fitted.items():
        override = fitted.get(name)
        datum_mm = override.datum_mm if override else None
        if not boards.measures_level(part):
            if datum_mm is not None:
                yield f"[fitted.{name}] datum_mm = {datum_mm}: this part measures no level"
        elif (override is None and not part.enabled and name in wanted) or (
            name in config.enabled and datum_mm is None
        ):
            yield (
                f"[fitted.{name}] datum_mm: missing, must be the height in mm of the sensor's "
                "face above the zero of the gauge (or enabled = false, where none hangs)"
            )


def _air_problems(config: NodeConfig, name: str, part: str) -> Iterator[str]:
    """Echoes are corrected by the temperature of the air, which somebody has to measure."""
    if part != "a02yyuw":
        yield f"[fitted.{name}] reckoned_c: this part sends no sound, remove it"
    elif "air" not in config.board.fitted:
        yield f"[fitted.{name}] reckoned_c: {config.board.id} has no thermometer, remove it"
    elif "air" not in config.enabled:
        yield f"[fitted.{name}] reckoned_c: needs a thermometer, add [fitted.air] enabled = true"


def _river_problems(config: NodeConfig) -> Iterator[str]:
    """Keys that only a rain gauge, or a camera, knows."""
    for name, override in config.tables.fitted.items():
        part = config.board.fitted.get(name)
        if part is None:
            continue
        if override.tip_um is not None and part.part != "rain_gauge":
            yield f"[fitted.{name}] tip_um = {override.tip_um}: this part counts no rain"
        if override.reckoned_c is not None:
            yield from _air_problems(config, name, part.part)
        if override.regions is None:
            continue
        if part.part not in boards.CAMERAS:
            yield f"[fitted.{name}.regions]: this part takes no pictures"
            continue
        wide, high = boards.largest_frame(part)
        for region, (left, top, width, height) in override.regions.items():
            whole_unit = min(width, height) >= JPEG_UNIT
            if not (whole_unit and left + width <= wide and top + height <= high):
                yield (
                    f"[fitted.{name}.regions] {region}: must be left, top, width, height "
                    f"within {wide} x {high} pixels, and {JPEG_UNIT} wide and high or more"
                )


def _road_problems(config: NodeConfig) -> Iterator[str]:
    """How the board can reach the server, and what the file says of it."""
    board, tables = config.board, config.tables
    two_roads = board.wifi and board.modem is not None and not board.ethernet
    if config.profile.role != "speaker":
        two_roads = False
    elif not board.ethernet and not two_roads:
        yield (
            f"[node] board = '{board.id}': a speaker needs Ethernet, or Wi-Fi with a modem, "
            "choose speaker_esp32_eth or speaker_esp32s3_nbiot"
        )
    for name in ("wifi", "nbiot"):
        if getattr(tables, name) and not two_roads:
            yield f"[{name}]: {board.id} has no use for it as a {config.profile.role}, remove it"
    if two_roads and tables.wifi is None:
        yield f'[wifi]: missing, {board.id} reaches the server by it: ssid = "its name"'
    if tables.wifi and len(tables.wifi.ssid.encode()) > SSID_MAX:
        yield f"[wifi] ssid = '{tables.wifi.ssid}': must be {SSID_RULE}"


def _size_problems(config: NodeConfig) -> Iterator[str]:
    uplink, most = config.tables.uplink, config.modem_datagram_bytes
    only_modem = config.board.modem and not config.tables.wifi
    if only_modem and uplink.datagram_bytes > most:
        yield (
            f"[uplink] datagram_bytes = {uplink.datagram_bytes}: the modem of {config.board.id} "
            f"takes at most {most}"
        )
    # A record above datagram_bytes travels alone, but a report is to fit.
    if config.board.modem and config.schema_bytes > most:
        yield (
            f"[node] profile = '{config.profile.id}': what tells of its channels takes "
            f"{config.schema_bytes} bytes, but the modem of {config.board.id} takes at most "
            f"{most}: give it fewer channels or shorter names"
        )
    smallest = config.smallest_datagram_bytes
    if config.report_bytes > smallest:
        whose = (
            "[uplink] datagram_bytes is" if smallest == uplink.datagram_bytes else "NB-IoT takes"
        )
        yield (
            f"[sampling] report_samples = {config.report_samples}: such a report may take "
            f"{config.report_bytes} bytes, but {whose} {smallest}"
        )
    if config.sampling_interval_s * config.report_samples > DAY_S:
        yield (
            f"[sampling]: {config.report_samples} samples every {config.sampling_interval_s} s "
            f"make less than one report a day, their product must be at most {DAY_S} s"
        )
    if uplink.ack_timeout_s >= config.uplink_interval_s:
        yield (
            f"[uplink] ack_timeout_s = {uplink.ack_timeout_s}: must be below interval_s, "
            f"which is {config.uplink_interval_s} s"
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
                f"[{name}] budget_bytes_day = {budget}: a day of keepalives every "
                f"{every_s} s needs {needed}, or the speaker goes deaf before its end"
            )


def _notes(config: NodeConfig) -> Iterator[str]:
    for name in sorted(config.board.fitted.keys() - config.enabled):
        empty = [channel.name for channel in config.profile.channels if channel.part == name]
        if empty:
            yield f"[fitted.{name}] is disabled: {', '.join(empty)} will have no values"
    yield from reading_times.notes(config)
    yield from power_table.notes(config)
    nbiot = config.tables.nbiot or Nbiot()
    if config.tables.wifi and nbiot.keepalive_s > NAT_S:
        yield (
            f"[nbiot] keepalive_s = {nbiot.keepalive_s}: networks forget the way back after about "
            f"{NAT_S} s, so over NB-IoT an alert may come up to {nbiot.keepalive_s} s late"
        )
    reports = DAY_S // (config.sampling_interval_s * config.report_samples)
    budget = config.tables.uplink.budget_bytes_day
    if reports * config.report_bytes > budget:
        yield (
            f"[uplink] budget_bytes_day = {budget}: {reports} reports a day may take "
            f"{reports * config.report_bytes} bytes; what does not fit is sent later"
        )
