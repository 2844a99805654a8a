"""What is known of a unit, as lines that the rules of `doctor_rules.py` look for.

A line begins with where it comes from, as in 'counter modem_silent 3', 'at +CEREG: 0,2',
'story ended watchdog while sending', 'store silent 7200'.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import flight_records

# Of a battery that never was above the first: below which it is low.
_LOW_MV = ((6000, 3300), (10_000, 5600), (20_000, 11_300))
_FINAL = re.compile(r"OK|ERROR|\+CM[ES] ERROR: ?\S+|SEND (?:OK|FAIL)|CLOSE OK")
_PREFIX = re.compile(r"\+\w+(?=:)")


@dataclass
class Evidence:
    """What was read of a unit: files as they are, and what the shell said, by verb."""

    unit: str = ""
    mac: str = ""  # of its chip, as 'aa:bb:...'
    port: str = ""  # running, held, prompt, empty
    verbs: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    console: str = ""  # what it said while it was held
    config: dict[str, Any] = field(default_factory=dict)
    issuers: bytes | None = None  # whom it obeys, as it keeps them
    here: list[str] = field(default_factory=list)  # of registry and store, lines
    missing: list[str] = field(default_factory=list)  # what could not be read, in words

    def lines(self) -> list[str]:
        """Return all of it as lines."""
        found = [f"port {self.port}"] if self.port else []
        found += [f"status {line}" for line in _rows(self.verbs.get("status", ""))]
        found += [f"counter {line}" for line in _rows(self.verbs.get("counters", ""))]
        found += [f"log {line}" for line in self.verbs.get("log", "").splitlines()]
        found += [f"sensor {line}" for line in _rows(self.verbs.get("sensors", ""))]
        found += [f"selftest {line}" for line in self.verbs.get("selftest", "").splitlines()]
        found += [f"console {line}" for line in self.console.splitlines() if line.strip()]
        found += _crashes(self.files.get("crash.txt", b"").decode("utf-8", "replace"))
        flight = flight_records.read(self.files.get("flight.cbor", b""))
        found += _story(flight.story)
        found += _dialogue(flight.dialogue)
        found += [f"config {line}" for line in _flat(self.config)]
        return found + self.here


def _rows(text: str) -> list[str]:
    """Return the rows of a two-column answer with one space between name and value."""
    rows = (line.strip().partition("  ") for line in text.splitlines())
    return [f"{name.strip()} {value.strip()}".strip() for name, _, value in rows if name.strip()]


def _flat(value: Mapping[str, Any], path: str = "") -> Iterable[str]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _flat(each, f"{path}{name}.")
        else:
            yield f"{path}{name} = {each}"


def _crashes(text: str) -> list[str]:
    """Return the last line of each traceback, the newest last."""
    blocks = re.split(r"(?m)^after \d+ s:$", text)
    ends = (block.strip().splitlines()[-1:] for block in blocks)
    return [f"crash {line}" for end in ends for line in end]


def _story(story: Iterable[str]) -> list[str]:
    """Return the story; of what is told again and again the last one counts."""
    found, last_wake, rails = [], "", []
    for line in story:
        what, _, value = line.partition(" ")
        if what == "wake":
            last_wake = f"wake {value}"
        elif what == "rail":
            rails.append(int(value))
        else:
            found.append(f"story {line}")
    if last_wake:
        found.append(last_wake)
    if rails:
        limit = next((low for top, low in _LOW_MV if max(rails) < top), 0)
        found.append(f"rail {rails[-1]} mV" + (" low" if rails[-1] < limit else ""))
    return found


def _dialogue(dialogue: Iterable[tuple[bool, str]]) -> list[str]:
    """Return of each command the last final result, of each information line the last one."""
    command = ""
    last: dict[str, str] = {}
    for is_sent, line in dialogue:
        if is_sent:
            command = line
            continue
        prefix = _PREFIX.match(line)
        if _FINAL.fullmatch(line):
            last.pop(command, None)
            if line not in ("OK", "SEND OK", "CLOSE OK"):
                last[command] = f"at {command} -> {line}"
        elif prefix:
            last.pop(prefix[0], None)
            last[prefix[0]] = f"at {line}"
    return list(last.values())
