"""Fills the flash of a virtual board at once, by the plan that `fieldbeat flash` follows."""

from __future__ import annotations

from fieldbeat.host_tools import flasher
from fieldbeat.host_tools.errors import FieldbeatError

from ..benches.blocked import Blocked
from ..virtual.board import VirtualBoard
from .flasher import Chip
from .images import inspect_for


class VirtualFlasher:
    """Implements `Flasher` without esptool; EsptoolFlasher on the board's port is the long way."""

    def __init__(self, board: VirtualBoard, manifest: str, name: str) -> None:
        self.board = board
        self.manifest = manifest
        self.name = name
        self.build_id: str | None = None

    def flash(self, image: bytes, secrets: bytes | None = None) -> None:
        info = inspect_for(image, self.manifest, self.name)
        if not info.virtual:
            reason = f"the image is for real chips, but {self.name} is a virtual board"
            raise Blocked(reason, "build it with --virtual")
        try:
            wanted = flasher.plan(image, info, secrets)
        except FieldbeatError as error:
            raise Blocked(error.message, error.next_step) from None
        self._need_power()
        with self.board.world.lock:
            for offset, data in wanted:
                self.board.flash.load(offset, data)
            self.build_id = info.build_id
            self.board.reset()

    def erase(self) -> None:
        self._need_power()
        with self.board.world.lock:
            self.board.flash.load(0, b"\xff" * self.board.flash.size)
            self.build_id = None
            self.board.reset()

    def read(self, offset: int, size: int) -> bytes:
        self._need_power()
        with self.board.world.lock:
            return self.board.flash.read(offset, size)

    def identify(self) -> Chip:
        self._need_power()
        return Chip(self.board.mac.hex(":"), self.board.spec["chip"])

    def _need_power(self) -> None:
        if self.board.state == "off":
            raise Blocked(f"{self.name} is off, no boot loader answers", "switch it on")
