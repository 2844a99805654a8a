"""The values in an NVS partition, read from its bytes after ESP-IDF's documentation.

    read(flash[0x9000:0xF000])["kid"]

Shares nothing with the bench's `virtual/nvs.py`, which writes such pages: one judges the other.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import struct
import zlib

PAGE = 4096
BITMAP_AT, ENTRIES_AT = 32, 64
# States of a page; two bits of state for each entry; types.
PAGE_STATES = {0xFFFFFFFE: "active", 0xFFFFFFFC: "full", 0xFFFFFFF8: "freeing"}
ENTRIES, ENTRY = 126, 32
WRITTEN, CLEARED = 0b10, 0b00
I32, BLOB_DATA, BLOB_INDEX = 0x14, 0x42, 0x48


def read(content: bytes, namespace: str = "fieldbeat") -> dict[str, int | bytes]:
    """Return the values of a namespace in an NVS partition.

    Of two entries of one name the later one counts: in the later page, or further on in a page.
    """
    pages = []
    for at in range(0, len(content) - PAGE + 1, PAGE):
        page = content[at : at + PAGE]
        state, sequence = struct.unpack_from("<II", page)
        if state in PAGE_STATES and _crc(page[4:28]) == struct.unpack_from("<I", page, 28)[0]:
            pages.append((sequence, page))
    found: dict[tuple[int, str, int, int], bytes] = {}
    for _, page in sorted(pages):
        found |= _entries(page)
    spaces = {key: raw[24] for (space, key, _, _), raw in found.items() if space == 0}
    wanted = spaces.get(namespace)
    values: dict[str, int | bytes] = {}
    for (space, key, kind, _), raw in found.items():
        if space != wanted:
            continue
        if kind == I32:
            values[key] = struct.unpack_from("<i", raw, 24)[0]
        elif kind == BLOB_INDEX:
            size, count, start = struct.unpack_from("<IBB", raw, 24)
            chunks = [found.get((space, key, BLOB_DATA, start + n)) for n in range(count)]
            if None not in chunks:
                values[key] = b"".join(_data(chunk) for chunk in chunks if chunk)[:size]
    return values


def what_counts(page: bytes) -> bytes:
    """Return a page without the bytes of entries that are cleared: nobody looks into them."""
    parts = [page[:ENTRIES_AT]]
    for index in range(ENTRIES):
        if _state(page, index) != CLEARED:
            parts.append(page[ENTRIES_AT + index * ENTRY : ENTRIES_AT + (index + 1) * ENTRY])
    return b"".join(parts)


def _state(page: bytes, index: int) -> int:
    return page[BITMAP_AT + index // 4] >> index % 4 * 2 & 0b11


def _entries(page: bytes) -> dict[tuple[int, str, int, int], bytes]:
    found, index = {}, 0
    while index < ENTRIES:
        state = _state(page, index)
        raw = page[ENTRIES_AT + index * ENTRY : ENTRIES_AT + (index + 1) * ENTRY]
        space, kind, span, chunk, checksum = struct.unpack_from("<BBBBI", raw)
        if state != WRITTEN or _crc(raw[:4] + raw[8:]) != checksum or not span:
            index += 1
            continue
        whole = page[ENTRIES_AT + index * ENTRY : ENTRIES_AT + (index + span) * ENTRY]
        index += span
        if kind == BLOB_DATA and _crc(_data(whole)) != struct.unpack_from("<I", raw, 28)[0]:
            continue
        key = raw[8:24].rstrip(b"\0").decode("ascii", "replace")
        found[space, key, kind, chunk] = whole
    return found


def _data(whole: bytes) -> bytes:
    (size,) = struct.unpack_from("<H", whole, 24)
    return whole[ENTRY : ENTRY + size]


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF)
