"""Whether the secrets of a registry are sealed, and what opens them.

Sealed are the master keys of its units and whatever else is kept for a unit in secret (`secrets`
in `key_table.py`). The registry's own table `lock` tells how, in one row; without that row all is
in clear. What opens it is looked for when the first secret is needed, so that whoever only lists
units needs nothing:

    a key file      $FIELDBEAT_KEY_FILE, else the file that was named when it was locked; by
                    default it lies beside the registry: registry.sqlite.key
    a passphrase    $FIELDBEAT_PASSPHRASE, else a person is asked
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fieldbeat.protocols import cbor

from .database import Database
from .errors import CannotTry
from .language import tr
from .wording import all_of

if TYPE_CHECKING:
    from .sealing import Sealer, Wrapped

KEY_FILE_VARIABLE, PASSPHRASE_VARIABLE = "FIELDBEAT_KEY_FILE", "FIELDBEAT_PASSPHRASE"
TABLE = """
CREATE TABLE lock (
    one INTEGER PRIMARY KEY CHECK (one = 1), kind TEXT NOT NULL, place TEXT NOT NULL,
    salt BLOB NOT NULL, n INTEGER NOT NULL, r INTEGER NOT NULL, p INTEGER NOT NULL,
    wrapped BLOB NOT NULL);
