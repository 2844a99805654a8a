"""A serial port on another machine (RFC 2217), quick enough for esptool.

pyserial's own negotiates all line settings anew, 0.1 s, whenever a *timeout* changes; esptool
changes it with every command.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from serial import rfc2217


class Rfc2217Client(rfc2217.Serial):
    """pyserial's client, which tells the server only what changed."""

    _told: tuple | None = None

    def open(self) -> None:
        """Connect; a new connection has to be told everything."""
        self._told = None
        super().open()

    def _reconfigure_port(self) -> None:
        line = (self._baudrate, self._bytesize, self._parity, self._stopbits)
        settings = (*line, self._rtscts, self._xonxoff)
        if settings != self._told or self._write_timeout is not None:  # which it refuses
            super()._reconfigure_port()
            self._told = settings
