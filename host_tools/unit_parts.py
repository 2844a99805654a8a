"""What a unit has to measure with, asked from itself over its console port, and what that says."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from fieldbeat.protocols import cbor

from . import stimuli
from .errors import CannotTry
from .language import tr
from .profiles import Channel
from .stimuli import Stimulus
from .validation import check, did_you_mean

# A unit on the air may have no heap for more for a minute; a driver takes 15 s at most.
ATTEMPTS, READ_S = 8, 20.0
MODEM = "modem"  # as the part of a channel: no fitted part
_ROW = re.compile(r"(\S+) +(no value|-?\d+(?:\.\d+)?)(?: (.*))?")
_REASON = re.compile(r"^[^:]+: ([a-z0-9_]+)")


class Link(Protocol):
    """What is needed of an `SmpLink`."""

    def download(self, path: str) -> bytes | None: ...
    def run(self, argv: list[str], attempts: int = 1, timeout_s: float = 0) -> tuple[str, int]: ...


class Unread(Exception):
    """A part that could not be read; `reason` is one of protocols/reasons.py, or ''."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = _REASON.match(text)
        self.reason = found[1] if found else ""
        self.is_busy = "MemoryError" in text  # a unit on the air has no heap for it


@dataclass(frozen=True)
class Subject:
    """One channel of a part: `own` is what the part calls it, `channel` what the profile makes.

    Without a `channel` in the profile it has a `unit` of its own.
    """

    part: str
    own: str
    channel: Channel | None
    stimulus: Stimulus | None
    unit: str = ""

    @property
    def name(self) -> str:
        return self.channel.name if self.channel else f"{self.part}.{self.own}".rstrip(".")


@dataclass(frozen=True)
class Unit:
    """What a unit says of itself; `parts` are kinds by name of what is fitted and switched on.

    `others` are (part, its own name of a channel, unit) of what the profile has no channel of.
    """

    name: str
    board: str
    profile: str
    parts: dict[str, str]
    channels: tuple[Channel, ...]
    trim: dict[str, list[int]]
    others: tuple[tuple[str, str, str], ...] = ()

    def subjects(self, wanted: Iterable[str] = ()) -> list[Subject]:
        """Return what can be checked, of the named parts or of all.

        Raises:
            CannotTry: there is no such part, or it is switched off.
        """
        found = [
            Subject(c.part, own, c, stimuli.of(self.parts[c.part], own))
            for c in self.channels
            if c.part in self.parts
            for own in (c.source.partition(".")[2],)
        ]
        for part, own, unit in self.others:
            found.append(Subject(part, own, None, stimuli.of(self.parts[part], own), unit))
        there = sorted({subject.part for subject in found})
        for name in wanted:
            if name not in there:
                message = tr(
                    "{name} has no part '{name_2}' that measures and is switched on"
                ).format(name=self.name, name_2=name)
                raise CannotTry(message, did_you_mean(name, there))
        chosen = set(wanted or there)
        order = list(dict.fromkeys(s.part for s in found if s.part in chosen))
        return [subject for part in order for subject in found if subject.part == part]


def ask(link: Link) -> Unit:
    """Return what a unit has, by its board, profile and config files.

    Raises:
        CannotTry: it has no such files.
    """
    config, board, profile = (_file(link, name) for name in ("config", "board", "profile"))
    fitted, overrides = board["fitted"], config.get("fitted", {})
    parts = {
        name: part["part"]
        for name, part in sorted(fitted.items())
        if overrides.get(name, {}).get("enabled", part.get("enabled", True))
    }
    channels = tuple(check(Channel, each, "/profile.cbor") for each in profile["channels"])
    node, trim = config["node"], config["sampling"].get("trim", {})
    covered = {channel.part for channel in channels}
    others = tuple(
        (part, own, unit)
        for part, kind in parts.items()
        if kind in stimuli.MEASURING and part not in covered
        for own, unit in _own_channels(link, part)
    )
    return Unit(node["name"], node["board"], node["profile"], parts, channels, trim, others)


def _own_channels(link: Link, part: str) -> list[tuple[str, str]]:
    """Return what a part measures; an empty name, which it never has, if it does not say."""
    try:
        return [(row[1], row[3] or "") for row in _rows(link, part)]
    except Unread:
        return [("", "")]


def _file(link: Link, name: str) -> dict[str, Any]:
    data = link.download(f"/{name}.cbor")
    if data is None:
        raise CannotTry(
            tr("the unit has no /{name}.cbor").format(name=name),
            tr("flash and provision it first: 'fieldbeat flash'"),
        )
    return cbor.decode(data)


def read(link: Link, part: str) -> dict[str, float | None]:
    """Read a part now; return its values by its own names of its channels.

    Raises:
        Unread: its driver could not.
        LinkError: the connection failed.
    """
    rows = _rows(link, part)
    return {row[1]: None if row[2] == "no value" else float(row[2]) for row in rows}


def _rows(link: Link, part: str) -> list[re.Match[str]]:
    text, code = link.run(["read", part], ATTEMPTS, READ_S)
    if code:
        raise Unread(text)
    return [found for line in text.splitlines() if (found := _ROW.fullmatch(line))]
