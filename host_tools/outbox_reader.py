"""Reads what a unit has not sent yet out of its flash, over its serial port.

The unit's outbox is a folder of segments, files named after the number of their first record;
`firmware/outbox.py` tells what is in them. SMP lists no folder, so the names are found: `status`
says which record is the lowest that the unit holds, and a segment begins at most `_MOST` records
before it; the next one is named after the record that follows the last.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

_MOST = 4096 // 7  # records in a segment of 4 KiB: each has 6 bytes beside its content
_MARK = 2  # kind of an entry that holds no record
_STATUS = re.compile(r"(\d+) records, \d+ bytes, from #(\d+)")


class Files(Protocol):
    """What reading needs of an `SmpLink`."""

    def status(self) -> dict[str, str]: ...
    def download(self, path: str) -> bytes | None: ...


@dataclass
class Waiting:
    """What a unit holds: `count` records that were not acknowledged, None if it does not say."""

    count: int | None
    records: list[tuple[int, bytes]] = field(default_factory=list)  # number, content

    @property
    def lost(self) -> int:
        """How many of them can no longer be read."""
        return max(0, (self.count or 0) - len(self.records))


def read(link: Files) -> Waiting:
    """Return the records that a unit still holds, oldest first; sent ones may be among them.

    Raises:
        LinkError: the connection failed.
    """
    found = _STATUS.search(link.status().get("outbox", ""))
    if not found:
        return Waiting(None)
    waiting, floor = Waiting(int(found[1])), int(found[2])
    first = _first_segment(link, floor)
    while first is not None:
        name, data = first
        records = list(entries(data, name))
        waiting.records += [(rn, raw) for rn, raw in records if rn >= floor]
        after = name + len(records)
        first = _segment(link, after) if records else None
        if first is None and waiting.lost:  # damaged: the next one begins somewhere behind
            first = _next_segment(link, after + 1)
    return waiting


def entries(data: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    """Yield (number, record) of a segment up to its end or to where it is torn."""
    at, rn = 0, first
    while at + 2 <= len(data):
        (word,) = struct.unpack_from("<H", data, at)
        end = at + 2 + (word & 0x3FFF)
        payload = data[at + 2 : end]
        check = zlib.crc32(payload, zlib.crc32(data[at : at + 2], rn))
        if end + 4 > len(data) or not payload or data[end : end + 4] != struct.pack("<I", check):
            return
        if word >> 14 != _MARK:
            yield rn, payload
            rn += 1
        at = end + 4


def _first_segment(link: Files, floor: int) -> tuple[int, bytes] | None:
    """Return the segment that holds a record, or the next one behind it."""
    for name in range(floor, max(0, floor - _MOST - 1), -1):
        if found := _segment(link, name):
            return found
    return _next_segment(link, floor + 1)


def _next_segment(link: Files, name: int) -> tuple[int, bytes] | None:
    segments = (_segment(link, each) for each in range(name, name + _MOST))
    return next((found for found in segments if found), None)


def _segment(link: Files, name: int) -> tuple[int, bytes] | None:
    data = link.download(f"/outbox/{name}.log")
    return (name, data) if data is not None else None
