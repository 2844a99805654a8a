"""A bench with one unit and its host: for the golden run, and for every judgement."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from ..virtual.bench import START, Bench
from .host import Host, Memory

UNIT = "gh-01"
BOARD = "greenhouse_esp32"
SERVER, PORT = "collector.example.org", 5690
MEMORY_DISK = "/dev/shm"
# What a unit that signs has for it: the key of RFC 6979, A.2.5, and its public half.
SIGNING_KEY = bytes.fromhex(
    "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for one bench, in memory if possible: a campaign writes many gigabytes."""
    where = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="fieldbeat-cuts-", dir=where) as name:
        yield Path(name)


class Desk(Bench):
    """The unit is not powered yet; its flash holds `flash`.

    Args:
        seed: of MAC, key, delays and noise.
        folder: for the files of flash and host; empty.
        flash: all bytes of the flash; None: erased.
        after_us: when the clock of this bench begins, in us since the golden run did.
        memory: what the host knows; None for a new one.
    """

    def __init__(
        self,
        seed: int,
        folder: Path,
        flash: bytes | None = None,
        after_us: int = 0,
        memory: Memory | None = None,
    ) -> None:
        start = datetime.fromisoformat(START) + timedelta(microseconds=after_us)
        super().__init__(seed, folder, start.isoformat())
        self.host = Host(folder, self.world, memory)
        if flash is not None:  # the file as it shall be: to fill it twice takes time
            (folder / UNIT).mkdir()
            (folder / UNIT / "flash.bin").write_bytes(flash)
        self.unit = self.add_board(BOARD, UNIT, power=False)
        self.attach_collector(self.host, SERVER, PORT)

    def __enter__(self) -> Desk:
        return self

    def close(self) -> None:
        """End the board and close every file."""
        self.host.close()
        super().close()
