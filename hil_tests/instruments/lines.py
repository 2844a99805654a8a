"""Interface: the two lines beside the console, EN and IO0."""

from __future__ import annotations

from typing import Protocol


class Lines(Protocol):
    """What the two buttons of a board do."""

    def reset(self) -> None:
        """The program starts anew."""

    def bootloader(self) -> None:
        """The chip waits in its serial loader until it is reset."""
