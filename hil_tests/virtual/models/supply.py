"""A switched supply: a pin turns it on, a resistor keeps it off while the chip resets.

A model with `supplied(on)` hangs on it, and starts anew each time.
"""

from __future__ import annotations

from collections.abc import Callable


class Supply:
    """`on`, and how often it was switched on."""

    def __init__(self) -> None:
        self.on = False
        self.starts = 0
        self.loads: list[Callable[[bool], object]] = []

    def feed(self, load: Callable[[bool], object]) -> None:
        """Hang a model on it."""
        self.loads.append(load)
        load(self.on)

    def changed(self, level: int) -> None:
        """The pin has another level."""
        if bool(level) == self.on:
            return
        self.on = bool(level)
        self.starts += self.on
        for load in self.loads:
            load(self.on)

    def released(self) -> None:
        """The chip no longer drives the pin."""
        self.changed(0)
