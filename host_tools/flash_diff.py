"""Finds what of a flash is not what it must be: by MD5 sums, which the loader reckons itself.

Reading is cheap: a sum of 64 kB crosses the line in 26 bytes. What was written there last
(last_written.py) can tell where to begin, and no more: a pulled cable, another computer and the
unit itself make it wrong, so it says what is written first, and never what is left alone.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from .partition_table import SECTOR

Stretch = tuple[int, bytes]  # where it begins in flash, and what it holds
Look = Callable[[int, bytes], Iterable[int]]  # at a stretch of one block: its wrong sectors

BLOCK = 64 * 1024  # what a flash chip erases at once, if all of it is asked for
BLANK_SECTOR = b"\xff" * SECTOR
# Winbond W25Q32JV, AC characteristics: 45 ms for a sector, 150 for a block, 0.4 for a page of 256
# bytes. From six sectors on all sixteen of a block take less time.
SECTORS_OF_A_BLOCK = 6
PROBES = 8  # sectors that tell whether looking closer at a stretch can pay


def same(loader: Any, offset: int, data: bytes) -> bool:
    """Whether the flash holds these bytes there."""
    wanted = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return bool(loader.flash_md5sum(offset, len(data)) == wanted)


def differing(loader: Any, stretches: list[Stretch]) -> list[Stretch]:
    """Return the parts of the stretches that have to be written; of whole sectors."""
    found: list[Stretch] = []
    for offset, data in stretches:
        promising = _promising(loader, offset, data)
        look = partial(_wrong, loader)
        found += _parts(offset, data, look) if promising else [(offset, data)]
    return found


def changed(stretches: list[Stretch], known: Mapping[int, str]) -> list[Stretch]:
    """Return the parts that are not what is known of the flash, by the digests of sectors."""

    def look(offset: int, data: bytes) -> Iterator[int]:
        for at, sector in sectors(offset, data):
            if known.get(at) != digest(sector):
                yield at

    return [part for stretch in stretches for part in _parts(*stretch, look)]


def sectors(offset: int, data: bytes) -> Iterator[Stretch]:
    """Yield the sectors of a stretch."""
    for at in range(0, len(data), SECTOR):
        yield offset + at, data[at : at + SECTOR]


def digest(sector: bytes) -> str:
    """Return what a sector is known by."""
    return hashlib.blake2b(sector, digest_size=8).hexdigest()


def _parts(offset: int, data: bytes, look: Look) -> Iterator[Stretch]:
    """Yield what has to be written, sectors side by side together."""
    begin = end = offset  # of the part that is being put together
    for sector in _to_write(offset, data, look):
        if sector != end:
            if end > begin:
                yield begin, data[begin - offset : end - offset]
            begin = sector
        end = sector + SECTOR
    if end > begin:
        yield begin, data[begin - offset : end - offset]


def _to_write(offset: int, data: bytes, look: Look) -> Iterator[int]:
    """Yield where the sectors begin that have to be written, block by block."""
    begin, last = offset, offset + len(data)
    while begin < last:
        end = min(last, begin + BLOCK - begin % BLOCK)
        wrong = list(look(begin, data[begin - offset : end - offset]))
        many = end - begin == BLOCK and len(wrong) >= SECTORS_OF_A_BLOCK
        yield from range(begin, end, SECTOR) if many else wrong
        begin = end


def _promising(loader: Any, offset: int, data: bytes) -> bool:
    """Whether any of some sectors is right already; a bare unit is not read twice over."""
    if len(data) <= BLOCK:
        return True
    filled = [at for at in range(0, len(data), SECTOR) if data[at : at + SECTOR] != BLANK_SECTOR]
    probes = filled[:: max(1, len(filled) // PROBES)]
    return any(same(loader, offset + at, data[at : at + SECTOR]) for at in probes)


def _wrong(loader: Any, offset: int, data: bytes) -> Iterator[int]:
    """Read a stretch, and halve it where it differs, down to sectors."""
    if not same(loader, offset, data):
        yield from _halved(loader, offset, data)


def _halved(loader: Any, offset: int, data: bytes) -> Iterator[int]:
    """Find the wrong sectors of a stretch that is known to differ."""
    if len(data) <= SECTOR:
        yield offset
        return
    half = len(data) // SECTOR // 2 * SECTOR
    first, second = (offset, data[:half]), (offset + half, data[half:])
    first_is_right = same(loader, *first)
    if not first_is_right:
        yield from _halved(loader, *first)
    if first_is_right or not same(loader, *second):
        yield from _halved(loader, *second)
