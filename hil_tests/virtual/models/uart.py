"""A device on a UART: bytes take their time on the line, and arrive in the pieces a chip sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..world import World

# The ESP32's receiver hands over when its FIFO holds 120 bytes or the line pauses.
FIFO_BYTES = 120
BITS_PER_BYTE = 10  # 8N1: start bit, eight data bits, stop bit


def to_text(data: bytes) -> str:
    """Return a character for each byte, whatever it is."""
    return "".join(map(chr, data))


class UartDevice:
    """Base of the UART models.

    The bench calls `attach(send)` once, where `send(data)` puts bytes into the board's receive
    buffer now, and `receive(data)` with the bytes that the board begins to send now.
    """

    def __init__(self, world: World, baud: int) -> None:
        self.world = world
        self.baud = baud
        self.deliver: Callable[[bytes], None] = lambda data: None
        self.free_us = 0  # when our transmitter is idle again

    def attach(self, send: Callable[[bytes], None]) -> None:
        """Connect the board's receiver."""
        self.deliver = send

    def receive(self, data: bytes) -> None:
        """Take bytes that the board sends."""
        raise NotImplementedError

    def duration_us(self, n: int) -> int:
        """Return how long n bytes take on the line."""
        return n * BITS_PER_BYTE * 1_000_000 // self.baud

    def transmit(self, data: bytes, pause_us: int = 0) -> int:
        """Send bytes to the board at the baud rate; return when the last one has arrived.

        The line is silent for `pause_us` before.
        """
        at_us = max(self.free_us, self.world.now_us) + pause_us
        for start in range(0, len(data), FIFO_BYTES):
            piece = data[start : start + FIFO_BYTES]
            at_us += self.duration_us(len(piece))
            self.world.call_at(at_us, partial(self.deliver, piece))
        self.free_us = at_us
        return at_us
