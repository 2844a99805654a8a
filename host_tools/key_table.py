"""The keys of units, and what else is kept for them in secret: sealed, and sent only once.

It is a part of a registry (`registry.py`), which says why a key is never given twice.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable

from . import vault
from .database import Database

WIFI_PASSWORD = "wifi password"


class KeyTable:
    """The tables of keys and secrets.

    Args:
        database: has them.
        now: clock, Unix seconds.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._changes = 0
        self.vault = vault.Vault(database)

    def keys(self, kid: bytes) -> list[tuple[int, bytes]]:
        """Return (epoch, master key) of a key id, newest first.

        Raises:
            LockedError: the registry is locked, and what opens it is not here.
        """
        self.vault.make_ready()
        with self._database.reading():
            rows = self._database.all(
                "SELECT epoch, master FROM keys WHERE kid = ? ORDER BY epoch DESC", bytes(kid)
            )
            return [
                (epoch, self.vault.open(master, vault.place_of_key(kid, epoch)))
                for epoch, master in rows
            ]

    def secret(self, unit: str, name: str) -> bytes | None:
        """Return what is kept for a unit in secret under a name, None if there is nothing.

        Raises:
            LockedError: the registry is locked, and what opens it is not here.
        """
        with self._database.reading():
            row = self._database.one(
                "SELECT value FROM secrets WHERE unit = ? AND name = ?", unit, name
            )
            return self.vault.open(row[0], vault.place_of_secret(unit, name)) if row else None

    def has_secret(self, unit: str, name: str) -> bool:
        """Tell whether something is kept under a name, for which nothing has to be opened."""
        sql = "SELECT 1 FROM secrets WHERE unit = ? AND name = ?"
        return self._database.one(sql, unit, name) is not None

    def keep_secret(self, unit: str, name: str, value: bytes | None) -> None:
        """Keep something for a unit in secret, or forget it."""
        self._changes += 1
        if value is not None:
            self.vault.make_ready()
        with self._database.transaction():
            self._database.write("DELETE FROM secrets WHERE unit = ? AND name = ?", unit, name)
            if value is not None:
                sealed = self.vault.seal(value, vault.place_of_secret(unit, name))
                row = unit, name, sealed, self._now()
                self._database.write("INSERT INTO secrets VALUES (?, ?, ?, ?)", *row)

    def wifi_password(self, unit: str) -> str | None:
        """Return the password with which a unit joins its access point, None if none is known."""
        password = self.secret(unit, WIFI_PASSWORD)
        return None if password is None else password.decode()

    def keep_wifi_password(self, unit: str, password: str | None) -> None:
        """Keep the password of a unit's access point, or forget it."""
        self.keep_secret(unit, WIFI_PASSWORD, None if password is None else password.encode())

    def keys_given(self, kid: bytes) -> int:
        """Return how many keys a key id was given."""
        return self._database.one("SELECT COUNT(*) FROM keys WHERE kid = ?", bytes(kid))[0]

    def revoke_keys(self, kid: bytes) -> int:
        """Revoke every key that a key id has now; return how many were not revoked before."""
        self._changes += 1
        sql = "UPDATE keys SET revoked_s = ? WHERE kid = ? AND revoked_s IS NULL"
        return self._database.write(sql, self._now(), bytes(kid))

    def revoked(self, kid: bytes) -> frozenset[int]:
        """Return the epochs of a key id whose keys are revoked."""
        rows = self._database.all(
            "SELECT epoch FROM keys WHERE kid = ? AND revoked_s IS NOT NULL", bytes(kid)
        )
        return frozenset(row["epoch"] for row in rows)

    def claim(self, kid: bytes, epoch: int) -> bool:
        """Take a key for sending it to its unit; only the first who asks may.

        Returns:
            False for a key that may already be in a unit, is revoked, or does not exist.
        """
        sql = (
            "UPDATE keys SET sent_s = ?"
            " WHERE kid = ? AND epoch = ? AND sent_s IS NULL AND revoked_s IS NULL"
        )
        return self._database.write(sql, self._now(), bytes(kid), epoch) == 1

    def was_sent(self, kid: bytes, epoch: int) -> bool:
        """Tell whether a key may already be, or have been, in a unit."""
        row = self._database.one(
            "SELECT sent_s FROM keys WHERE kid = ? AND epoch = ?", bytes(kid), epoch
        )
        return bool(row and row[0] is not None)

    def reserve_down(self, kid: bytes, epoch: int, count: int, lowest: int = 0) -> int:
        """Reserve downlink sequence numbers that nobody has, before they are used.

        Returns:
            The first of `count` numbers; at least `lowest`.
        """
        key = (bytes(kid), epoch)
        with self._database.transaction():
            free = "SELECT MAX(down_limit, ?) FROM keys WHERE kid = ? AND epoch = ?"
            first = self._database.one(free, lowest, *key)[0]
            self._database.write(
                "UPDATE keys SET down_limit = ? WHERE kid = ? AND epoch = ?", first + count, *key
            )
        return first
