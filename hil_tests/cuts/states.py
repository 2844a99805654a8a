"""Flash as a power cut leaves it: bytes before operation N, and operation N half done.

    rebuilt = Rebuilt(recording)
    for name in distinct(recording, range(1, 100)):
        rebuilt.go_to(name.number)
        rebuilt.flash(name)

A name is N (cut cleanly before operation N) or N:KIND. A torn program or erase is told by its
kind; chance comes from the seed of the recording and the name, so that a name is a state.

    both     after   nothing of the operation is missing, and all that followed it is: for an
                     operation after which the collector has taken something
    program  first   one byte is there
             half    the first half is there
             last    all but the last byte is there
             bits    about half of the bits that were to be cleared are
    erase    half    the first half is erased, the rest is old
             back    the other way round
             noise   about half of the bits that were to be set are

Does not model bits that read differently each time, or a neighbour that is disturbed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..virtual.errors import BenchError
from ..virtual.flash import SECTOR, FlashOp
from .tape import TAKEN, Datagram, Recording

CLEAN, AFTER = "clean", "after"
PROGRAM_KINDS = ("first", "half", "last", "bits")
ERASE_KINDS = ("half", "back", "noise")
KINDS = (CLEAN, *PROGRAM_KINDS, *ERASE_KINDS[1:], AFTER)


def kinds_of(op: FlashOp) -> tuple[str, ...]:
    """The ways in which an operation can be cut."""
    return (CLEAN, *(PROGRAM_KINDS if op.kind == "program" else ERASE_KINDS), AFTER)


@dataclass(frozen=True)
class Name:
    """Which state: the operation, counted from 1, and how it was cut."""

    number: int
    kind: str = CLEAN

    def __str__(self) -> str:
        return str(self.number) if self.kind == CLEAN else f"{self.number}:{self.kind}"


def parse(text: str) -> Name:
    """Read a name.

    Raises:
        BenchError: it is none.
    """
    number, _, kind = text.partition(":")
    kind = kind or CLEAN
    if not number.isdecimal() or int(number) < 1 or kind not in KINDS:
        kinds = ", ".join(KINDS)
        raise BenchError(f"there is no cut {text!r}: give N or N:KIND, KIND one of {kinds}")
    return Name(int(number), kind)


def done(op: FlashOp, old: bytes) -> bytes:
    """What stands at the operation's place after it; `old` is what stood there."""
    if op.kind == "erase":
        return b"\xff" * op.length
    return _and(old, op.data)


def torn(op: FlashOp, old: bytes, kind: str, seed: int) -> bytes:
    """What stands at the operation's place when it was cut in this way."""
    if kind == CLEAN:
        return old
    new, half = done(op, old), op.length // 2
    if kind == AFTER:
        return new
    if kind in ("bits", "noise"):
        return _some_bits(old, new, random.Random(f"{seed}/{op.number}/{kind}"))
    if kind == "back":
        return old[:half] + new[half:]
    size = {"first": 1, "half": half, "last": op.length - 1}[kind]
    return new[:size] + old[size:]


def _and(old: bytes, data: bytes) -> bytes:
    both = int.from_bytes(old, "little") & int.from_bytes(data, "little")
    return both.to_bytes(len(data), "little")


def _some_bits(old: bytes, new: bytes, chance: random.Random) -> bytes:
    before, after = int.from_bytes(old, "little"), int.from_bytes(new, "little")
    changed = (before ^ after) & chance.getrandbits(8 * len(old))
    return (before ^ changed).to_bytes(len(old), "little")


