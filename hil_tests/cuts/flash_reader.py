"""What stands in a unit's flash, read without a line of its firmware.

littlefs by the package littlefs-python; NVS after ESP-IDF's documentation; the log of records
after the comment at the top of `firmware/outbox.py`.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from littlefs import LittleFS, LittleFSError, UserContext

BLOCK = 4096
SIZES = {"read_size": 32, "prog_size": 32, "cache_size": 128, "lookahead_size": 32}

# NVS: states of a page; two bits of state for each entry; types.
PAGE_STATES = {0xFFFFFFFE: "active", 0xFFFFFFFC: "full", 0xFFFFFFF8: "freeing"}
ENTRIES, ENTRY = 126, 32
WRITTEN = 0b10
I32, BLOB_DATA, BLOB_INDEX = 0x14, 0x42, 0x48

# The log: two bits of kind above fourteen of length.
RECORD, ALARM, MARK = 0, 1, 2


class Unreadable(Exception):
    """The bytes are no file system, or not one that can be read to its end."""


@dataclass
class Log:
    """The records on flash, by number, and what the last mark says of them."""

    records: dict[int, bytes] = field(default_factory=dict)
    alarms: set[int] = field(default_factory=set)
    settled: set[int] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)  # files that end in something else
    twice: list[int] = field(default_factory=list)


def files(content: bytes) -> dict[str, bytes]:
    """Return the configuration files and the log's files of a `vfs` partition.

    Raises:
        Unreadable: littlefs does not mount, or a file has gone.
    """
    try:
        disk = LittleFS(
            context=UserContext(buffer=bytearray(content)),
            block_size=BLOCK,
            block_count=len(content) // BLOCK,
            mount=False,
            **SIZES,
        )
        disk.mount()
        top = disk.listdir("/")
        paths = [f"/{name}" for name in top if name.startswith("config.")]
        if "outbox" in top:
            paths += [f"/outbox/{name}" for name in disk.listdir("/outbox")]
        found = {}
        for path in paths:
            with disk.open(path, "rb") as file:
                found[path] = file.read()
    except (LittleFSError, OSError) as error:
        raise Unreadable(str(error)) from error
    return found


def log(found: dict[str, bytes]) -> Log:
    """Read the log out of the files."""
    result = Log()
    segments = []
    for path, content in found.items():
        stem, _, ending = path.removeprefix("/outbox/").partition(".")
        if path.startswith("/outbox/") and ending == "log" and stem.isdecimal():
            segments.append((int(stem), path, content))
    for first, path, content in sorted(segments):
        rn, at = first, 0
        while at < len(content):
            entry = _entry(content, at, rn)
            if entry is None:
                result.torn.append(path)
                break
            kind, payload = entry
            at += len(payload) + 6
            if kind == MARK:
                floor, bits = struct.unpack("<II", payload)
                result.settled = {n for n in range(32) if bits >> n & 1}
                result.settled = {floor + n for n in result.settled} | set(range(1, floor))
                continue
            if result.records.get(rn, payload) != payload:
                result.twice.append(rn)
            result.records[rn] = payload
            if kind == ALARM:
                result.alarms.add(rn)
            rn += 1
    return result


def _entry(content: bytes, at: int, rn: int) -> tuple[int, bytes] | None:
    if at + 6 > len(content):
        return None
    (head,) = struct.unpack_from("<H", content, at)
    kind, end = head >> 14, at + 2 + (head & 0x3FFF)
    if end + 4 > len(content):
        return None
    (checksum,) = struct.unpack_from("<I", content, end)
    if zlib.crc32(content[at:end], rn) != checksum:
        return None
    return kind, content[at + 2 : end]


def nvs(content: bytes, namespace: str = "fieldbeat") -> dict[str, int | bytes]:
    """Return the values of a namespace in an NVS partition.

    Of two entries of one name the later one counts: in the later page, or further on in a page.
    """
    pages = []
    for at in range(0, len(content), BLOCK):
        page = content[at : at + BLOCK]
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


def _entries(page: bytes) -> dict[tuple[int, str, int, int], bytes]:
    found, index = {}, 0
    while index < ENTRIES:
        state = page[32 + index // 4] >> index % 4 * 2 & 0b11
        raw = page[64 + index * ENTRY : 64 + (index + 1) * ENTRY]
        space, kind, span, chunk, checksum = struct.unpack_from("<BBBBI", raw)
        if state != WRITTEN or _crc(raw[:4] + raw[8:]) != checksum or not span:
            index += 1
            continue
        whole = page[64 + index * ENTRY : 64 + (index + span) * ENTRY]
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
