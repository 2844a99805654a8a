"""The registry: which units exist, under which key id, epoch and key, and what was done to them.

It also lists the issuers of alerts (`issuers.py`), by their public keys.

One registry is one site's key table: every key id in it has the same length (`kid_size`), and the
collector reads it. It holds master keys and Wi-Fi passwords in clear, so the file belongs to its
owner alone (mode 0600); they leave it only through `keys` and `wifi_password` and are never part
of a `Unit`.

Two rules keep a (key, sequence number) pair from coming twice:

- a key is new random bytes under a new epoch, and is sent to a unit at most once (`claim`);
- the downlink sequence of a key is reserved here, beside the key, not in the collector's store.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .database import Database, Layout
from .errors import FieldbeatError
from .paths import registry_file

KEY_SIZE = 16  # bytes: AES-128
SPEAKER = "speaker"  # the role of a loudspeaker
PROVISIONING, PROVISIONED = "provisioning", "provisioned"

_ISSUERS = """
CREATE TABLE issuers (
    kid BLOB PRIMARY KEY, name TEXT NOT NULL, algorithm INTEGER NOT NULL, key BLOB NOT NULL,
    highest_class INTEGER NOT NULL, highest_level INTEGER NOT NULL,
    counter INTEGER NOT NULL DEFAULT 0, created_s REAL NOT NULL, revoked_s REAL);
CREATE UNIQUE INDEX issuers_in_office ON issuers (name) WHERE revoked_s IS NULL;
"""

_WIFI = (
    "CREATE TABLE wifi (unit TEXT PRIMARY KEY, password TEXT NOT NULL, changed_s REAL NOT NULL);"
)

_TABLES = f"""
CREATE TABLE settings (name TEXT PRIMARY KEY, value);
CREATE TABLE units (
    name TEXT PRIMARY KEY, kid BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, state TEXT NOT NULL,
    mac TEXT NOT NULL DEFAULT '', board TEXT NOT NULL DEFAULT '',
    profile TEXT NOT NULL DEFAULT '', site TEXT NOT NULL DEFAULT '',
    firmware TEXT NOT NULL DEFAULT '', config_sha256 TEXT NOT NULL DEFAULT '',
    report_interval_s INTEGER, created_s REAL NOT NULL, changed_s REAL NOT NULL,
    role TEXT NOT NULL DEFAULT 'station', groups TEXT NOT NULL DEFAULT '',
    latitude REAL, longitude REAL, two_issuers_level INTEGER NOT NULL DEFAULT 0);
CREATE TABLE keys (
    kid BLOB NOT NULL, epoch INTEGER NOT NULL, master BLOB NOT NULL, created_s REAL NOT NULL,
    sent_s REAL, down_limit INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kid, epoch));
CREATE TABLE history (at_s REAL NOT NULL, unit TEXT NOT NULL, action TEXT NOT NULL, detail TEXT);
{_ISSUERS}
{_WIFI}
"""

_STEPS = {
    1: "ALTER TABLE units ADD COLUMN role TEXT NOT NULL DEFAULT 'station';"
    "ALTER TABLE units ADD COLUMN groups TEXT NOT NULL DEFAULT '';" + _ISSUERS,
    2: _WIFI,
    3: "ALTER TABLE units ADD COLUMN latitude REAL;ALTER TABLE units ADD COLUMN longitude REAL;",
    4: "ALTER TABLE units ADD COLUMN two_issuers_level INTEGER NOT NULL DEFAULT 0;",
}

_LAYOUT = Layout(
    name="registry",
    application_id=int.from_bytes(b"fbrg", "big"),
    version=5,
    tables=_TABLES,
    since_version_1="keys",
    steps=_STEPS,
    remedy="start 'fieldbeat collect' with it once, which brings it up to date",
    private=True,
)


class RegistryError(FieldbeatError):
    """The registry cannot do what was asked."""


@dataclass(frozen=True)
class Unit:
    """What the registry knows of a unit; times in Unix seconds, hashes and MAC as text.

    `role` is that of its profile. `site` is the area of a loudspeaker; `groups` are the numbers of
    its groups, as '3,7'. `latitude` and `longitude` are in degrees, WGS 84. Emergencies of
    `two_issuers_level` and above need two signatures there; 0: none does.
    """

    name: str
    kid: bytes
    epoch: int
    state: str
    mac: str
    board: str
    profile: str
    site: str
    firmware: str
    config_sha256: str
    report_interval_s: int | None
    role: str
    groups: str
    latitude: float | None
    longitude: float | None
    two_issuers_level: int
    created_s: float
    changed_s: float

    @property
    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude, if they are known."""
        if self.latitude is None or self.longitude is None:
            return None
        return self.latitude, self.longitude

    @property
    def group_numbers(self) -> tuple[int, ...]:
        return tuple(int(number) for number in self.groups.split(",") if number)


