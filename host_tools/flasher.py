"""Writes an image into a unit's flash with esptool as a library.

All checks come before the first erase. The `nvs` partition holds sequence numbers that must never
go back, so it is left alone unless new secrets are given. Blank sectors are not sent; in the file
system they are erased, since old metadata there would be taken for newer than ours.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from . import partition_table
from .errors import CannotTry
from .image_info import MEGABYTE, ImageInfo
from .rom_loader import FAST_BAUD, FlashError, connected, failures, mac_text, prepared, untouched

if TYPE_CHECKING:
    from .esptool_log import Heard

SECTOR = partition_table.SECTOR
BLANK_SECTOR = b"\xff" * SECTOR
MERGE_BYTES = 64 * 1024  # shorter blank stretches are sent: they compress to nothing
LOCALLY_ADMINISTERED = 0x02  # IEEE 802, 8.2.2: this bit of the first byte; no chip has it set

INCOMPLETE, FLASH_AGAIN = "the unit is incomplete now", "flash it again"

Progress = Callable[[int, int], None]  # (bytes so far, bytes in all)


class WrongTarget(CannotTry):
    """The image is not for what is at the port; nothing was written."""


@dataclass(frozen=True)
class Known:
    """What is known of a unit before it is flashed; empty texts for what is not."""

    unit: str = ""
    board: str = ""


@dataclass(frozen=True)
class Plan:
    """What to write as (offset, data), and what to erase as (offset, size)."""

    writes: list[tuple[int, bytes]]
    erases: list[tuple[int, int]]

    @property
    def write_bytes(self) -> int:
        return sum(len(data) for _, data in self.writes)


@dataclass(frozen=True)
class Result:
    """What was done; `seconds` from opening the port to the reset.

    `unit` is what the registry has at that MAC address, or an empty text; `nvs_blank` tells that
    the unit holds neither key nor counters.
    """

    mac: str
    chip: str
    board: str
    node: str
    build_id: str
    bytes_written: int
    bytes_erased: int
    secrets: bool
    seconds: float
    unit: str
    nvs_blank: bool


def plan(image: bytes, info: ImageInfo, secrets: bytes | None) -> Plan:
    """Decide which regions of the flash to touch.

    Raises:
        CannotTry: the secrets do not have the size of the `nvs` partition.
    """
    nvs = partition_table.find(info.table, "nvs")
    vfs = partition_table.find(info.table, "vfs")
    writes = [*_runs(image, 0, nvs.offset), *_runs(image, nvs.end, len(image))]
    erases = list(_gaps(writes, vfs.offset, vfs.end))
    if secrets is not None:
        if len(secrets) != nvs.size:
            message = f"the secrets have {len(secrets)} bytes, the nvs partition {nvs.size}"
            raise CannotTry(message, f"build them for {info.board_id}")
        writes.append((nvs.offset, secrets))
    return Plan(sorted(writes), erases)


def _runs(image: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the stretches between two offsets that are not blank."""
    first = last = None
    for offset in range(start, end, SECTOR):
        if image[offset : offset + SECTOR] == BLANK_SECTOR:
            continue
        if first is not None and last is not None and offset - last > MERGE_BYTES:
            yield first, image[first:last]
            first = None
        first = offset if first is None else first
        last = offset + SECTOR
    if first is not None:
        yield first, image[first:last]


