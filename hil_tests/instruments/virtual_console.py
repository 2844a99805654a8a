"""The console of a virtual board, in virtual or in real time."""

from __future__ import annotations

from collections.abc import Callable

from ..virtual.board import VirtualBoard
from . import waiting

REPL_S = 0.2  # of the wall clock: virtual time does not wait for what a REPL computes


class VirtualConsole:
    """Implements `Console`; `read` lets the time of the board's world pass."""

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self._unread = bytearray()
        board.on_output(self._came)

    def write(self, data: bytes) -> None:
        self.board.console_write(data)

    def read(self, timeout_s: float) -> bytes:
        world = self.board.world
        if self.board.state == "repl" and timeout_s and not world.is_real:
            world.run_real(REPL_S, lambda: self._unread or self.board.state != "repl")
        waiting.run_until(world, lambda: self._unread, timeout_s)
        with self.board.world.lock:
            data = bytes(self._unread)
            self._unread.clear()
        return data

    def on_output(self, callback: Callable[[bytes], object]) -> None:
        self.board.on_output(callback)

    def close(self) -> None:
        with self.board.world.lock:
            self.board.console.callbacks.remove(self._came)

    def _came(self, data: bytes) -> None:
        self._unread += data
