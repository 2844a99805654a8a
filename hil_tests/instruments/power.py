"""Interface: the supply of a board."""

from __future__ import annotations

from typing import Protocol


class Power(Protocol):
    """A switch between a board and its supply."""

    def on(self) -> None: ...

    def off(self) -> None: ...

    def cycle(self) -> None:
        """Off, long enough for the supply to run empty, and on again."""

    def is_on(self) -> bool: ...

    def close(self) -> None:
        """Leaves the supply as the bench file asks (`after`)."""
