"""The NOR flash chip of a virtual board: a file, erased to ones, programmed to zeros, counted.

    flash = Flash(Path("flash.bin"), size=4 << 20)
    flash.before_op = lambda op: print(op.number, op.kind, hex(op.address))

The interpreter reads the file itself; every program and erase of a running board comes through
here. A hook that raises PowerCut ends the board before the operation takes effect; to model a torn
one it writes part of the data with `load()` first. Does not model wear or read disturb.
"""

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .errors import BenchError, PowerCut
from .models.faults import Faults

SECTOR = 4096
PAGE = 256
# Winbond W25Q32JV datasheet, AC characteristics (typical): page 0.4 ms, sector 45 ms.
PROGRAM_PAGE_US = 400
ERASE_SECTOR_US = 45_000


class FlashOp(NamedTuple):
    """One operation of a running board; `number` counts from 1 over the life of the Flash."""

    number: int
    kind: str  # "program" or "erase"
    address: int
    length: int
    data: bytes


class Flash:
    """Bytes in a file; the rules of NOR flash for the board, `load()` for everybody else."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\xff" * size)
        if path.stat().st_size != size:
            raise BenchError(f"{path} has {path.stat().st_size} bytes, not {size}: delete it")
        self._file = path.open("r+b")
        self.data = mmap.mmap(self._file.fileno(), size)
        self.ops = 0
        self.erases = 0
        self.programmed_bytes = 0
        self.violations = 0  # programs that wanted a one where a zero stood
        self.before_op: Callable[[FlashOp], object] | None = None
        self.faults = Faults(cut_at=0, torn=False)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.data[address : address + length])

    def program(self, address: int, data: bytes) -> int:
        """Clears bits as the board's own writes do; returns the time it takes in us."""
        self._begin("program", address, len(data), data)
        end = address + len(data)
        old = int.from_bytes(self.data[address:end], "little")
        both = (old & int.from_bytes(data, "little")).to_bytes(len(data), "little")
        self.violations += both != data
        self.data[address:end] = both
        self.programmed_bytes += len(data)
        return PROGRAM_PAGE_US * max(1, -(-len(data) // PAGE))

    def erase(self, address: int, length: int = SECTOR) -> int:
        """Sets whole sectors to ones; returns the time it takes in us."""
        for sector in range(address, address + length, SECTOR):
            self._begin("erase", sector, SECTOR, b"")
            self.data[sector : sector + SECTOR] = b"\xff" * SECTOR
            self.erases += 1
        return ERASE_SECTOR_US * (length // SECTOR)

    def _begin(self, kind: str, address: int, length: int, data: bytes) -> None:
        if address < 0 or address + length > self.size:
            raise BenchError(f"{kind} of {length} bytes at 0x{address:x} is outside the flash")
        self.ops += 1
        if self.before_op is not None:
            self.before_op(FlashOp(self.ops, kind, address, length, data))
        if 0 < self.faults.cut_at <= self.ops:
            self._cut(address, length, data)

    def cut_in(self, operations: int, torn: bool = False) -> None:
        """Lets the supply fail before this many operations more; `torn`: half way through it."""
        self.faults.cut_at = self.ops + operations
        self.faults.torn = torn

    def _cut(self, address: int, length: int, data: bytes) -> None:
        self.faults.take("cut_at")
        self.faults.cut_at = 0
        if self.faults.take("torn"):
            self.faults.torn = False
            half = length // 2
            old = self.data[address : address + half]
            new = bytes(a & b for a, b in zip(old, data, strict=False)) or b"\xff" * half
            self.data[address : address + half] = new
        raise PowerCut

    def load(self, address: int, data: bytes) -> None:
        """Overwrites bytes from outside the board (a programmer, a test); not counted."""
        if address + len(data) > self.size:
            raise BenchError(f"{len(data)} bytes at 0x{address:x} do not fit into the flash")
        self.data[address : address + len(data)] = data

    def close(self) -> None:
        self.data.close()
        self._file.close()
