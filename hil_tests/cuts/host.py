"""The other end: registry and collector of one unit, whose memory can be copied at any time."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.nvs_image import Identity
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store

from ..virtual.world import World


class Memory(NamedTuple):
    """All that a host knows: its two files, and the records of stores that it has lost."""

    store: bytes
    registry: bytes
    lost: dict[int, bytes]


class Host:
    """A collector that can lose its store, and be made again from a `Memory`.

    `on_taken(datagram, answers)` is called when a datagram is stored and answered.
    """

    def __init__(self, folder: Path, world: World, memory: Memory | None = None) -> None:
        self.folder = folder
        self.world = world
        self.on_taken: Callable[[bytes, list[bytes]], object] | None = None
        self.taken = 0
        self.lost: dict[int, bytes] = dict(memory.lost) if memory else {}
        self._stores = 0
        if memory:
            (folder / "registry.db").write_bytes(memory.registry)
            self.store_path.write_bytes(memory.store)
        self.registry = Registry(  # in clear: its file is copied, and the same each time
            folder / "registry.db",
            random_bytes=self._random_bytes,
            now=lambda: world.utc_s,
            locked=False,
        )
        self._open()

    @property
    def store_path(self) -> Path:
        """The file of the store in use."""
        return self.folder / f"store-{self._stores}.db"

    def _open(self) -> None:
        self.store = Store(self.store_path)
        self.collector = Collector(self.store, self.registry)

    def _random_bytes(self, count: int) -> bytes:
        given = self.registry.database.one("SELECT COUNT(*) FROM keys")[0]
        return hashlib.sha256(f"key {given} {self.world.seed}".encode()).digest()[:count]

    def handle(self, datagram: bytes, source: str, now_s: float) -> list[bytes]:
        """Take a datagram, as the bench's `Collecting`."""
        answers = self.collector.handle(datagram, source, now_s)
        self.taken += 1
        if self.on_taken:
            self.on_taken(datagram, answers)
        return answers

    def identity(self, name: str) -> Identity:
        """Return who a unit is, by the registry."""
        unit = self.registry.unit(name)
        assert unit is not None
        master = dict(self.registry.keys(unit.kid))[unit.epoch]
        return Identity(name, unit.kid, unit.epoch, master)

    def records(self) -> dict[int, bytes]:
        """Return every record that was ever stored, by number."""
        rows = self.store.database.all("SELECT rn, raw FROM records")
        return self.lost | {row["rn"]: row["raw"] for row in rows}

    def lose_store(self) -> None:
        """Go on with an empty store, as after a disk was replaced."""
        self.lost = self.records()
        self.store.close()
        self._stores += 1
        self._open()

    def memory(self) -> Memory:
        """Copy what is known now."""
        return Memory(_copy(self.store_path), _copy(self.registry.path), dict(self.lost))

    def close(self) -> None:
        """Close both files."""
        self.store.close()
        self.registry.close()


def _copy(path: Path) -> bytes:
    database = sqlite3.connect(path)
    try:
        return database.serialize()
    finally:
        database.close()
