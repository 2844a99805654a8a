"""Why a serial port could not be opened, in words that help."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import errno
from pathlib import Path

from .errors import CannotTry


def port_error(port: str, error: Exception) -> CannotTry:
    """Return why a serial port could not be opened, and what to do about it."""
    number = getattr(error, "errno", None)
    if not Path(port).exists():
        return CannotTry(f"there is no port {port}", "plug the board in, or see 'ls /dev/tty*'")
    if number in (errno.EACCES, errno.EPERM):
        return CannotTry(f"you may not use {port}", "join its group, usually 'dialout'")
    if number in (errno.EBUSY, errno.EAGAIN):
        return CannotTry(f"{port} is used by another program", f"end it: 'fuser {port}' names it")
    return CannotTry(f"{port} cannot be opened: {error}", "see that it is a serial port")
