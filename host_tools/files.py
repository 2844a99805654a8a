"""Writes files whole: who reads one finds the old content or the new one, never a part."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from .errors import CannotTry

PUBLIC, PRIVATE = 0o666, 0o600  # before the umask


def write_atomically(path: Path, content: bytes, mode: int = PUBLIC) -> None:
    """Write a file in one step.

    Args:
        path: the file; a link is followed, a device or pipe is simply written to.
        content: all of it.
        mode: permissions, less what the umask takes away; also of a file that is replaced.

    Raises:
        CannotTry: it cannot be written; an existing file is then untouched.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return
        partial = target.parent / f"{target.name}.part"
        try:
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(partial, target)
        except OSError:
            with suppress(OSError):
                partial.unlink()
            raise
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        step = "free space on that disk" if full else "name a file in a folder where you may write"
        raise CannotTry(message, step) from None
