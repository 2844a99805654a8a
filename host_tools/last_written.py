"""What was written last into which chip: a hint where to begin, which nobody believes.

One file a chip, a digest for each sector; without it a flash is searched by reading. Nothing of
`nvs` is in it. Any file may be deleted, be old, or be of another flash (flash_diff.py).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from . import flash_diff
from .errors import CannotTry
from .files import write_atomically
from .flash_diff import Stretch
from .paths import data_folder


class LastWritten:
    """The hints of this computer; safe for several threads, each with a chip of its own.

    Args:
        folder: where they are; default: in the user's data.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder() / "written"

    def recall(self, mac: str) -> dict[int, str]:
        """Return the digests of the sectors of a chip, by their offsets; empty if none is kept."""
        try:
            kept = json.loads(self._file(mac).read_bytes())
            return {int(offset): str(digest) for offset, digest in kept.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def keep(self, mac: str, stretches: Iterable[Stretch]) -> None:
        """Keep what a chip holds now; if the disk does not take it the next visit searches."""
        kept = {
            offset: flash_diff.digest(sector)
            for stretch in stretches
            for offset, sector in flash_diff.sectors(*stretch)
        }
        with suppress(CannotTry, OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file(mac), json.dumps(kept).encode())

    def _file(self, mac: str) -> Path:
        return self.folder / f"{mac.replace(':', '')}.json"
