"""The partition table in flash (ESP-IDF programming guide, "Partition Tables").

An entry has 32 bytes: magic AA 50, type, subtype, offset, size, label[16], flags. The list ends at
an entry of ones; an entry with magic EB EB holds an MD5 of what stands before it.

Written from the guide, as a boot loader is, and not from host_tools/partition_table.py: what that
one writes has to be read here.
"""

import hashlib
import struct
from typing import NamedTuple

from .flash import Flash

TABLE_OFFSET = 0x8000
TABLE_BYTES = 0xC00
TYPE_APP, TYPE_DATA = 0, 1
_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC, _MD5_MAGIC = b"\xaa\x50", b"\xeb\xeb"


class Partition(NamedTuple):
    """One row of the table; offset and size in bytes."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int


def read_table(flash: Flash, offset: int = TABLE_OFFSET) -> list[Partition]:
    """Reads the table; an absent or damaged one is an empty list, as it is to a board."""
    table = []
    raw = flash.read(offset, TABLE_BYTES)
    for at in range(0, TABLE_BYTES, _ENTRY.size):
        magic, kind, subtype, start, size, label, _flags = _ENTRY.unpack_from(raw, at)
        if magic == _MAGIC and start + size <= flash.size:
            text = label.rstrip(b"\0").decode("ascii", "replace")
            table.append(Partition(text, kind, subtype, start, size))
        elif magic == _MD5_MAGIC:
            intact = hashlib.md5(raw[:at]).digest() == raw[at + 16 : at + 32]
            return table if intact else []
        else:
            return table if magic == b"\xff\xff" else []
    return table


def find(table: list[Partition], label: str) -> Partition | None:
    """Returns the partition of that name, or None."""
    return next((row for row in table if row.label == label), None)
