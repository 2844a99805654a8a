"""What became of one datagram that a collector took."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .language import tr

REASONS = {  # why a datagram is refused, in words
    "short": tr("too short for a frame"),
    "version": tr("no frame of ours"),
    "class": tr("a frame of another kind than reports and pictures"),
    "kid": tr("unknown key id: no unit of this registry has it"),
    "revoked": tr("its key is revoked: it was stolen, lost or replaced"),
    "epoch": tr("an old key, or one that this registry does not have"),
    "piv": tr("its sequence number is malformed"),
    "tag": tr("forged, damaged, or sealed with another key"),
    "replay": tr("its sequence number was there before: a copy"),
    "record": tr("a record in it cannot be read"),
    "store": tr("it could not be stored"),
}


@dataclass
class Outcome:
    """What became of one datagram; `reason` is empty when its records are stored."""

    at_s: float
    source: str
    size: int
    unit: str = ""
    kid: bytes = b""
    reason: str = ""
    detail: str = ""
    epoch: int = 0
    piv: int = -1
    is_part: bool = False  # of a picture: what it is for shows when that is whole
    records: list[str] = field(default_factory=list)  # the new ones, in words
    duplicates: int = 0
    cumulative: int | None = None  # what was acknowledged, if an answer was sent

    def refuse(self, reason: str, detail: str = "") -> None:
        """Say why it is not acknowledged."""
        self.reason, self.detail = reason, detail

    def renew(self) -> None:
        """Begin again after a transaction that failed."""
        self.reason = self.detail = ""
        self.records, self.duplicates = [], 0


def source_text(source: Any) -> str:
    """Return where a datagram came from, for people."""
    if isinstance(source, tuple) and len(source) >= 2:
        return f"{source[0]}:{source[1]}"
    return str(source)
