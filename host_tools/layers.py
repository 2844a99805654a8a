"""Bytes taken to pieces: a layer reads its data from front to back and notes what bits mean."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fieldbeat.protocols.bits import get_varint

from .language import tr
from .wording import counted

RAW_BYTES_SHOWN = 12
_WIDTHS = (7, 26, 16)  # of the columns place, raw and name

Meaning = str | Callable[[int], str]


@dataclass(frozen=True)
class Part:
    """Some bits: `at` is the first one, `raw` is hexadecimal, or binary digits if `binary`."""

    at: int
    size: int
    raw: str
    binary: bool
    name: str
    meaning: str
    depth: int = 0

    @property
    def place(self) -> str:
        """The first byte, and within a byte the bit, from the most significant: 3 or 3.5."""
        return f"{self.at // 8}.{self.at % 8}" if self.binary else str(self.at // 8)


@dataclass
class Layer:
    """Reads `data` and notes in `parts` what was read. At the end, readers raise ValueError."""

    title: str
    data: bytes
    parts: list[Part] = field(default_factory=list)
    at: int = 0  # bits read
    problem: str = ""

    def get(self, size: int) -> int:
        """Read `size` bits, most significant first, without noting them."""
        end = self.at + size
        if end > 8 * len(self.data):
            raise ValueError(
                tr("it ends after {count} bytes, inside a field").format(count=len(self.data))
            )
        whole = int.from_bytes(self.data[self.at // 8 : (end + 7) // 8], "big")
        self.at = end
        return whole >> (-end % 8) & (1 << size) - 1

    def note(
        self, start: int, name: str, meaning: str, binary: bool = False, depth: int = 0
    ) -> None:
        """Note what the bits from `start` to here mean."""
        size, end = self.at - start, self.at
        self.at = start
        digits = f"{self.get(size):0{size}b}" if binary and size else ""
        self.at = end
        raw = digits if binary else self.data[start // 8 : end // 8].hex()
        self.parts.append(Part(start, size, raw, binary, name, meaning, depth))

    def bits(self, size: int, name: str, meaning: Meaning = str) -> int:
        """Read and note a field of some bits."""
        start = self.at
        value = self.get(size)
        self.note(start, name, _say(meaning, value), binary=True)
        return value

    def number(self, size: int, name: str, meaning: Meaning = str) -> int:
        """Read and note a big-endian number of `size` bytes."""
        start = self.at
        value = self.get(8 * size)
        self.note(start, name, _say(meaning, value))
        return value

    def varint(self, name: str, meaning: Meaning = str) -> int:
        """Read and note a number of 7 bits a byte."""
        start = self.at
        value, end = get_varint(self.data, self.at // 8)
        self.at = 8 * end
        self.note(start, name, _say(meaning, value))
        return value

    def raw(self, size: int, name: str, meaning: str = "") -> bytes:
        """Read and note `size` bytes."""
        start = self.at
        if size > self.left:
            raise ValueError(
                tr("it ends after {count} bytes, inside '{name}'").format(
                    count=len(self.data), name=name
                )
            )
        self.at += 8 * size
        self.note(start, name, meaning)
        return self.data[start // 8 : self.at // 8]

    def fill(self) -> None:
        """Read and note the bits up to the next whole byte."""
        if self.at % 8:
            self.bits(-self.at % 8, "fill", tr("zeros up to the next byte"))

    @property
    def left(self) -> int:
        """Whole bytes that were not read yet."""
        return len(self.data) - (self.at + 7) // 8

    def lines(self) -> Iterator[str]:
        """Yield the layer as text: place, bytes or bits, name, meaning."""
        yield f"{self.title}, {counted(len(self.data), 'byte')}"
        for part in self.parts:
            name = "  " * part.depth + part.name
            cells = (part.place.rjust(_WIDTHS[0] - 2), _cut(part), name)
            padded = [text.ljust(width) for text, width in zip(cells, _WIDTHS, strict=True)]
            yield f"{'  '.join(padded)}  {part.meaning}".rstrip()
        if self.problem:
            yield f"       {self.problem}"


def _say(meaning: Meaning, value: int) -> str:
    return meaning if isinstance(meaning, str) else meaning(value)


def _cut(part: Part) -> str:
    if part.binary or len(part.raw) <= 2 * RAW_BYTES_SHOWN:
        return part.raw
    return part.raw[: 2 * RAW_BYTES_SHOWN - 2] + " ..."
