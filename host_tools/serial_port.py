"""Opens serial ports and says in plain words why one cannot be opened."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import errno
import os

import serial

from .errors import CannotTry

CONSOLE_BAUD = 115200


class PortError(CannotTry):
    """A serial port that is absent, busy, forbidden or lost."""


def open_port(
    url: str, baud: int = CONSOLE_BAUD, timeout_s: float | None = 1
) -> serial.SerialBase:
    """Open a port for ourselves alone.

    Args:
        url: a device (`/dev/ttyUSB0`), or a pyserial URL (`socket://host:port`, `rfc2217://...`).
        baud: bits per second.
        timeout_s: how long a read waits; None for ever.

    Raises:
        PortError: it cannot be opened; the message says why.
    """
    try:
        if url.startswith("rfc2217://"):
            from .rfc2217_client import Rfc2217Client

            return Rfc2217Client(url, baud, timeout=timeout_s)
        port = serial.serial_for_url(
            url, baud, timeout=timeout_s, exclusive=True, do_not_open=True
        )
        port.open()
        return port
    except (OSError, ValueError) as error:  # SerialException is an OSError
        raise explain(url, error) from None


def explain(url: str, error: Exception) -> PortError:
    """Return why a port could not be opened, and what to do about it."""
    code, text = getattr(error, "errno", None), str(error)
    is_device = "://" not in url
    if is_device and not os.path.exists(url):
        return PortError(f"there is no port {url}", f"plug the board in; {_ports_here()}")
    if code == errno.EACCES or "Permission denied" in text:
        step = "add yourself to the port's group (sudo usermod -aG dialout $USER) and log in again"
        return PortError(f"you may not use {url}", step)
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return PortError(
            f"{url} is busy", "close the program that has it open (fuser -v " + url + ")"
        )
    if code in (errno.EPIPE, errno.ECONNRESET) or "does not seem to support RFC2217" in text:
        step = "end the other client, and see that the server at that port speaks RFC 2217"
        return PortError(f"{url} is busy, or no serial port", step)
    if not is_device:
        return PortError(f"nobody answers at {url} ({text})", "see that its server runs")
    return PortError(f"{url} cannot be opened ({text})", "name the serial port of a board")


def _ports_here() -> str:
    from serial.tools import list_ports

    found = sorted(port.device for port in list_ports.comports())
    return f"ports here: {', '.join(found)}" if found else "no serial ports are here now"
