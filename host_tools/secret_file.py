"""Files that somebody has written a secret into: a passphrase, a password, a code.

As with keys, only their owner may read them. A pipe or a terminal keeps nothing, and is taken.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import CannotTry
from .language import os_reason, tr


def is_private(path: Path) -> bool:
    """Tell whether nobody but its owner may read a file.

    Raises:
        OSError: it cannot be looked at.
    """
    mode = path.stat().st_mode
    return not (stat.S_ISREG(mode) and mode & 0o077) or _is_credential(path)


def first_line(file: Path, step: str) -> str:
    """Return the first line of a file, '' of an empty one.

    Args:
        file: only its owner may read it.
        step: what to do about a file that cannot be read.

    Raises:
        CannotTry: others may read it, or it cannot be read.
    """
    try:
        if not is_private(file):
            message = tr("others may read {path}").format(path=file)
            raise CannotTry(message, tr("chmod 600 {path}, then try again").format(path=file))
        lines = file.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else tr("it is no text")
        message = tr("{file} cannot be read: {reason}").format(file=file, reason=reason)
        raise CannotTry(message, step) from None
    return lines[0] if lines else ""


def _is_credential(path: Path) -> bool:
    """Whether systemd gave it to this service alone: by an ACL, which looks like mode 0440."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return folder != "" and path.absolute().parent == Path(folder)
