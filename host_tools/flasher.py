"""Writes an image into a unit's flash with esptool as a library, as far as it is not there.

All checks come before the first write. The `nvs` partition holds sequence numbers that must never
go back, so it is left alone unless new secrets are given. Of the file system those blocks are
written that its files and folders stand on; the others hold what they held, which littlefs never
looks at. What differs is found out by reading (flash_diff.py), and what was written is read again;
where it is known what was written last, what the image changes in that is written first, so that
all is read once.

Several ports may be written at once, each in a thread of its own.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import file_system, held_name, partition_table
from .baud_rates import FAST_BAUD
from .errors import CannotTry
from .flash_diff import BLANK_SECTOR, Stretch, changed, differing, same
from .flash_writing import Progress, Writing
from .image_info import MEGABYTE, ImageInfo
from .language import tr
from .last_written import LastWritten
from .partition_table import Partition
from .rom_loader import Visit, chip_text, failures, nothing_written

SECTOR = partition_table.SECTOR
LOCALLY_ADMINISTERED = 0x02  # IEEE 802, 8.2.2: this bit of the first byte; no chip has it set

INCOMPLETE, FLASH_AGAIN = tr("the unit is incomplete now"), tr("flash it again")


class WrongTarget(CannotTry):
    """The image is not for what is at the port; nothing was written."""


@dataclass(frozen=True)
class Known:
    """What is known of a unit before it is flashed; empty texts for what is not."""

    unit: str = ""
    board: str = ""


@dataclass(frozen=True)
class Result:
    """What was done; `seconds` from opening the port to the reset.

    Of the bytes that the unit must hold `bytes_same` were there already. `unit` is what the
    registry has at that MAC address, or an empty text; `nvs_blank` tells that the unit holds
    neither key nor counters.
    """

    mac: str
    chip: str
    board: str
    node: str
    build_id: str
    bytes_written: int
    bytes_same: int
    secrets: bool
    seconds: float
    unit: str
    nvs_blank: bool


def plan(image: bytes, info: ImageInfo, secrets: bytes | None) -> list[Stretch]:
    """Return what the flash must hold; the rest of it may hold anything.

    Raises:
        CannotTry: the secrets do not have the size of the `nvs` partition.
    """
    nvs = partition_table.find(info.table, "nvs")
    vfs = partition_table.find(info.table, "vfs")
    first = min(part.offset for part in info.table)
    areas = [(part.offset, part.end) for part in info.table if part not in (nvs, vfs)]
    found = [_filled(image, *area) for area in ((0, first), *areas)]
    found += _file_system(image, vfs, info.node)
    if secrets is not None:
        if len(secrets) != nvs.size:
            message = tr("the secrets have {count} bytes, the nvs partition {size}").format(
                count=len(secrets), size=nvs.size
            )
            raise CannotTry(
                message, tr("build them for {board_id}").format(board_id=info.board_id)
            )
        found.append((nvs.offset, secrets))
    return sorted(stretch for stretch in found if stretch[1])


def _filled(image: bytes, start: int, end: int) -> Stretch:
    """Return an area from its first to its last sector that is not blank."""
    sectors = range(start, end, SECTOR)
    filled = [at for at in sectors if image[at : at + SECTOR] != BLANK_SECTOR]
    return (filled[0], image[filled[0] : filled[-1] + SECTOR]) if filled else (start, b"")


def _file_system(image: bytes, vfs: Partition, source: str) -> Iterator[Stretch]:
    """Yield the blocks in use, those side by side together."""
    blocks = sorted(file_system.blocks_in_use(image[vfs.offset : vfs.end], source))
    begin = blocks[0]
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if following != block + 1:
            start, end = (vfs.offset + at * SECTOR for at in (begin, block + 1))
            yield start, image[start:end]
            begin = following or 0


def flash(
    visit: Visit,
    image: bytes,
    info: ImageInfo,
    secrets: bytes | None = None,
    board: str | None = None,
    unit_of_mac: Callable[[str], Known] = lambda mac: Known(),
    repurpose: bool = False,
    before_write: Callable[[str], None] = lambda mac: None,
    baud: int = FAST_BAUD,
    progress: Progress = lambda done, total: None,
    last: LastWritten | None = None,
    unknown: Callable[[str, str], None] | None = None,
) -> Result:
    """Write what of an image is not there yet, verify it, and let the board run it.

    Args:
        visit: the board.
        image: the whole image; `info` is what `image_info.inspect` said of it.
        secrets: content of the nvs partition, or None to leave it alone.
        board: the board that the user says is at the port.
        unit_of_mac: tells what is known of the unit with a MAC address.
        repurpose: a known unit may get the image of another one.
        before_write: called with the MAC address when all checks have passed; may raise.
        baud: bits per second for the data.
        progress: called with bytes written and bytes to write.
        last: what was written last into which chip.
        unknown: called with the name that a board holds, or '', and its MAC address, where nothing
            is known of it; may raise. Without it such a unit may get its own image alone.

    Raises:
        CannotTry: the port or the unit is not what it should be; nothing was written.
        FlashError: the write failed or did not verify.
    """
    started = time.monotonic()
    wanted = plan(image, info, secrets)
    _check_board(info, board or "", "--board")
    with nothing_written(visit.port):
        mac, known = _target(visit, info, board, unit_of_mac, repurpose)
        loader = visit.prepared(baud)
        _check_flash_size(loader, info)
        blank = _is_blank(loader, info)
        if not (blank or known.unit or repurpose):
            held = held_name.of_board(loader, partition_table.find(info.table, "nvs"))
            (unknown or partial(_check_unit, info))(held, mac)
        parts, unread = _to_write(loader, wanted, last.recall(mac) if last else {})
        before_write(mac)
    with failures(visit.port, INCOMPLETE, FLASH_AGAIN):
        visit.untouched = not parts
        written = Writing(loader, visit.heard, progress).until_right(wanted, parts, unread)
        visit.leave()
    if last:
        last.keep(mac, plan(image, info, None))
    return Result(
        mac=mac,
        chip=info.chip,
        board=info.board_id,
        node=info.node,
        build_id=info.build_id,
        bytes_written=written,
        bytes_same=_size(wanted) - written,
        secrets=secrets is not None,
        seconds=round(time.monotonic() - started, 3),
        unit=known.unit,
        nvs_blank=secrets is None and blank,
    )


def _target(
    visit: Visit,
    info: ImageInfo,
    board: str | None,
    unit_of_mac: Callable[[str], Known],
    repurpose: bool,
) -> tuple[str, Known]:
    """Return the MAC address of a chip that may get the image, and what is known of its unit."""
    loader = visit.loader()
    _check_chip(loader, info)
    mac = visit.mac
    _check_kind(mac, info)
    known = unit_of_mac(mac)
    if board is None:
        _check_board(info, known.board, tr("the registry for {mac}").format(mac=mac))
    if not repurpose:
        _check_unit(info, known.unit, mac)
    return mac, known


def _to_write(
    loader: Any, wanted: list[Stretch], there: dict[int, str]
) -> tuple[list[Stretch], list[Stretch]]:
    """Return what is written, and what was not read before and has to be read after it.

    What is known to have been written `there` last tells where to begin, and no more.
    """
    if there and (believed := changed(wanted, there)):
        return believed, wanted
    return differing(loader, wanted), []


def is_erased(visit: Visit, baud: int = FAST_BAUD) -> bool:
    """Return whether a board has no table of partitions, so that nothing of ours is on it.

    Raises:
        CannotTry: it was lost on the way.
    """
    with nothing_written(visit.port):
        return same(visit.prepared(baud), partition_table.TABLE_OFFSET, BLANK_SECTOR)


def _check_board(info: ImageInfo, board: str, who: str) -> None:
    if board and board != info.board_id:
        message = tr("the image is for {board_id}, but {who} says {board}").format(
            board_id=info.board_id, who=who, board=board
        )
        raise WrongTarget(
            message,
            tr("build the image for {board}, or pass --board {board_id}").format(
                board=board, board_id=info.board_id
            ),
        )


def _check_unit(info: ImageInfo, unit: str, mac: str) -> None:
    if unit and unit != info.node:
        message = tr("this board is {unit} (MAC {mac}), the image is for {node}").format(
            unit=unit, mac=mac, node=info.node
        )
        step = tr(
            "build it with '--unit {unit}', or pass --repurpose to make another unit of it"
        ).format(unit=unit)
        raise WrongTarget(message, step)


def _check_chip(loader: Any, info: ImageInfo) -> None:
    chip = chip_text(loader)
    if chip != info.chip:
        message = tr("the image is for {chip}, the chip at the port is {chip_2}").format(
            chip=info.chip, chip_2=chip
        )
        raise WrongTarget(
            message,
            tr("connect the {board_id}, or build for this board").format(board_id=info.board_id),
        )


def _check_kind(mac: str, info: ImageInfo) -> None:
    virtual_board = bool(int(mac[:2], 16) & LOCALLY_ADMINISTERED)
    if info.virtual and not virtual_board:
        message = tr("the image is for virtual boards, but {mac} is a real chip").format(mac=mac)
        raise WrongTarget(message, tr("build it without --virtual"))
    if virtual_board and not info.virtual:
        message = tr("the image is for real chips, but {mac} is a virtual board").format(mac=mac)
        raise WrongTarget(message, tr("build it with --virtual"))


def _check_flash_size(loader: Any, info: ImageInfo) -> None:
    from esptool import cmds

    found = cmds.detect_flash_size(loader)
    expected = f"{info.flash_bytes // MEGABYTE}MB"
    if found != expected:
        message = tr("{board_id} has {expected} of flash, the chip at the port {value}").format(
            board_id=info.board_id, expected=expected, value=found or tr("unknown")
        )
        raise WrongTarget(message, tr("connect the right board, or build for this one"))


def _is_blank(loader: Any, info: ImageInfo) -> bool:
    nvs = partition_table.find(info.table, "nvs")
    return same(loader, nvs.offset, b"\xff" * nvs.size)


def _size(stretches: list[Stretch]) -> int:
    return sum(len(data) for _, data in stretches)
