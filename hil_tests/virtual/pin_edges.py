"""Interrupts of input pins: which edges a program waits for, and which have come.

As MicroPython has it on an ESP32: each edge asks for a call of the handler, which comes when the
program can be interrupted; of more than eight that wait, the later ones are lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

BIT = 1 << 15  # of the inputs
RISING, FALLING = 1, 2  # Pin.IRQ_RISING, Pin.IRQ_FALLING
DEPTH = 8  # MICROPY_SCHEDULER_DEPTH of the port


class PinEdges:
    """`level(pin)` reads a pin, `set_input(mask, ready)` tells the program; see Buses."""

    def __init__(
        self, level: Callable[[int], int], set_input: Callable[[int, bool], None]
    ) -> None:
        self._level = level
        self._set_input = set_input
        self.lost = 0
        self.reset()

    def reset(self) -> None:
        """No program waits for an edge."""
        self._armed: dict[int, tuple[int, int]] = {}  # pin: (edges, its level when last seen)
        self._came: deque[int] = deque()

    def arm(self, pin: int, edges: int) -> None:
        """Waits for edges at a pin; none: no longer."""
        if edges:
            self._armed[pin] = edges, self._level(pin)
        else:
            self._armed.pop(pin, None)

    def look(self, asleep: bool = False) -> None:
        """Some level may have changed; what changes while the chip is asleep is no edge."""
        for pin, (edges, before) in self._armed.items():
            level = self._level(pin)
            self._armed[pin] = edges, level
            if asleep or level == before or not edges & (RISING if level else FALLING):
                continue
            if len(self._came) >= DEPTH:
                self.lost += 1
            else:
                self._came.append(pin)
        if self._came:
            self._set_input(BIT, True)

    def take(self) -> int:
        """The pin of the next edge; -1 if there is none."""
        pin = self._came.popleft() if self._came else -1
        if not self._came:
            self._set_input(BIT, False)
        return pin
