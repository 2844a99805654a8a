"""The partition table of an ESP32: from CSV, to the bytes in flash, and back.

Format: ESP-IDF, "Partition Tables". 32-byte entries `AA 50 | type | subtype | offset u32 | size
u32 | label 16 | flags u32`, then an entry `EB EB FF*14 | MD5 of the entries before`, the rest
blank.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .errors import CannotTry
from .language import tr

TABLE_OFFSET = 0x8000  # CONFIG_PARTITION_TABLE_OFFSET of every MicroPython build
TABLE_SIZE = 0xC00  # what the boot loader reads of the table's sector
SECTOR = 0x1000
APP_ALIGNMENT = 0x10000  # the MMU maps flash in pages of 64 KiB

APP, DATA = 0, 1
TYPES = {"app": APP, "data": DATA}
SUBTYPES = {
    APP: {"factory": 0x00, "ota_0": 0x10, "ota_1": 0x11},
    DATA: {"ota": 0x00, "phy": 0x01, "nvs": 0x02, "coredump": 0x03, "fat": 0x81, "littlefs": 0x83},
}

_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC = b"\xaa\x50"
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14


class PartitionError(CannotTry):
    """A partition table that cannot be read or used."""


@dataclass(frozen=True)
class Partition:
    """One entry of the table; offset and size in bytes."""

    name: str
    type: int
    subtype: int
    offset: int
    size: int
    flags: int = 0

    @property
    def end(self) -> int:
        return self.offset + self.size


def from_csv(text: str, source: str) -> list[Partition]:
    """Read ESP-IDF's CSV form; every offset and size must be written out.

    Args:
        text: the file's content.
        source: the file's name, for messages.

    Raises:
        PartitionError: a line is malformed, or the partitions overlap or are not aligned.
    """
    table = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.partition("#")[0].split(",")]
        if cells == [""]:
            continue
        try:
            table.append(_from_cells(cells))
        except (ValueError, KeyError) as error:
            raise PartitionError(
                tr("{source}, line {number}: '{line}' is no partition ({error})").format(
                    source=source, number=number, line=line.strip(), error=error
                ),
                tr(
                    "write 'name, type, subtype, offset, size', e.g. 'nvs, data, nvs, "
                    "0x9000, 0x6000'"
                ),
            ) from None
    _check(table, source)
    return table


def _from_cells(cells: list[str]) -> Partition:
    name, type_name, subtype_name, offset, size = (cells + [""])[:5]
    if not 0 < len(name.encode()) < 16:
        raise ValueError(tr("a name has 1 to 15 bytes"))
    kind = TYPES[type_name]
    return Partition(name, kind, SUBTYPES[kind][subtype_name], int(offset, 0), int(size, 0))


def _check(table: Sequence[Partition], source: str) -> None:
    end = TABLE_OFFSET + SECTOR
    for part in table:
        alignment = APP_ALIGNMENT if part.type == APP else SECTOR
        if part.offset % alignment or part.size % SECTOR or part.size <= 0:
            raise PartitionError(
                tr("{source}: '{name}' at {offset:#x} is not aligned").format(
                    source=source, name=part.name, offset=part.offset
                ),
                tr(
                    "put it at a multiple of {alignment:#x} with a size in multiples of "
                    "{sector:#x}"
                ).format(alignment=alignment, sector=SECTOR),
            )
        if part.offset < end:
            raise PartitionError(
                tr("{source}: '{name}' at {offset:#x} begins before {end:#x}").format(
                    source=source, name=part.name, offset=part.offset, end=end
                ),
                tr("list partitions in the order of their offsets, without overlap"),
            )
        end = part.end
    if len({part.name for part in table}) < len(table) or not table:
        raise PartitionError(
            tr("{source}: names are missing or used twice").format(source=source),
            tr("name each one"),
        )


def to_bytes(table: Iterable[Partition]) -> bytes:
    """Return the table as it stands in flash: entries, MD5 entry, padding up to `TABLE_SIZE`."""
    entries = b"".join(
        _ENTRY.pack(
            _MAGIC, part.type, part.subtype, part.offset, part.size, part.name.encode(), part.flags
        )
        for part in table
    )
    digest = hashlib.md5(entries, usedforsecurity=False).digest()
    return (entries + _MD5_MAGIC + digest).ljust(TABLE_SIZE, b"\xff")


def from_bytes(data: bytes, source: str = tr("partition table")) -> list[Partition]:
    """Read a table out of flash and check its MD5.

    Args:
        data: at least `TABLE_SIZE` bytes that begin with the table.
        source: where the bytes come from, for messages.

    Raises:
        PartitionError: there is no table, or it is damaged.
    """
    remedy = tr("name an image that 'fieldbeat build' made")
    table: list[Partition] = []
    for position in range(0, min(len(data), TABLE_SIZE) - _ENTRY.size + 1, _ENTRY.size):
        entry = bytes(data[position : position + _ENTRY.size])
        if entry[:16] == _MD5_MAGIC:
            digest = hashlib.md5(data[:position], usedforsecurity=False).digest()
            if digest != entry[16:]:
                raise PartitionError(
                    tr("{source}: the partition table's MD5 is wrong").format(source=source),
                    remedy,
                )
            _check(table, source)
            return table
        magic, kind, subtype, offset, size, label, flags = _ENTRY.unpack(entry)
        if magic != _MAGIC:
            break
        name = label.rstrip(b"\0").decode("ascii", "replace")
        table.append(Partition(name, kind, subtype, offset, size, flags))
    raise PartitionError(tr("{source}: there is no partition table").format(source=source), remedy)


def from_image(image: bytes, source: str = "image") -> list[Partition]:
    """Read the table out of an image that begins at flash address 0."""
    return from_bytes(bytes(image[TABLE_OFFSET : TABLE_OFFSET + TABLE_SIZE]), source)


def find(table: Iterable[Partition], name: str) -> Partition:
    """Return the partition of that name.

    Raises:
        PartitionError: there is none.
    """
    for part in table:
        if part.name == name:
            return part
    raise PartitionError(
        tr("there is no partition '{name}'").format(name=name), tr("use a table that has one")
    )
