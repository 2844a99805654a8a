"""The configuration of one node: a TOML file, checked against its board and profile.

`docs/examples/greenhouse.toml` shows every key. Secrets and identity are never in it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fieldbeat.protocols import frame

from . import (
    boards,
    calibration_table,
    control_config,
    modem_table,
    node_checks,
    part_keys,
    profiles,
    station_alarms,
    toml_words,
)
from .board_model import Board, Part
from .errors import CannotTry
from .language import os_reason, tr
from .node_tables import (
    DATAGRAM_BYTES_MAX,
    DAY_S,
    SPEAKER_BUDGET_BYTES,
    Nbiot,
    Speaker,
    Tables,
    check_name,
)
from .picture_table import Pictures
from .profiles import Profile
from .validation import InvalidData, check, did_you_mean

_NOWHERE = {"latitude": None, "longitude": None}
# What a datagram has beyond a record: its length before it, and the frame.
RECORD_OVERHEAD_BYTES = 2 + frame.overhead(4, with_epoch=True)


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
    def obeys(self) -> bool:
        """Whether it takes orders of a person, and so has to know whose."""
        tables = self.tables
        return self.profile.role in profiles.OBEYING or bool(tables.control or tables.trace)

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
            "node": self.tables.node.model_dump(
                exclude={"latitude", "longitude"}, exclude_none=True
            ),
            "uplink": self.tables.uplink.model_dump() | {"interval_s": self.uplink_interval_s},
            "sampling": {
                "interval_s": self.sampling_interval_s,
                "report_samples": self.report_samples,
            }
            | calibration_table.to_device_map(self),
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
        control = control_config.to_device_map(self)
        if control:
            device["control"] = control
        if self.tables.trace:
            device["trace"] = self.tables.trace.model_dump()
        return device | ({"power": power} if power else {})


def load(path: Path, within_budget: bool = True) -> NodeConfig:
    """Read and check a node's TOML file; without `within_budget`, not what [power] declares.

    Raises:
        CannotTry: the file cannot be read.
        InvalidData: it has mistakes; `problems` has them all.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise CannotTry(
            f"{path}: {os_reason(error)}", tr("name a file that you may read")
        ) from None
    except UnicodeDecodeError:
        raise InvalidData(str(path), [tr("the file is not UTF-8 text")]) from None
    return parse(text, str(path), within_budget)


def parse(text: str, source: str, within_budget: bool = True) -> NodeConfig:
    """Check a node's TOML text; `source` names it in messages."""
    try:
        data = tomllib.loads(text)
    except toml_words.UNREADABLE as error:
        raise InvalidData(source, [_no_toml(text, error)]) from None
    tables = check(Tables, data, source, part_keys.of_file(data))
    known = {"board": boards.names(), "profile": profiles.names()}
    given = {"board": tables.node.board, "profile": tables.node.profile}
    problems = [
        tr("[node] {key} = '{given}': unknown {key}, {did_you_mean}").format(
            key=key, given=given[key], did_you_mean=did_you_mean(given[key], known[key])
        )
        for key in known
        if given[key] not in known[key]
    ]
    if problems:
        raise InvalidData(source, problems)
    board, profile = boards.load(tables.node.board), profiles.load(tables.node.profile)
    return checked(tables, board, profile, source, within_budget)


def _no_toml(text: str, error: Exception) -> str:
    """Return where a text is no TOML, with the line itself: most often a quote is missing."""
    at = re.search(r"at line (\d+)", str(error))
    lines = text.splitlines()
    line = lines[int(at[1]) - 1].strip() if at and int(at[1]) <= len(lines) else ""
    shown = tr("; the line is: {line}").format(line=line) if line else ""
    if one := re.fullmatch(r"\[\[?(\w+)\]?\]", line):
        at_lines = [str(n) for n, each in enumerate(lines, 1) if each.strip() == f"[{one[1]}]"]
        if at_lines and one[1] in ("rule", "alarm"):
            more = (
                tr(" and {value} more").format(value=len(at_lines) - 1)
                if len(at_lines) > 1
                else ""
            )
            shown += tr("; write [[{one}]], not [{one}], in line {at_lines}{more}").format(
                one=one[1], at_lines=at_lines[0], more=more
            )
    return tr(
        "this is no TOML: {error}{shown}; a text stands in quotes, a key is used once"
    ).format(error=toml_words.reason(error), shown=shown)


def checked(
    tables: Tables, board: Board, profile: Profile, source: str, within_budget: bool = True
) -> NodeConfig:
    """Return tables with the board and the profile that they are for.

    Raises:
        InvalidData: they do not fit; `problems` has all that is wrong.
    """
    if profile.role == "speaker" and "budget_bytes_day" not in tables.uplink.model_fields_set:
        more = {"budget_bytes_day": SPEAKER_BUDGET_BYTES}
        uplink = tables.uplink.model_copy(update=more)
        tables = tables.model_copy(update={"uplink": uplink})
    config = NodeConfig(source, tables, board, profile)
    problems = list(node_checks.problems(config))
    if within_budget and tables.power and not problems:
        from . import power_forecast  # adds up what a day costs, which few commands need

        problems = list(power_forecast.problems(config))
    if problems:
        raise InvalidData(source, problems)
    return NodeConfig(source, tables, board, profile, tuple(node_checks.notes(config)))
