"""Interface: what fills the flash of a board."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Chip(NamedTuple):
    mac: str  # aa:bb:cc:dd:ee:ff
    chip: str  # esp32


class Flasher(Protocol):
    build_id: str | None  # of the image that was flashed last; None: not by this bench

    def flash(self, image: bytes, secrets: bytes | None = None) -> None:
        """Writes an image and resets; NVS is kept unless `secrets` (a new content) is given."""

    def erase(self) -> None: ...

    def read(self, offset: int, size: int) -> bytes:
        """What is in the flash; may reset the board."""

    def identify(self) -> Chip:
        """Asks the chip itself, which may reset the board."""
