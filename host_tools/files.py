"""Reads files, and writes them whole: a reader finds the old content or the new one, never a part.

What is written is on the disk on return, the file and its name: what is committed elsewhere
afterwards may rely on it, also after a power cut.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import CannotTry
from .language import os_reason, tr

PUBLIC, PRIVATE = 0o666, 0o600  # before the umask


def read(path: Path, next_step: str) -> bytes:
    """Return the content of a file.

    Raises:
        CannotTry: it cannot be read; `next_step` is what to do.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotTry(f"{path}: {os_reason(error)}", next_step) from None


def write_atomically(path: Path, content: bytes, mode: int = PUBLIC) -> None:
    """Write a file in one step; of several who do it at once the last one wins.

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
        with _partial(target, content, mode) as partial:
            os.replace(partial, target)
            _sync_folder(target.parent)
    except OSError as error:
        raise _not_written(path, error) from None


def write_new(path: Path, content: bytes, mode: int = PUBLIC) -> None:
    """Write a file that is not there yet, in one step; one of several who do it at once wins.

    Raises:
        FileExistsError: there is one; it is untouched.
        CannotTry: it cannot be written.
    """
    try:
        with _partial(path, content, mode) as partial:
            os.link(partial, path)
            _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _not_written(path, error) from None


def _not_written(path: Path, error: OSError) -> CannotTry:
    message = tr("{path} cannot be written: {strerror}").format(
        path=path, strerror=os_reason(error)
    )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotTry(message, tr("free space on that disk"))
    return CannotTry(message, tr("name a file in a folder where you may write"))


@contextmanager
def _partial(target: Path, content: bytes, mode: int) -> Iterator[Path]:
    """Have the content on the disk beside its target, under a name that nobody else uses."""
    partial = target.parent / f"{target.name}.{secrets.token_hex(4)}.part"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield partial
    finally:
        with suppress(OSError):  # it has the other name by now
            partial.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing
            raise
    finally:
        os.close(descriptor)
