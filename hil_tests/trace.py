"""All that a run puts on the air and on flash, in order: its digest, and where two runs differ.

    trace = Trace(site)
    trace.follow(station)
    ...
    trace.digest()

A line is `microseconds who what bytes`; two runs of one seed have the same lines.
"""

from __future__ import annotations

import gzip
import hashlib
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from .virtual.bench import Bench
from .virtual.board import VirtualBoard
from .virtual.flash import FlashOp


class Difference(NamedTuple):
    """The first lines in which two runs differ; "" where a run has ended."""

    number: int
    expected: str
    found: str

    def __str__(self) -> str:
        return (
            f"the first difference is in line {self.number}:\n"
            f"  expected {self.expected or 'nothing more'}\n"
            f"  found    {self.found or 'nothing more'}"
        )


class Trace:
    """Listens to a bench from now on; boards are followed one by one."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.lines: list[str] = []
        self._names: dict[int, str] = {}
        self._carried = 0
        bench.world.listeners.append(self._hear)

    def follow(self, name: str, board: VirtualBoard) -> None:
        """Writes down what this board does to its flash and sends through its modem."""
        self._names[id(board)] = name
        if board.fitted is not None and board.fitted.modem is not None:
            self._names[id(board.fitted.modem)] = name
        before = board.flash.before_op

        def note(op: FlashOp) -> None:
            self._add(name, f"{op.kind} 0x{op.address:06x}", op.data)
            if before is not None:
                before(op)

        board.flash.before_op = note

    def _hear(self, _at_us: int, who: object, what: str, more: str) -> None:
        capture = self.bench.network.capture
        if what in ("up", "down") and len(capture) > self._carried:
            self._carried = len(capture)
            self._add(self._names.get(id(who), "?"), f"{what} {more}", capture[-1][2])
        elif what == "reset":
            self._add(self._names.get(id(who), "?"), f"reset {more}", b"")

    def _add(self, name: str, what: str, data: bytes) -> None:
        self.lines.append(f"{self.bench.world.now_us} {name} {what} {data.hex()}")

    def digest(self) -> str:
        """Return a hash over all lines and over what the flash of each board holds at the end."""
        digest = hashlib.sha256()
        for line in self.lines:
            digest.update(line.encode() + b"\n")
        for name, board in sorted(self.bench.boards.items()):
            digest.update(name.encode() + hashlib.sha256(board.flash.data).digest())
        return digest.hexdigest()

    def write(self, path: Path) -> None:
        """Keep the lines in a compressed file."""
        with gzip.open(path, "wt", encoding="ascii", compresslevel=6) as file:
            file.writelines(line + "\n" for line in self.lines)

    def difference(self, path: Path) -> Difference | None:
        """Return where a kept run and this one differ first."""
        with gzip.open(path, "rt", encoding="ascii") as file:
            pairs = zip_longest((line.rstrip("\n") for line in file), self.lines, fillvalue="")
            for number, (expected, found) in enumerate(pairs, start=1):
                if expected != found:
                    return Difference(number, expected, found)
        return None
