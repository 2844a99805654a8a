"""Writes parts of a flash with esptool, and reads, until the flash is what it must be."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from .flash_diff import BLOCK, Stretch, differing, same, sectors
from .language import tr
from .partition_table import SECTOR
from .rom_loader import FlashError

if TYPE_CHECKING:
    from .esptool_log import Heard

ROUNDS = 3  # what is believed to differ, what was found to differ then, and that once more

Progress = Callable[[int, int], None]  # (bytes so far, bytes in all that are known to differ)


class Writing:
    """Writes into one chip, and tells how far it is."""

    def __init__(self, loader: Any, heard: Heard, progress: Progress) -> None:
        self._loader = loader
        self._heard = heard
        self._progress = progress
        self._done = self._total = 0

    def until_right(
        self, wanted: list[Stretch], parts: list[Stretch], unread: list[Stretch]
    ) -> int:
        """Write parts, read, write what is wrong then; return how many bytes were written.

        Args:
            wanted: what the flash must hold.
            parts: what is written first.
            unread: those of the stretches of which nothing was read yet.

        Raises:
            FlashError: it does not become right.
        """
        written: set[int] = set()
        for _ in range(ROUNDS):
            self._write(parts)
            written.update(at for part in parts for at, _ in sectors(*part))
            doubtful = [each for each in wanted if _is_doubtful(each, parts, unread)]
            wrong = [stretch for stretch in doubtful if not same(self._loader, *stretch)]
            if not wrong:
                return len(written) * SECTOR
            parts, unread = differing(self._loader, wrong), wrong
        message = tr("the flash from {offset:#x} on differs from the image").format(
            offset=wrong[0][0]
        )
        raise FlashError(message, tr("flash again; if it happens again, the flash chip is worn"))

    def _write(self, parts: list[Stretch]) -> None:
        from esptool import cmds

        self._total += _size(parts)
        for group in _groups(parts):
            self._heard.on_progress = partial(self._share, _size(group) if len(group) == 1 else 0)
            cmds.write_flash(self._loader, group)  # verifies each by MD5
            self._done += _size(group)
            self._progress(self._done, self._total)

    def _share(self, size: int, share: float) -> None:
        self._progress(self._done + int(share * size), self._total)


def _is_doubtful(stretch: Stretch, parts: list[Stretch], unread: list[Stretch]) -> bool:
    """Whether a stretch has to be read: nobody has, or only parts of it were written."""
    offset, data = stretch
    inside = [part for part in parts if offset <= part[0] < offset + len(data)]
    return inside != [stretch] and (bool(inside) or stretch in unread)


def _groups(parts: list[Stretch]) -> Iterator[list[Stretch]]:
    """Yield what is written by one call: it tells the chip the same things each time.

    After a part that does not shrink esptool compresses none, so such a one is alone.
    """
    small = []
    for part in parts:
        if len(part[1]) <= BLOCK and len(zlib.compress(part[1], 9)) < len(part[1]):
            small.append(part)
        else:
            yield [part]
    if small:
        yield small


def _size(stretches: list[Stretch]) -> int:
    return sum(len(data) for _, data in stretches)
