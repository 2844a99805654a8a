"""The wire between the bench and one interpreter: two pipes, fixed headers, one request at a time.

Request: op, sequence, payload length, argument, the board's clock (s, us); the payload, filled up
to words of 32 bits. Reply: sequence, status, mask of the UARTs with bytes to read, length of the
body, value, the clock (s, us) from which the board goes on; the body. `modules/_link.py` is the
other end; it numbers its ops in the same order.

A request with POSTED in its op wants no reply, since the board knows it: it travels before the
next one that does, in one piece with it, and is carried out at its own time all the same.
"""

import os
import select
import struct
from typing import NamedTuple

OPS = (
    *("hello", "repl", "wait", "reset", "soft_reset", "deepsleep"),
    *("console_read", "console_write", "kbd_intr", "flash_program", "flash_erase"),
    *("nvs_open", "nvs_get", "nvs_set", "nvs_erase", "urandom", "rtc_set", "rtc_memory"),
    *("pin_mode", "pin_set", "pin_get", "adc_read", "i2c_init", "i2c_transfer"),
    *("uart_init", "uart_any", "uart_read", "uart_write", "uart_pending"),
    *("wdt_init", "wdt_feed", "uart_flush"),
    *("nic_set", "nic_connect", "nic_state", "resolve", "socket_open", "socket_close"),
    *("socket_bind", "socket_connect", "socket_join", "socket_send", "socket_receive"),
    *("i2s_init", "i2s_write", "i2s_queue", "i2s_seen", "i2s_deinit"),
    *("lightsleep", "wake_on"),
    *("pin_irq", "pin_edge", "camera_open", "camera_close", "camera_capture"),
    "pwm_duty",
    *("wire_reset", "wire_write", "wire_read"),
)
POSTED = 0x80

_REQUEST = struct.Struct("<BBHiii")
_REPLY = struct.Struct("<BBHiiii")

OK, OS_ERROR, INTERRUPT, FILL_HEAP = range(4)
FOREVER = -1
REQUEST = 2
# In the mask of a wait; 0..3 are the UARTs, 4..12 sockets, 13..14 I2S, 15 pins.
CONSOLE_BIT = 1 << 30
BODY_LIMIT = 512  # of what a wait brings along


class Request(NamedTuple):
    """What the interpreter asks; `local_us` is the board's clock when it asked."""

    op: int
    sequence: int
    argument: int
    local_us: int
    payload: bytes


class Link:
    """The bench's end of the two pipes."""

    def __init__(self) -> None:
        self.child_reads, self._write_fd = os.pipe()
        self.read_fd, self.child_writes = os.pipe()
        self._poller = select.poll()
        self._poller.register(self.read_fd, select.POLLIN)
        self._buffer = b""
        self._at = 0  # where the next request begins in it

    def started(self) -> None:
        """The child holds its ends now; keeps ours only, so that its death is seen."""
        os.close(self.child_reads)
        os.close(self.child_writes)

    def also_wake_on(self, fd: int) -> None:
        """Lets `wait()` return, too, when `fd` is readable."""
        self._poller.register(fd, select.POLLIN)

    def wait(self, timeout_s: float) -> int:
        """Waits for something to read; 0 after `timeout_s`.

        REQUEST tells that a request, or the end of the child, can be read.
        """
        happened = 0
        for fd, _ in self._poller.poll(timeout_s * 1000):
            happened |= REQUEST if fd == self.read_fd else 1
        return happened

    def held(self) -> bool:
        """Whether a request that came with another one is still to be taken."""
        return self._at < len(self._buffer)

    def receive(self) -> Request | None:
        """Takes the next request, which has begun to arrive; None when the child is gone."""
        at = self._at
        buffer = self._buffer
        if at == len(buffer):
            at = self._at = 0
            buffer = self._buffer = os.read(self.read_fd, 65536)
            if not buffer:
                return None
        # What one write of the child has put into the pipe is read in one piece, see _link.py.
        op, sequence, length, argument, s, us = _REQUEST.unpack_from(buffer, at)
        at += _REQUEST.size
        self._at = at + (length + 3 & ~3)
        return Request(op, sequence, argument, s * 1_000_000 + us, buffer[at : at + length])

    def reply(
        self, sequence: int, status: int, inputs: int, value: int, local_us: int, body: bytes
    ) -> None:
        """Answers a request; a child that died meanwhile is noticed by the next `receive()`."""
        s, us = divmod(local_us, 1_000_000)
        header = _REPLY.pack(sequence, status, inputs, len(body), value, s, us)
        try:
            os.write(self._write_fd, header + body)
        except BrokenPipeError:
            pass

    def close(self) -> None:
        os.close(self.read_fd)
        os.close(self._write_fd)
