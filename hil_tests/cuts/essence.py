"""What a unit can tell of its flash: two states of one essence are one state to it.

littlefs erases a free block before it programs it and never looks into it before that, and of the
older block of a metadata pair it reads no more than the revision. So most operations change
nothing that a boot could see until the commit that makes them count: a file's data that are torn
before it are the same as none. What littlefs looks into is told by a littlefs that reads
everything (`flash_reader.reach`). In NVS an entry that is cleared is not looked into. Every other
partition counts with each byte.

A campaign proves that: it judges all distinct flash bytes after a first cut, and sees that those
of one essence live the same life, operation for operation and datagram for datagram.
"""

from __future__ import annotations

from fieldbeat.host_tools import nvs_reader

from ..virtual.flash import SECTOR
from . import flash_reader
from .flash_reader import UNIT, Area
from .states import Name, Rebuilt, hash_of

APP = "/a"  # nothing of it changes, and to read it takes long


class Origin:
    """The flash before the first operation, to which every later one is compared.

    Args:
        flash: all of it.
        nvs: offset and size of that partition.
        vfs: the same of the file system.
    """

    def __init__(self, flash: bytes, nvs: Area, vfs: Area) -> None:
        self.flash = flash
        self.nvs = sectors(nvs)
        self.vfs = sectors(vfs)
        self.area = vfs
        app = flash_reader.reach(flash, vfs).keys() - flash_reader.reach(flash, vfs, [APP]).keys()
        self.fixed = dict.fromkeys(app, SECTOR)  # blocks that always count

    def sector(self, number: int) -> bytes:
        """The bytes of a sector."""
        return self.flash[number * SECTOR : (number + 1) * SECTOR]


def sectors(area: Area) -> range:
    """The sectors of a partition."""
    return range(area[0] // SECTOR, sum(area) // SECTOR)


class Essence:
    """Hashes of what counts in the states of a recording; `rebuilt` is moved by its owner."""

    def __init__(self, rebuilt: Rebuilt, origin: Origin) -> None:
        self._rebuilt = rebuilt
        self._origin = origin
        self._first = origin.vfs.start
        self._reach: dict[int, int] | None = None
        self._before = rebuilt.before
        self._pages: dict[bytes, bytes] = {}  # hash of a page of NVS: that of what counts in it

    def key(self, name: Name) -> bytes:
        """A hash of what a unit can tell of `rebuilt.flash(name)`."""
        rebuilt = self._rebuilt
        self._follow()
        with rebuilt.cut(name) as op:
            block = op.address // SECTOR - self._first
            reach = self._look() if block in self._reached() else self._reached()
            return hash_of(*self._parts(reach))

    def _reached(self) -> dict[int, int]:
        assert self._reach is not None
        return self._reach

    def _follow(self) -> None:
        """Look again when something has changed that counts."""
        rebuilt = self._rebuilt
        for op in rebuilt.ops[self._before - 1 : rebuilt.before - 1]:
            if self._reach and op.address // SECTOR - self._first in self._reach:
                self._reach = None
        self._before = rebuilt.before
        if self._reach is None:
            self._reach = self._look()

    def _look(self) -> dict[int, int]:
        try:
            found = flash_reader.reach(self._rebuilt.data, self._origin.area, [APP])
        except flash_reader.Unreadable:
            return dict.fromkeys(range(len(self._origin.vfs)), SECTOR)
        return found | self._origin.fixed

    def _parts(self, reach: dict[int, int]) -> list[bytes]:
        parts = []
        for sector, digest in sorted(self._rebuilt.changed.items()):
            if sector in self._origin.nvs:
                digest = self._page(sector, digest)
            elif sector in self._origin.vfs:
                digest = self._block(sector, digest, reach.get(sector - self._first, 0))
            if digest:
                parts += [sector.to_bytes(4, "big"), digest]
        return parts

    def _page(self, sector: int, digest: bytes) -> bytes:
        if digest not in self._pages:
            now = nvs_reader.what_counts(self._bytes(sector, SECTOR))
            same = now == nvs_reader.what_counts(self._origin.sector(sector))
            self._pages[digest] = b"" if same else hash_of(now)
        return self._pages[digest]

    def _block(self, sector: int, digest: bytes, size: int) -> bytes:
        if size != UNIT:
            return digest if size else b""
        first = self._bytes(sector, UNIT)
        return b"" if first == self._origin.sector(sector)[:UNIT] else hash_of(first)

    def _bytes(self, sector: int, size: int) -> bytes:
        return bytes(self._rebuilt.data[sector * SECTOR : sector * SECTOR + size])
