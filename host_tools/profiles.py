"""Profiles: what a kind of site measures, read from `firmware/profiles/*.json`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Literal

from fieldbeat.protocols import event, event_writer, schema, schema_map
from pydantic import Field

from . import alarm_tables
from .errors import CannotTry
from .language import tr
from .validation import InvalidData, Strict, check, did_you_mean

NAME = r"^[a-z][a-z0-9_]{0,31}$"
INT32 = 0x7FFFFFFF


class SchemaName(Strict):
    id: int = Field(ge=1, le=65535)  # 0 marks an event on the wire
    version: int = Field(ge=1, le=65535)


class Channel(Strict):
    """One column of a report: `minimum`, `maximum` and `dead_band` are counts (value x scale).

    `boards/README.md` tells what they do.
    """

    name: str = Field(pattern=NAME, description="lower-case letters, digits and '_'")
    source: str = Field(
        alias="from", pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$", description="'part.channel'"
    )
    unit: str
    scale: int = Field(ge=1, le=1_000_000)
    minimum: int = Field(ge=-INT32, le=INT32)
    maximum: int = Field(ge=-INT32, le=INT32)
    dead_band: int = Field(ge=0, le=INT32)
    stuck_rounds: int = Field(default=0, ge=0, le=10_000)

    @property
    def part(self) -> str:
        """The fitted part (or `modem`) that gives the value."""
        return self.source.partition(".")[0]


OBEYING = (
    "speaker",
    "camera",
)  # roles that take commands; one with [control] or [trace] does, too


class Profile(Strict):
    id: str = Field(pattern=NAME, description="lower-case letters, digits and '_'")
    role: Literal["station", "speaker", "camera"] = "station"  # a file of firmware/roles/
    layout: SchemaName = Field(alias="schema")
    interval_s: int = Field(ge=1, le=86_400)
    report_samples: int = Field(ge=1, le=240)
    channels: list[Channel] = Field(min_length=1, description="a list of channels")
    # What a site's config may replace: see station_alarms.py.
    alarm: list[alarm_tables.Alarm] = []
    pace: alarm_tables.Pace | None = None
    rain: alarm_tables.Rain | None = None

    def largest_report_bytes(self, samples: int) -> int:
        """Return a size that no report of so many samples exceeds, with quality codes and gaps.

        Each delta is as wide as the channel's whole range allows, which is what the encoder's raw
        escape costs: it takes that when no shorter code fits.
        """
        header = 3 + 1 + 5 + 2 + 4 + 2 + 4
        bits = 0
        for channel in self.channels:
            width = max(1, channel.maximum - channel.minimum).bit_length() + 1
            bits += 9 + (samples - 1) * width
            header += (width + 6) // 7 + 1
        presence = quality = len(self.channels) * ((samples + 7) // 8)
        return header + presence + 3 * quality + (bits + 7) // 8

    def largest_schema_bytes(self) -> int:
        """Return the size of the event that tells how reports are to be read."""
        columns = [
            schema.Column(c.name, c.unit, c.scale, c.minimum, c.maximum, c.dead_band)
            for c in self.channels
        ]
        layout = schema.Schema(self.layout.id, self.layout.version, self.interval_s, columns)
        body = {event.SCHEMA_MAP: schema_map.to_map(layout)}
        return len(event_writer.encode(INT32, event.SCHEMA, INT32, body))


def names() -> list[str]:
    """Return the names of all profiles."""
    folder = resources.files("fieldbeat.firmware.profiles")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json"))


def device_map(name: str) -> dict[str, Any]:
    """Return the profile as the device gets it.

    Raises:
        CannotTry: there is no such profile, or its file is no JSON.
    """
    if name not in names():
        message = tr("there is no profile '{name}', {did_you_mean}").format(
            name=name, did_you_mean=did_you_mean(name, names())
        )
        raise CannotTry(message, tr("correct [node] profile"))
    folder = resources.files("fieldbeat.firmware.profiles")
    try:
        return json.loads(folder.joinpath(f"{name}.json").read_text("utf-8"))
    except ValueError as error:
        message = tr("firmware/profiles/{name}.json is no JSON: {error}").format(
            name=name, error=error
        )
        raise CannotTry(message, tr("correct the file")) from None


def load(name: str) -> Profile:
    """Return a profile by name, checked.

    Raises:
        CannotTry: there is no such profile.
        InvalidData: its file has mistakes.
    """
    return parse(device_map(name), f"firmware/profiles/{name}.json")


def parse(data: dict[str, Any], source: str) -> Profile:
    """Check a profile that was read already; `source` names it in messages."""
    profile = check(Profile, data, source)
    problems = [
        tr("[channels] {name}: minimum {minimum} must be below {maximum}").format(
            name=channel.name, minimum=channel.minimum, maximum=channel.maximum
        )
        for channel in profile.channels
        if channel.minimum >= channel.maximum
    ]
    if len(profile.channels) > schema.MAX_COLUMNS:
        problems.append(
            tr("[channels]: {count}, at most {max_columns}").format(
                count=len(profile.channels), max_columns=schema.MAX_COLUMNS
            )
        )
    listed = [channel.name for channel in profile.channels]
    problems += [
        tr("[channels] {name}: used twice").format(name=name)
        for name in listed
        if listed.count(name) > 1
    ]
    if problems:
        raise InvalidData(source, problems)
    return profile
