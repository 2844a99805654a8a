"""What was done for each unit of a plan, so that a batch goes on where it was.

A line of JSON for each step, on the disk before the next step begins; the last line of a unit
counts. A last line that is cut short, by a crash or a full disk, is left out. One batch at a time
has a journal.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import CannotTry, FieldbeatError
from .language import os_reason, tr
from .times import iso

# The steps of a unit, in their order; FAILED: it must begin with the first one again.
FAILED, BOUND, FLASHED, PROVISIONED, DONE = "failed", "bound", "flashed", "provisioned", "done"
_ORDER = (FAILED, BOUND, FLASHED, PROVISIONED, DONE)


class JournalError(FieldbeatError):
    """A step was not noted; what was noted before is kept."""


@dataclass(frozen=True)
class Entry:
    """How far a unit is: its chip, its last completed step, and the hash of what it got."""

    unit: str
    mac: str
    step: str
    digest: str
    at: str

    def reached(self, step: str, digest: str) -> bool:
        """Tell whether a step is done already, with these contents."""
        return self.digest == digest and _ORDER.index(self.step) >= _ORDER.index(step)


class Journal:
    """The journal of one plan; any thread may write to it.

    Args:
        path: the file; it is made if it is missing.
        now: clock, Unix seconds.

    Raises:
        CannotTry: it cannot be written, or another batch has it.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now = now
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise self._cannot(error) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
        except BlockingIOError:
            os.close(self._file)
            message = tr("another batch goes on with {path}").format(path=path)
            raise CannotTry(message, tr("end it, or wait until it has ended")) from None
        except OSError as error:
            os.close(self._file)
            raise self._cannot(error) from None

    def _cannot(self, error: OSError) -> CannotTry:
        message = tr("{path} cannot be written: {why}")
        message = message.format(path=self.path, why=os_reason(error))
        return CannotTry(
            message, tr("name a file in a folder where you may write: --journal FILE")
        )

    def _read(self) -> None:
        whole = b""
        with open(self._file, "rb", closefd=False) as file:
            file.seek(0)
            for line in file:
                entry = _entry(line)
                if entry:
                    self._entries[entry.unit] = entry
                whole = line
        if whole and not whole.endswith(b"\n"):  # what follows must not be glued to it
            os.write(self._file, b"\n")

    def close(self) -> None:
        """Close the file, and let another batch have it."""
        os.close(self._file)

    def entry(self, unit: str) -> Entry | None:
        """Return how far a unit is, None for one that was never begun."""
        return self._entries.get(unit)

    def unit_of_mac(self, mac: str) -> str:
        """Return the unit that was begun on a chip last; '' if none was."""
        bound = (entry.unit for entry in self._entries.values() if entry.mac == mac)
        return max(bound, key=lambda unit: self._entries[unit].at, default="")

    def note(self, unit: str, mac: str, step: str, digest: str) -> None:
        """Keep a completed step.

        Raises:
            JournalError: the disk did not take it.
        """
        entry = Entry(unit, mac, step, digest, iso(self._now()))
        line = json.dumps(asdict(entry)).encode() + b"\n"
        with self._lock:
            try:
                _write(self._file, line)
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                step = tr("free space on that disk") if full else tr("see to that disk")
                message = tr("{path} cannot be written: {why}")
                message = message.format(path=self.path, why=os_reason(error))
                then = tr("{step}, then run the same command again").format(step=step)
                raise JournalError(message, then) from None
            self._entries[unit] = entry


def _write(descriptor: int, line: bytes) -> None:
    """Append a line whole, or leave the file as it was."""
    before = os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, before)
        raise


def _entry(line: bytes) -> Entry | None:
    try:
        entry = Entry(**json.loads(line))
        return entry if entry.step in _ORDER else None
    except (ValueError, TypeError):
        return None
