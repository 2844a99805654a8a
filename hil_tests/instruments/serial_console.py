"""The console of a real board: a serial device, or any URL of pyserial's."""

from __future__ import annotations

from collections.abc import Callable

from .serial_line import SerialLine


class SerialConsole:
    """Implements `Console`."""

    def __init__(self, line: SerialLine) -> None:
        self.line = line

    def write(self, data: bytes) -> None:
        self.line.write(data)

    def read(self, timeout_s: float) -> bytes:
        return self.line.take(timeout_s)

    def on_output(self, callback: Callable[[bytes], object]) -> None:
        self.line.callbacks.append(callback)

    def close(self) -> None:
        self.line.close()