"""
_TRIES = 3  # of a person


class LockedError(CannotTry):
    """The registry is locked, and what opens it is not here."""


class Lock(NamedTuple):
    """How a registry is locked; `place` is the key file, as it was named then."""

    wrapped: Wrapped
    place: str


class Vault:
    """Seals what is secret in a registry, if it is locked.

    Safe for several threads; other processes may lock and unlock it at any time.

    Args:
        database: the registry's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opening = threading.Lock()
        self._opened: tuple[Wrapped, Sealer] | None = None

    @property
    def key_file_of_new(self) -> Path:
        """The key file of a registry that was given none: beside it, if no other is named."""
        named = os.environ.get(KEY_FILE_VARIABLE)
        path = self._database.path
        return Path(named).expanduser() if named else path.with_name(f"{path.name}.key")

    def lock(self) -> Lock | None:
        """Return how it is locked, None if all is in clear."""
        row = self._database.one("SELECT kind, salt, n, r, p, wrapped, place FROM lock")
        if row is None:
            return None
        from .sealing import Wrapped

        *wrapped, place = row
        return Lock(Wrapped(*wrapped), place)

    def make_ready(self) -> None:
        """Open it now, so that no transaction waits for a person who types.

        Raises:
            LockedError: what opens it is not here, or does not fit.
        """
        self._sealer()

    def seal(self, value: bytes, place: bytes) -> bytes:
        """Return a secret as it is stored at a place."""
        sealer = self._sealer()
        return sealer.seal(value, place) if sealer else value

    def open(self, stored: bytes, place: bytes) -> bytes:
        """Return the secret that is stored at a place.

        Raises:
            LockedError: it cannot be opened.
        """
        sealer = self._sealer()
        return self._open(sealer, stored, place) if sealer else stored

    def lock_by(self, kind: str, secret: bytes, place: str = "") -> None:
        """Seal everything under a new data key, which opens by a secret of this kind.

        Raises:
            LockedError: it is locked already, and what opens it is not here; or another program
                has locked or unlocked it meanwhile. Nothing was changed.
        """
        from .sealing import wrap

        wrapped, new = wrap(kind, secret)  # takes its time, in which others may write
        row = (wrapped.by, place, wrapped.salt, wrapped.n, wrapped.r, wrapped.p, wrapped.key)
        with self._changing() as old:
            self._convert(old, lambda value, where: new.seal(value, where))
            self._database.write("DELETE FROM lock")
            self._database.write("INSERT INTO lock VALUES (1, ?, ?, ?, ?, ?, ?, ?)", *row)
        self._opened = wrapped, new

    def lock_by_file(self, file: Path) -> None:
        """Lock it by a key file, which is made if there is none. See `lock_by`."""
        from .sealing import KEY_FILE, make_key_file

        file, folder = file.absolute(), self._database.path.absolute().parent
        place = file.name if file.parent == folder else str(file)  # both may be moved together
        self.lock_by(KEY_FILE, make_key_file(file), place)

    def unlock(self) -> None:
        """Store everything in clear.

        Raises:
            LockedError: what opens it is not here; or another program has locked or unlocked it
                meanwhile. Nothing was changed.
        """
        with self._changing() as old:
            self._convert(old, lambda value, where: value)
            self._database.write("DELETE FROM lock")

    @contextmanager
    def _changing(self) -> Iterator[Sealer | None]:
        """Be in a transaction with what opens the secrets as they are sealed in it.

        It is opened before, as a person may be asked for it, and counts only if the lock in the
        transaction is still the one that was opened: by an older one everything would be sealed
        twice, or stay sealed without a lock.
        """
        lock = self.lock()
        old = self._opener(lock) if lock else None
        with self._database.transaction():
            if self.lock() != lock:
                message = tr("another program has just locked or unlocked {path}")
                step = tr(
                    "nothing was changed; see 'fieldbeat registry status', then run it again if it"
                    " is meant"
                )
                raise LockedError(message.format(path=self._database.path), step)
            yield old

    def _convert(self, old: Sealer | None, change: Callable[[bytes, bytes], bytes]) -> None:
        """Store each secret anew, inside a transaction."""
        for rowid, kid, epoch, master in self._database.all(
            "SELECT rowid, kid, epoch, master FROM keys"
        ):
            where = place_of_key(kid, epoch)
            value = change(self._open(old, master, where) if old else master, where)
            self._database.write("UPDATE keys SET master = ? WHERE rowid = ?", value, rowid)
        for rowid, unit, name, stored in self._database.all(
            "SELECT rowid, unit, name, value FROM secrets"
        ):
            where = place_of_secret(unit, name)
            value = change(self._open(old, stored, where) if old else stored, where)
            self._database.write("UPDATE secrets SET value = ? WHERE rowid = ?", value, rowid)

    def _open(self, sealer: Sealer, stored: bytes, place: bytes) -> bytes:
        from .sealing import DoesNotOpen

        try:
            return sealer.open(stored, place)
        except DoesNotOpen:
            message = tr("a secret in {path} was changed or is damaged, it does not open")
            raise LockedError(
                message.format(path=self._database.path),
                tr("restore the registry from a copy; other units are not touched by it"),
            ) from None

    def _sealer(self) -> Sealer | None:
        """Return what seals, None if all is in clear."""
        lock = self.lock()
        return self._opener(lock) if lock else None

    def _opener(self, lock: Lock) -> Sealer:
        """Return what seals under a lock."""
        with self._opening:  # a person is asked once, whoever waits
            if self._opened is None or self._opened[0] != lock.wrapped:
                self._opened = lock.wrapped, self._unwrap(lock)
            return self._opened[1]

    def _unwrap(self, lock: Lock) -> Sealer:
        from .sealing import KEY_FILE

        return self._by_file(lock) if lock.wrapped.by == KEY_FILE else self._by_passphrase(lock)

    def _by_file(self, lock: Lock) -> Sealer:
        from .sealing import DoesNotOpen, read_key_file

        named = os.environ.get(KEY_FILE_VARIABLE)
        usual = self._database.path.parent / lock.place
        files = [Path(named).expanduser(), usual] if named else [usual]
        for file in (file for file in files if file.exists()):
            try:
                return lock.wrapped.open(read_key_file(file))
            except DoesNotOpen:
                continue
        names = all_of(str(file) for file in files)
        if any(file.exists() for file in files):
            message = tr(
                "{names} is the key file of another registry than {path}, or an older one"
            )
        else:
            message = tr("the key file {names} of {path} is missing")
        raise LockedError(
            message.format(names=names, path=self._database.path),
            tr(
                "put it back from its copy, or name it by FIELDBEAT_KEY_FILE; if it is lost,"
                " start a new registry and run 'fieldbeat registry rebuild' at each unit"
            ),
        )

    def _by_passphrase(self, lock: Lock) -> Sealer:
        from .asking import may_ask_secret, secret
        from .sealing import DoesNotOpen, passphrase_bytes

        path = self._database.path
        given = os.environ.get(PASSPHRASE_VARIABLE)
        if given is None and not may_ask_secret():
            message = tr("{path} is locked by a passphrase, and nobody is there to ask for it")
            step = tr("for a service lock it by a file: 'fieldbeat registry lock --key-file FILE'")
            raise LockedError(message.format(path=path), step)
        if given is not None:
            _warn_once()
        question = tr("Passphrase of {path}").format(path=path)
        for _ in range(1 if given is not None else _TRIES):
            try:
                text = secret(question) if given is None else given
                return lock.wrapped.open(passphrase_bytes(text))
            except DoesNotOpen:
                question = tr("That does not open it. Passphrase of {path}").format(path=path)
        raise LockedError(
            tr("{path} does not open with this passphrase").format(path=path),
            tr("try again: nothing was changed"),
        )


def place_of_key(kid: bytes, epoch: int) -> bytes:
    """Return what names the place of a master key."""
    return cbor.encode(["key", bytes(kid), epoch])


def place_of_secret(unit: str, name: str) -> bytes:
    """Return what names the place of another secret of a unit."""
    return cbor.encode(["secret", unit, name])


_warned = threading.Event()


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        text = tr(
            "the passphrase is in $FIELDBEAT_PASSPHRASE, which other programs of yours can read;"
            " a key file of mode 0600 is safer"
        )
        print(text, file=sys.stderr, flush=True)
