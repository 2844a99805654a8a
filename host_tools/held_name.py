"""The name that a board holds in its own `nvs` partition, which outlives a lost registry.

Format: ESP-IDF, "Non-Volatile Storage", version 2: pages of 4 kB, each a header, two bits of state
for each of its 126 entries, and the entries.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from .nvs_image import ENTRY, ENTRY_BYTES, NAMESPACE, PAGE_BYTES
from .partition_table import Partition

_IN_USE = (0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8)  # a page that is active, full, being freed
_BITMAP_AT, _ENTRIES_AT, _ENTRIES = 32, 64, 126
_WRITTEN = 0b10
_U8, _BLOB = 0x01, 0x42


def of_board(loader: Any, nvs: Partition) -> str:
    """Return the name of the unit that a board is, '' if it is none; `loader` has the stub."""
    return find(loader.read_flash(nvs.offset, nvs.size))


def find(content: bytes) -> str:
    """Return the unit's name in an NVS partition, '' if there is none; the last written counts."""
    starts = range(0, len(content) - PAGE_BYTES + 1, PAGE_BYTES)
    pages = [content[at : at + PAGE_BYTES] for at in starts]
    heads = [struct.unpack_from("<II", page) for page in pages]
    used = sorted(
        (sequence, page)
        for (state, sequence), page in zip(heads, pages, strict=True)
        if state in _IN_USE
    )
    ours, name = -1, ""
    for _, page in used:
        for space, kind, key, value, data in _entries(page):
            if (space, kind, key) == (0, _U8, NAMESPACE):
                ours = value[0]
            elif (space, kind, key) == (ours, _BLOB, "unit"):
                name = data.decode("utf-8", "replace")
    return name


def _entries(page: bytes) -> Iterator[tuple[int, int, str, bytes, bytes]]:
    """Yield the whole entries of a page: name space, type, key, value, and what follows it."""
    index = 0
    while index < _ENTRIES:
        at = _ENTRIES_AT + index * ENTRY_BYTES
        space, kind, span, _, checksum, key, value = ENTRY.unpack_from(page, at)
        head = page[at : at + 4] + page[at + 8 : at + ENTRY_BYTES]
        state = page[_BITMAP_AT + index // 4] >> index % 4 * 2 & 0b11
        if state != _WRITTEN or _crc(head) != checksum:
            index += 1
            continue
        index += max(span, 1)
        data_at = at + ENTRY_BYTES
        data = page[data_at : data_at + int.from_bytes(value[:2], "little")]
        if kind != _BLOB or _crc(data) == int.from_bytes(value[4:], "little"):
            yield space, kind, key.rstrip(b"\0").decode("ascii", "replace"), value, data


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF)
