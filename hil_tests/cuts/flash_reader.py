"""What stands in a unit's flash, read without a line of its firmware.

littlefs by the package littlefs-python; the log of records after the comment at the top of
`firmware/outbox.py`. NVS has a reader of its own: `host_tools/nvs_reader.py`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from mmap import mmap
from typing import Any

from littlefs import LittleFS, LittleFSError

BLOCK, UNIT = 4096, 32
DIRECTORY = 2  # type of an entry
Area = tuple[int, int]  # offset and size
FlashBytes = bytes | bytearray | mmap
SIZES = {"read_size": 32, "prog_size": 32, "cache_size": 128, "lookahead_size": 32}

# The log: two bits of kind above fourteen of length.
RECORD, ALARM, MARK = 0, 1, 2
MARK_SIZE = 8  # behind it, the chain's value


class Unreadable(Exception):
    """The bytes are no file system, or not one that can be read to its end."""


@dataclass
class Log:
    """The records on flash, by number."""

    records: dict[int, bytes] = field(default_factory=dict)
    alarms: set[int] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)  # files that end in something else
    twice: list[int] = field(default_factory=list)
    chain: dict[int, bytes] = field(default_factory=dict)  # its value before a record


class _Bytes:
    """What littlefs reads of; tells which blocks it looked into, and into which no further than
    their first bytes."""

    def __init__(self, flash: FlashBytes, area: Area) -> None:
        self._flash = flash
        self._at = area[0]
        self.seen: dict[int, int] = {}  # block: how many of its bytes count

    def read(self, _cfg: Any, block: int, offset: int, size: int) -> bytes | bytearray:
        """What littlefs asks for."""
        if self.seen.get(block) != BLOCK:
            self.seen[block] = UNIT if offset + size <= UNIT else BLOCK
        at = self._at + block * BLOCK + offset
        return self._flash[at : at + size]


def _mounted(content: _Bytes, area: Area) -> LittleFS:
    count = area[1] // BLOCK
    disk = LittleFS(context=content, block_size=BLOCK, block_count=count, mount=False, **SIZES)
    disk.mount()
    return disk


def files(flash: FlashBytes, area: Area) -> dict[str, bytes]:
    """Return the configuration files and the log's files.

    Args:
        flash: all of it.
        area: offset and size of the file system.

    Raises:
        Unreadable: littlefs does not mount, or a file has gone.
    """
    try:
        disk = _mounted(_Bytes(flash, area), area)
        top = disk.listdir("/")
        paths = [f"/{name}" for name in top if name.startswith("config.")]
        if "outbox" in top:
            paths += [f"/outbox/{name}" for name in disk.listdir("/outbox")]
        return {path: _content(disk, path) for path in paths}
    except (LittleFSError, OSError) as error:
        raise Unreadable(str(error)) from error


def _content(disk: LittleFS, path: str) -> bytes:
    with disk.open(path, "rb") as file:
        return file.read()


def reach(flash: FlashBytes, area: Area, without: Iterable[str] = ()) -> dict[int, int]:
    """Return the blocks that littlefs looks into when everything is read, with how many bytes.

    Args:
        flash: all of it.
        area: offset and size of the file system.
        without: directories whose files are left out.

    Raises:
        Unreadable: it cannot all be read.
    """
    content = _Bytes(flash, area)
    try:
        disk = _mounted(content, area)
        folders = [""]
        for folder in folders:
            for entry in disk.scandir(folder or "/"):
                path = f"{folder}/{entry.name}"
                if entry.type != DIRECTORY:
                    _content(disk, path)
                elif path not in without:
                    folders.append(path)
    except (LittleFSError, OSError) as error:
        raise Unreadable(str(error)) from error
    return content.seen


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
                if len(payload) > MARK_SIZE:
                    result.chain[rn] = payload[MARK_SIZE:]
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