def _gaps(writes: list[tuple[int, bytes]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (offset, size) of what `writes` leaves untouched between two offsets."""
    for offset, data in writes:
        if offset + len(data) <= start or offset >= end:
            continue
        if offset > start:
            yield start, offset - start
        start = offset + len(data)
    if start < end:
        yield start, end - start


def flash(
    port: str,
    image: bytes,
    info: ImageInfo,
    secrets: bytes | None = None,
    board: str | None = None,
    unit_of_mac: Callable[[str], Known] = lambda mac: Known(),
    repurpose: bool = False,
    before_write: Callable[[str], None] = lambda mac: None,
    baud: int = FAST_BAUD,
    progress: Progress = lambda done, total: None,
) -> Result:
    """Write an image and verify it.

    Args:
        port: serial port or pyserial URL.
        image: the whole image; `info` is what `image_info.inspect` said of it.
        secrets: content of the nvs partition, or None to leave it alone.
        board: the board that the user says is at the port.
        unit_of_mac: tells what is known of the unit with a MAC address.
        repurpose: a known unit may get the image of another one.
        before_write: called with the MAC address when all checks have passed; may raise.
        baud: bits per second for the data.
        progress: called with bytes written and bytes to write.

    Raises:
        CannotTry: the port or the unit is not what it should be; nothing was written.
        FlashError: the write failed or did not verify.
    """
    from .esptool_log import listening

    started = time.monotonic()
    todo = plan(image, info, secrets)
    _check_board(info, board or "", "--board")
    with listening() as heard, connected(port) as loader:
        with untouched(port, loader):
            _check_chip(loader, info)
            mac = mac_text(loader)
            _check_kind(mac, info)
            known = unit_of_mac(mac)
            if board is None:
                _check_board(info, known.board, f"the registry for {mac}")
            if not repurpose:
                _check_unit(info, known.unit, mac)
            loader = prepared(loader, baud)
            _check_flash_size(loader, info)
            nvs_blank = secrets is None and _is_blank(loader, info)
            before_write(mac)
        with failures(port, INCOMPLETE, FLASH_AGAIN):
            _write(loader, heard, todo, progress)
            _verify(loader, image, info)
            loader.hard_reset()
        return Result(
            mac=mac,
            chip=info.chip,
            board=info.board_id,
            node=info.node,
            build_id=info.build_id,
            bytes_written=todo.write_bytes,
            bytes_erased=sum(size for _, size in todo.erases),
            secrets=secrets is not None,
            seconds=round(time.monotonic() - started, 3),
            unit=known.unit,
            nvs_blank=nvs_blank,
        )


def _check_board(info: ImageInfo, board: str, who: str) -> None:
    if board and board != info.board_id:
        message = f"the image is for {info.board_id}, but {who} says {board}"
        raise WrongTarget(message, f"build the image for {board}, or pass --board {info.board_id}")


def _check_unit(info: ImageInfo, unit: str, mac: str) -> None:
    if unit and unit != info.node:
        message = f"this board is {unit} (MAC {mac}), the image is for {info.node}"
        step = f"build it with '--unit {unit}', or pass --repurpose to make another unit of it"
        raise WrongTarget(message, step)


def _check_chip(loader: Any, info: ImageInfo) -> None:
    chip = loader.CHIP_NAME.lower().replace("-", "")
    if chip != info.chip:
        message = f"the image is for {info.chip}, the chip at the port is {chip}"
        raise WrongTarget(message, f"connect the {info.board_id}, or build for this board")


def _check_kind(mac: str, info: ImageInfo) -> None:
    virtual_board = bool(int(mac[:2], 16) & LOCALLY_ADMINISTERED)
    if info.virtual and not virtual_board:
        message = f"the image is for virtual boards, but {mac} is a real chip"
        raise WrongTarget(message, "build it without --virtual")
    if virtual_board and not info.virtual:
        message = f"the image is for real chips, but {mac} is a virtual board"
        raise WrongTarget(message, "build it with --virtual")


def _check_flash_size(loader: Any, info: ImageInfo) -> None:
    from esptool import cmds

    found = cmds.detect_flash_size(loader)
    expected = f"{info.flash_bytes // MEGABYTE}MB"
    if found != expected:
        message = (
            f"{info.board_id} has {expected} of flash, the chip at the port {found or 'unknown'}"
        )
        raise WrongTarget(message, "connect the right board, or build for this one")


def _is_blank(loader: Any, info: ImageInfo) -> bool:
    nvs = partition_table.find(info.table, "nvs")
    blank = hashlib.md5(b"\xff" * nvs.size, usedforsecurity=False).hexdigest()
    return loader.flash_md5sum(nvs.offset, nvs.size) == blank


def _write(loader: Any, heard: Heard, todo: Plan, progress: Progress) -> None:
    from esptool import cmds

    for offset, size in todo.erases:
        cmds.erase_region(loader, offset, size)
    done = 0
    for offset, data in todo.writes:
        start, size = done, len(data)
        heard.on_progress = partial(_share, progress, start, size, todo.write_bytes)
        cmds.write_flash(loader, [(offset, data)])  # verifies each by MD5
        done += size
        progress(done, todo.write_bytes)


def _share(progress: Progress, start: int, size: int, total: int, share: float) -> None:
    progress(start + int(share * size), total)


def _verify(loader: Any, image: bytes, info: ImageInfo) -> None:
    """Compare the whole file system: what was erased counts as much as what was written."""
    vfs = partition_table.find(info.table, "vfs")
    expected = hashlib.md5(image[vfs.offset : vfs.end], usedforsecurity=False).hexdigest()
    if loader.flash_md5sum(vfs.offset, vfs.size) != expected:
        message = "the file system in flash differs from the image"
        raise FlashError(message, "flash again; if it happens again, the flash chip is worn")
