"""Fills the flash of a real board with esptool, as `fieldbeat flash` does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fieldbeat.host_tools import flasher, rom_loader
from fieldbeat.host_tools.errors import FieldbeatError

from ..benches.blocked import Blocked
from .flasher import Chip
from .images import inspect_for
from .serial_line import SerialLine


class EsptoolFlasher:
    """Implements `Flasher`; the console's port is closed while esptool has it."""

    def __init__(self, line: SerialLine, manifest: str, name: str) -> None:
        self.line = line
        self.manifest = manifest
        self.name = name
        self.build_id: str | None = None

    def flash(self, image: bytes, secrets: bytes | None = None) -> None:
        info = inspect_for(image, self.manifest, self.name)
        with self._loader():
            self.build_id = None
            with rom_loader.Visit(self.line.url) as visit:
                done = flasher.flash(visit, image, info, secrets)
            self.build_id = done.build_id

    def erase(self) -> None:
        with self._loader():
            self.build_id = None
            rom_loader.erase(self.line.url)

    def read(self, offset: int, size: int) -> bytes:
        with self._loader():
            return rom_loader.read(self.line.url, offset, size)

    def identify(self) -> Chip:
        with self._loader():
            return Chip(*rom_loader.identify(self.line.url))

    @contextmanager
    def _loader(self) -> Iterator[None]:
        """Gives esptool the port; what goes wrong there blocks, it is no failed test."""
        try:
            with self.line.released():
                yield
        except Blocked:
            raise
        except FieldbeatError as error:
            raise Blocked(f"{self.name}: {error.message}", error.next_step) from error
