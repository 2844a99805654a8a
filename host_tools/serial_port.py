"""Opens serial ports and says in plain words why one cannot be opened."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import errno
import os

import serial

from .errors import CannotTry
from .language import tr

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


def lost_step(url: str) -> str:
    """Return what to do where a port that was open is gone, or nobody answers at it any more."""
    if "://" in url:
        return tr("see that the server of this port runs and that the network is up")
    return tr("see that the cable is plugged in and the board powered")


def explain(url: str, error: Exception) -> PortError:
    """Return why a port could not be opened, and what to do about it."""
    code, text = getattr(error, "errno", None), str(error)
    is_device = "://" not in url
    if is_device and not os.path.exists(url):
        return PortError(
            tr("there is no port {url}").format(url=url),
            tr("plug the board in; {ports_here}").format(ports_here=_ports_here()),
        )
    if code == errno.EACCES or "Permission denied" in text:
        step = tr(
            "add yourself to the port's group (sudo usermod -aG dialout $USER) and log in again"
        )
        return PortError(tr("you may not use {url}").format(url=url), step)
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return PortError(
            tr("{url} is busy").format(url=url),
            tr("close the program that has it open (fuser -v {url})").format(url=url),
        )
    if code in (errno.EPIPE, errno.ECONNRESET) or "does not seem to support RFC2217" in text:
        step = tr("end the other client, and see that the server at that port speaks RFC 2217")
        return PortError(tr("{url} is busy, or no serial port").format(url=url), step)
    if not is_device:
        return PortError(
            tr("nobody answers at {url} ({text})").format(url=url, text=text),
            tr("see that its server runs"),
        )
    return PortError(
        tr("{url} cannot be opened ({text})").format(url=url, text=text),
        tr("name the serial port of a board"),
    )


def _ports_here() -> str:
    from serial.tools import list_ports

    found = sorted(port.device for port in list_ports.comports())
    return (
        tr("ports here: {listed}").format(listed=", ".join(found))
        if found
        else tr("no serial ports are here now")
    )
