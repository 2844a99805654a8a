"""The serial transport of smpclient on our ports, and what a stopped program leaves on them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import termios
from contextlib import suppress
from typing import Any

from smpclient.transport.serial import SMPSerialTransport

from . import serial_port


class SerialTransport(SMPSerialTransport):
    """A port that is opened once: why that fails is worth more than trying again."""

    heard = b""  # what came last that was no SMP
    _conn: Any  # pyserial's port

    async def connect(self, address: str, timeout_s: float) -> None:
        self._reset_state()
        self._conn = serial_port.open_port(address, self._conn.baudrate)

    async def _drain_tx(self) -> None:
        if hasattr(type(self._conn), "out_waiting"):  # a port elsewhere has no such count
            await super()._drain_tx()

    def leave_raw_repl(self) -> None:
        """Send Ctrl-B: the raw REPL says nothing of itself, the prompt that follows does.

        A unit's program and its console do nothing with it.
        """
        if not self.heard:
            with suppress(OSError):  # the port is gone, the next request says so
                self._conn.write(b"\x02")

    def forget(self) -> None:
        """Drop what came late or garbled."""
        self.heard = bytes(self._serial_buffer)
        self._reset_state()
        try:
            self._conn.reset_input_buffer()
        except termios.error:
            pass  # the port is gone, the next request says so
