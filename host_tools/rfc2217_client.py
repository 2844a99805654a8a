"""A serial port on another machine (RFC 2217), quick enough for esptool.

pyserial's own negotiates all line settings anew, 0.1 s, whenever a *timeout* changes; esptool
changes it with every command.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import warnings

from serial import rfc2217


class Rfc2217Client(rfc2217.Serial):
    """pyserial's client, which tells the server only what changed."""

    _told: tuple | None = None

    def open(self) -> None:
        """Connect; a new connection has to be told everything."""
        self._told = None
        with warnings.catch_warnings():  # it names its thread in a way of the past
            warnings.simplefilter("ignore", DeprecationWarning)
            super().open()

    def _reconfigure_port(self) -> None:
        line = (self.baudrate, self.bytesize, self.parity, self.stopbits)
        settings = (*line, self.rtscts, self.xonxoff)
        if settings != self._told or self.write_timeout is not None:  # which it refuses
            super()._reconfigure_port()  # type: ignore[misc]
            self._told = settings