_COLUMNS = tuple(field.name for field in fields(Unit))
_DESCRIPTION = frozenset(_COLUMNS[3:-2])  # what `describe` may change


class Registry:
    """The SQLite file of units and keys.

    Args:
        path: the file; default as in `paths.registry_file`.
        kid_size: bytes of a key id in a new registry, 2 or 4; an existing file keeps its own.
        random_bytes: source of keys.
        now: clock for the history, Unix seconds.
        create: make a missing file.

    Raises:
        FileNotFoundError: the file is missing and not to be created.
        CannotTry: the file is no registry, or cannot be opened.
    """

    def __init__(
        self,
        path: Path | None = None,
        kid_size: int = 2,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        now: Callable[[], float] = time.time,
        create: bool = True,
    ) -> None:
        self._database = Database(registry_file(path), _LAYOUT, create)
        self._random_bytes = random_bytes
        self._now = now
        self._changes = 0
        if create:
            self._database.write(
                "INSERT OR IGNORE INTO settings VALUES ('kid_size', ?)", int(kid_size)
            )
        self.kid_size: int = self._database.one(
            "SELECT value FROM settings WHERE name = 'kid_size'"
        )[0]

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def database(self) -> Database:
        """The database, for what has tables of its own in it."""
        return self._database

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def checkpoint(self) -> None:
        """Move what is committed from the log into the file."""
        self._database.checkpoint()

    def version(self) -> tuple[int, int]:
        """Return a value that changes with every change, here or in another process."""
        return self._database.outside_version(), self._changes

    def units(self) -> list[Unit]:
        """Return every unit, by name."""
        return self._select("1 ORDER BY name")

    def unit(self, name: str) -> Unit | None:
        """Return the unit of that name."""
        return next(iter(self._select("name = ?", name)), None)

    def unit_of_kid(self, kid: bytes) -> Unit | None:
        """Return the unit that a key id belongs to."""
        return next(iter(self._select("kid = ?", bytes(kid))), None)

    def unit_of_mac(self, mac: str) -> Unit | None:
        """Return the unit that was last provisioned on the chip with that MAC address."""
        found = self._select("mac = ? AND mac != '' ORDER BY changed_s DESC", mac.lower())
        return next(iter(found), None)

    def allocate(self, name: str, detail: str = "") -> Unit:
        """Give a unit its next key under a new epoch, and a key id if it has none.

        The unit is 'provisioning' until `describe` says otherwise; all is committed on return.

        Raises:
            RegistryError: every key id is taken.
            DatabaseError: the file did not take it.
        """
        at_s = self._now()
        self._changes += 1
        with self._database.transaction():
            unit = self.unit(name)
            kid = unit.kid if unit else self._next_kid()
            last = self._database.one("SELECT MAX(epoch) FROM keys WHERE kid = ?", kid)[0]
            epoch = (last or 0) + 1
            self._database.write(
                "INSERT INTO keys (kid, epoch, master, created_s) VALUES (?, ?, ?, ?)",
                *(kid, epoch, self._random_bytes(KEY_SIZE), at_s),
            )
            self._database.write(
                "INSERT INTO units (name, kid, epoch, state, created_s, changed_s)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                " epoch = excluded.epoch, state = excluded.state, changed_s = excluded.changed_s",
                *(name, kid, epoch, PROVISIONING, at_s, at_s),
            )
            self.note(name, "key allocated", f"epoch {epoch}; {detail}".rstrip("; "))
        allocated = self.unit(name)
        assert allocated is not None
        return allocated

    def describe(self, name: str, action: str, detail: str = "", **changes: Any) -> Unit:
        """Change what is known of a unit (state, mac, board, ...) and note the action."""
        unknown = changes.keys() - _DESCRIPTION
        if unknown:
            raise TypeError(f"a unit has no {', '.join(sorted(unknown))}")
        changes["changed_s"] = self._now()
        self._changes += 1
        columns = ", ".join(f"{column} = ?" for column in changes)
        with self._database.transaction():
            if not self._database.write(
                f"UPDATE units SET {columns} WHERE name = ?", *changes.values(), name
            ):
                raise RegistryError(f"{name} is not in {self.path}", "provision it first")
            self.note(name, action, detail)
        unit = self.unit(name)
        assert unit is not None
        return unit

    def note(self, name: str, action: str, detail: str = "") -> None:
        """Add a line to the history of a unit."""
        self._database.write(
            "INSERT INTO history VALUES (?, ?, ?, ?)", self._now(), name, action, detail
        )

    def history(self, name: str) -> list[tuple[float, str, str]]:
        """Return (Unix seconds, action, detail) of all that was done to a unit, oldest first."""
        rows = self._database.all(
            "SELECT at_s, action, detail FROM history WHERE unit = ? ORDER BY rowid", name
        )
        return [tuple(row) for row in rows]

    def keys(self, kid: bytes) -> list[tuple[int, bytes]]:
        """Return (epoch, master key) of a key id, newest first."""
        rows = self._database.all(
            "SELECT epoch, master FROM keys WHERE kid = ? ORDER BY epoch DESC", bytes(kid)
        )
        return [tuple(row) for row in rows]

    def wifi_password(self, unit: str) -> str | None:
        """Return the password with which a unit joins its access point, None if none is known."""
        row = self._database.one("SELECT password FROM wifi WHERE unit = ?", unit)
        return row[0] if row else None

    def keep_wifi_password(self, unit: str, password: str | None) -> None:
        """Keep the password of a unit's access point, or forget it."""
        self._changes += 1
        with self._database.transaction():
            self._database.write("DELETE FROM wifi WHERE unit = ?", unit)
            if password is not None:
                self._database.write(
                    "INSERT INTO wifi VALUES (?, ?, ?)", unit, password, self._now()
                )

    def claim(self, kid: bytes, epoch: int) -> bool:
        """Take a key for sending it to its unit; only the first who asks may.

        Returns:
            False for a key that may already be in a unit, or that does not exist.
        """
        sql = "UPDATE keys SET sent_s = ? WHERE kid = ? AND epoch = ? AND sent_s IS NULL"
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

    def _next_kid(self) -> bytes:
        """Return the key id after the highest one; an id is never given to a second unit."""
        last = self._database.one("SELECT MAX(kid) FROM keys")[0]
        number = int.from_bytes(last or b"", "big") + 1
        if number >> (8 * self.kid_size):
            message = (
                f"{self.path} has given out all {number - 1} key ids of {self.kid_size} bytes"
            )
            raise RegistryError(message, "start another registry, with key ids of 4 bytes")
        return number.to_bytes(self.kid_size, "big")

    def _select(self, condition: str, *values: Any) -> list[Unit]:
        sql = f"SELECT {', '.join(_COLUMNS)} FROM units WHERE {condition}"
        return [Unit(*row) for row in self._database.all(sql, *values)]
