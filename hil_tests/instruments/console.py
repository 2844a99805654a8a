"""Interface: the console of a board, characters in both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Console(Protocol):
    """One reader at a time takes what comes with `read`; any number may listen."""

    def write(self, data: bytes) -> None: ...

    def read(self, timeout_s: float) -> bytes:
        """What has come; waits up to `timeout_s` for the first of it, b"" if nothing comes."""

    def on_output(self, callback: Callable[[bytes], object]) -> None:
        """Calls `callback(data)` with every piece from now on, maybe in another thread."""

    def close(self) -> None: ...
