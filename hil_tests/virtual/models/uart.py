"""A device on a UART: bytes take their time on the line, and arrive in the pieces a chip sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..world import Event, World

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
        self.came_us = 0  # when the last byte of the board's had arrived
        self._piece = b""  # the last one, still on the line
        self._piece_us = 0  # when it began
        self._hand_over: Event | None = None

    def attach(self, send: Callable[[bytes], None]) -> None:
        """Connect the board's receiver."""
        self.deliver = send

    def receive(self, data: bytes) -> None:
        """Take bytes that the board sends, which `hear` gets when they are here."""
        self.world.call_after(self.on_the_way_us(data), lambda: self.hear(bytes(data)))

    def hear(self, data: bytes) -> None:
        """Take bytes that have come."""
        raise NotImplementedError

    def garbled(self, data: bytes, baud: int) -> bytes:
        """Return what becomes of bytes on a line whose other end works at `baud`."""
        return data if abs(baud - self.baud) * 20 < self.baud else b"\xff" * len(data)

    def duration_us(self, n: int) -> int:
        """Return how long n bytes take on the line."""
        return n * BITS_PER_BYTE * 1_000_000 // self.baud

    def on_the_way_us(self, data: bytes) -> int:
        """Return how long it takes until these bytes are here, after all that were sent before.

        A world that runs late hands over several pieces at one moment; the short ones stay last.
        """
        now_us = self.world.now_us
        self.came_us = max(self.came_us, now_us) + self.duration_us(len(data))
        return self.came_us - now_us

    def transmit(self, data: bytes, pause_us: int = 0) -> int:
        """Send bytes to the board at the baud rate; return when the last one has arrived.

        The line is silent for `pause_us` before.
        """
        begin_us = max(self.free_us, self.world.now_us) + pause_us
        if self._hand_over is not None and not pause_us:  # no pause: the piece goes on
            self._hand_over.cancel()
            data, begin_us = self._piece + data, self._piece_us
        for start in range(0, len(data), FIFO_BYTES):
            self._piece, self._piece_us = data[start : start + FIFO_BYTES], begin_us
            begin_us += self.duration_us(len(self._piece))
            self._hand_over = self.world.call_at(begin_us, partial(self._arrive, self._piece))
        if len(self._piece) == FIFO_BYTES:
            self._hand_over = None
        self.free_us = begin_us
        return begin_us

    def _arrive(self, piece: bytes) -> None:
        if self.world.now_us >= self.free_us:
            self._hand_over = None
        self.deliver(piece)