class Rebuilt:
    """The flash of a recording, made again operation by operation.

    Args:
        recording: whose operations.
        origin: a flash to tell the difference to; default: the recording's base.
    """

    def __init__(self, recording: Recording, origin: bytes | None = None) -> None:
        self.recording = recording
        self.data = bytearray(recording.base)
        self.ops = recording.ops
        self.before = 1  # the operation that comes next
        self.changed: dict[int, bytes] = {}  # sector: its hash, of those that differ from origin
        self._origin = recording.base if origin is None else origin
        if self._origin is not recording.base:
            for at in range(0, len(self.data), SECTOR):
                self._look(at // SECTOR)

    def go_to(self, number: int) -> None:
        """Do all operations before this one.

        Raises:
            BenchError: there is no such operation, or it is behind.
        """
        if not self.before <= number <= len(self.ops) + 1:
            raise BenchError(f"operation {number} is not in {self.before}..{len(self.ops) + 1}")
        for op in self.ops[self.before - 1 : number - 1]:
            self._put(op, done(op, self._at(op)))
        self.before = number

    def flash(self, name: Name) -> bytes:
        """All bytes as this cut leaves them; its operation must come next."""
        op = self.next_op(name)
        content = torn(op, self._at(op), name.kind, self.recording.seed)
        return b"".join((self.data[: op.address], content, self.data[op.address + op.length :]))

    def key(self, name: Name) -> bytes:
        """A hash of `flash(name)`: equal for equal bytes, and quick."""
        with self.cut(name):
            return hash_of(*(n.to_bytes(4, "big") + h for n, h in sorted(self.changed.items())))

    @contextmanager
    def cut(self, name: Name) -> Iterator[FlashOp]:
        """Let `data` be what this cut leaves, for a while."""
        op = self.next_op(name)
        old, sectors = self._at(op), dict(self.changed)
        self._put(op, torn(op, old, name.kind, self.recording.seed))
        try:
            yield op
        finally:
            self.data[op.address : op.address + op.length] = old
            self.changed = sectors

    def next_op(self, name: Name) -> FlashOp:
        """The operation that a name is about.

        Raises:
            BenchError: it does not come next, or cannot be cut in this way.
        """
        op = self.ops[name.number - 1] if name.number <= len(self.ops) else None
        if op is None or name.number != self.before or name.kind not in kinds_of(op):
            raise BenchError(f"there is no cut {name} in this recording")
        return op

    def _at(self, op: FlashOp) -> bytes:
        return bytes(self.data[op.address : op.address + op.length])

    def _put(self, op: FlashOp, content: bytes) -> None:
        self.data[op.address : op.address + op.length] = content
        for sector in range(op.address // SECTOR, (op.address + op.length - 1) // SECTOR + 1):
            self._look(sector)

    def _look(self, sector: int) -> None:
        at = sector * SECTOR
        now = self.data[at : at + SECTOR]
        if now == self._origin[at : at + SECTOR]:
            self.changed.pop(sector, None)
        else:
            self.changed[sector] = hash_of(now)


def hash_of(*parts: bytes | bytearray) -> bytes:
    """Sixteen bytes that stand for all of these."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()


def distinct(recording: Recording, numbers: Iterable[int]) -> Iterator[Name]:
    """Every cut of these operations whose flash is like no other's before it, in order."""
    rebuilt, seen = Rebuilt(recording), set()
    for number in sorted(numbers):
        rebuilt.go_to(number)
        for kind in kinds_of(rebuilt.ops[number - 1])[:-1]:
            name = Name(number, kind)
            key = rebuilt.key(name)
            if key not in seen:
                seen.add(key)
                yield name


def every(recording: Recording, numbers: Iterable[int] | None = None) -> list[Name]:
    """Every cut of these operations, and of all if none are given, in order."""
    chosen = range(1, len(recording.ops) + 1) if numbers is None else sorted(numbers)
    ops = recording.ops
    names = [Name(n, kind) for n in chosen for kind in kinds_of(ops[n - 1])[:-1]]
    names += before_taken(recording, chosen)
    return sorted(names, key=lambda name: name.number)


def before_taken(recording: Recording, numbers: Iterable[int]) -> Iterator[Name]:
    """Cuts right after an operation: their flash is that of the next cut, but not their world."""
    wanted, last, taken = set(numbers), 0, False
    for _, what in recording.history:
        if isinstance(what, FlashOp):
            if taken and last in wanted:
                yield Name(last, AFTER)
            last, taken = what.number, False
        else:
            taken = taken or (isinstance(what, Datagram) and what.kind == TAKEN)
