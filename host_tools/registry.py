"""The registry: which units exist, under which key id, epoch and key, and what was done to them.

It also lists the issuers of alerts (`issuers.py`), by their public keys.

One registry is one site's key table: every key id in it has the same length (`kid_size`), and the
collector reads it. Master keys and other secrets of units, Wi-Fi passwords for one, are sealed in
it (`vault.py`) unless somebody has unlocked it. They leave it only through `keys` and `secret` and
are never part of a `Unit`. The file belongs to its owner alone (mode 0600) all the same.

Two rules keep a (key, sequence number) pair from coming twice:

- a key is new random bytes under a new epoch, and is sent to a unit at most once (`claim`);
- the downlink sequence of a key is reserved here, beside the key, not in the collector's store.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from . import vault
from .database import Database
from .errors import FieldbeatError
from .key_table import KeyTable
from .language import tr
from .paths import registry_file
from .registered_unit import PROVISIONING, Unit
from .registry_tables import LAYOUT

KEY_SIZE = 16  # bytes: AES-128


class RegistryError(FieldbeatError):
    """The registry cannot do what was asked."""


_COLUMNS = tuple(field.name for field in fields(Unit))
_DESCRIPTION = frozenset(_COLUMNS[3:-2])  # what `describe` may change


class Registry(KeyTable):
    """The SQLite file of units and keys.

    Args:
        path: the file; default as in `paths.registry_file`.
        kid_size: bytes of a key id in a new registry, 2 or 4; an existing file keeps its own.
        random_bytes: source of keys.
        now: clock for the history, Unix seconds.
        create: make a missing file.
        locked: lock a new registry at once, by a key file beside it or at $FIELDBEAT_KEY_FILE.

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
        locked: bool = True,
    ) -> None:
        super().__init__(Database(registry_file(path), LAYOUT, create), now)
        self.random_bytes = random_bytes
        if create:
            try:
                self._begin(int(kid_size), locked)
            except BaseException:
                self.close()
                raise
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

    @property
    def now(self) -> Callable[[], float]:
        """Its clock, Unix seconds."""
        return self._now

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def checkpoint(self) -> None:
        """Move what is committed from the log into the file."""
        self._database.checkpoint()

    def require_file(self) -> None:
        """Raise `DatabaseGone` where another file is in the place of the one that was opened."""
        self._database.require_file()

    def version(self) -> tuple[int, int]:
        """Return a value that changes with every change, here or in another process."""
        return self._database.outside_version(), self._changes

    def _begin(self, kid_size: int, locked: bool) -> None:
        """Settle what a new registry is like; an existing one stays as it is."""
        with self._database.transaction():
            new = "INSERT OR IGNORE INTO settings VALUES ('kid_size', ?)"
            if self._database.write(new, kid_size) and locked:
                self.vault.lock_by_file(self.vault.key_file_of_new)

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
        self.vault.make_ready()
        with self._database.transaction():
            unit = self.unit(name)
            kid = unit.kid if unit else self._next_kid()
            last = self._database.one("SELECT MAX(epoch) FROM keys WHERE kid = ?", kid)[0]
            epoch = max(last or 0, unit.epoch if unit else 0) + 1
            master = self.random_bytes(KEY_SIZE)
            self._database.write(
                "INSERT INTO keys (kid, epoch, master, created_s) VALUES (?, ?, ?, ?)",
                *(kid, epoch, self.vault.seal(master, vault.place_of_key(kid, epoch)), at_s),
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

    def adopt(self, name: str, kid: bytes, epoch: int) -> None:
        """Enter a unit that another registry gave this key id and epoch, without its key.

        A key id that another unit has here by now stays with that one. Of a unit that is known, as
        in an old copy, the epoch is raised, so that none is given twice.
        """
        at_s = self._now()
        self._changes += 1
        with self._database.transaction():
            known = self.unit(name)
            if known:
                same = known.kid == kid and epoch > known.epoch
                self._database.write(
                    "UPDATE units SET epoch = ? WHERE name = ?",
                    *(epoch if same else known.epoch, name),
                )
                return
            if len(kid) != self.kid_size or self.unit_of_kid(kid) or self.keys_given(kid):
                kid, epoch = self._next_kid(), 0
            self._database.write(
                "INSERT INTO units (name, kid, epoch, state, created_s, changed_s)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                *(name, kid, epoch, PROVISIONING, at_s, at_s),
            )
            self.note(name, "adopted", f"key id {kid.hex()}, epoch {epoch}")

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
                raise RegistryError(
                    tr("{name} is not in {path}").format(name=name, path=self.path),
                    tr("provision it first"),
                )
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

    def retire(self, mac: str, unit: str, why: str) -> None:
        """Note that the chip with this MAC address is a unit no more."""
        row = mac, unit, why, self._now()
        self._database.write("INSERT OR REPLACE INTO retired VALUES (?, ?, ?, ?)", *row)

    def reinstate(self, mac: str) -> None:
        """Forget that a chip was retired: it is a unit again."""
        self._database.write("DELETE FROM retired WHERE mac = ?", mac)

    def retired(self, mac: str) -> tuple[str, str] | None:
        """Return which unit a retired chip was, and why it is not; None for any other."""
        row = self._database.one("SELECT unit, why FROM retired WHERE mac = ?", mac)
        return (row["unit"], row["why"]) if row else None

    def last_retired(self, unit: str) -> str | None:
        """Return the MAC address of the chip that was a unit before the present one."""
        row = self._database.one(
            "SELECT mac FROM retired WHERE unit = ? ORDER BY at_s DESC, rowid DESC LIMIT 1", unit
        )
        return row["mac"] if row else None

    def keep_config(self, unit: str, config: bytes) -> None:
        """Keep the configuration that a unit is given, for a board that may replace it."""
        self._database.write(
            "INSERT OR REPLACE INTO configs VALUES (?, ?, ?)", unit, config, self._now()
        )

    def config(self, unit: str) -> bytes | None:
        """Return the `/config.cbor` that a unit was given last."""
        row = self._database.one("SELECT config FROM configs WHERE unit = ?", unit)
        return row["config"] if row else None

    def config_given_s(self, unit: str) -> float:
        """Return when that was, Unix seconds; 0 if it never was."""
        row = self._database.one("SELECT changed_s FROM configs WHERE unit = ?", unit)
        return row["changed_s"] if row else 0.0

    def keep_control(self, unit: str, spoken: str) -> None:
        """Keep what the rules of a unit are called, JSON; '' for one without any."""
        self._changes += 1
        with self._database.transaction():
            self._database.write("DELETE FROM control WHERE unit = ?", unit)
            if spoken:
                self._database.write("INSERT INTO control VALUES (?, ?)", unit, spoken)

    def control(self, unit: str) -> str:
        """Return what the rules of a unit are called, '' if it is not known."""
        row = self._database.one("SELECT spoken FROM control WHERE unit = ?", unit)
        return row["spoken"] if row else ""

    def is_first_time(self, what: str) -> bool:
        """Tell whether nobody has asked this of this registry before."""
        return self._database.write("INSERT OR IGNORE INTO settings VALUES (?, 1)", what) == 1

    def _next_kid(self) -> bytes:
        """Return the key id after the highest one; an id is never given to a second unit."""
        last = self._database.one("SELECT MAX(kid) FROM keys")[0]
        number = int.from_bytes(last or b"", "big") + 1
        if number >> (8 * self.kid_size):
            message = tr("{path} has given out all {value} key ids of {kid_size} bytes").format(
                path=self.path, value=number - 1, kid_size=self.kid_size
            )
            raise RegistryError(message, tr("start another registry, with key ids of 4 bytes"))
        return number.to_bytes(self.kid_size, "big")

    def _select(self, condition: str, *values: Any) -> list[Unit]:
        sql = f"SELECT {', '.join(_COLUMNS)} FROM units WHERE {condition}"
        return [Unit(*row) for row in self._database.all(sql, *values)]
