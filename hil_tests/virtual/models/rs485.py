"""An RS485 line with Modbus RTU slaves: frames end by silence, slaves answer by address.

Specification: MODBUS over serial line 1.02, section 2.5.1.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ..world import World
from .uart import UartDevice


class Slave(Protocol):
    """What hangs on the line."""

    def respond(self, frame: bytes) -> tuple[int, bytes] | None:
        """Return the turnaround in us and the answer, or None for silence."""


class Rs485Line(UartDevice):
    """One half-duplex line with 8N1 bytes; `enable` listens to the driver-enable pin."""

    def __init__(self, world: World, baud: int) -> None:
        super().__init__(world, baud)
        self.slaves: list[Slave] = []
        self.enable = DriverEnable()
        self.buffer = b""
        self.last_us = 0
        self.collisions = 0  # answers lost because the board still drove the line
        self.unheard = 0  # bytes sent while the board's driver was off

    @property
    def silence_us(self) -> int:
        """The pause of 3.5 characters that ends a frame; 1.75 ms above 19200 baud."""
        return 1_750 if self.baud > 19_200 else 7 * self.duration_us(1) // 2

    def receive(self, data: bytes) -> None:
        if self.enable.level == 0:
            self.unheard += len(data)
            return
        self.buffer += data
        begin_us = max(self.last_us, self.world.now_us)
        self.last_us = end_us = begin_us + self.duration_us(len(data))
        self.world.call_at(end_us + self.silence_us, lambda: self.frame_end(end_us))

    def frame_end(self, end_us: int) -> None:
        """Hand the frame to the slaves if no byte came after it."""
        if end_us != self.last_us:
            return
        frame, self.buffer = self.buffer, b""
        for slave in self.slaves:
            answer = slave.respond(frame)
            if answer is not None:
                turnaround_us, data = answer
                self.world.call_after(turnaround_us, partial(self.reply, data))

    def reply(self, data: bytes) -> None:
        """Put an answer on the line, unless the board is still driving it."""
        if self.enable.level == 1:
            self.collisions += 1
            return
        self.transmit(data)


class DriverEnable:
    """The DE/RE pin of the transceiver; level None means automatic direction."""

    def __init__(self) -> None:
        self.level: int | None = None

    def changed(self, value: int) -> None:
        """Note a new level of the pin."""
        self.level = value
