"""The store of a collector: one SQLite file with all that units said, raw and decoded.

A frame, its records, the decoded values and the replay window are written in one transaction, so
that whatever was acknowledged is here, decoded once and only once. Raw frames and records are
kept: values can be decoded again when a schema arrives late.

Times are Unix seconds. A value is an integer in counts; its series says how many make one unit.
Record numbers (`rn`) count up within a `run`: a unit whose log was erased starts a new run.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from fieldbeat.protocols.replay import Window

from .database import Database
from .errors import CannotTry
from .paths import store_file

DECODED, WAITING, BAD = "decoded", "waiting", "bad"  # states of a record

_TABLES = """
CREATE TABLE frames (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, epoch INTEGER NOT NULL, piv INTEGER NOT NULL,
    received_s REAL NOT NULL, source TEXT NOT NULL, raw BLOB NOT NULL);
CREATE TABLE records (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, run INTEGER NOT NULL, rn INTEGER NOT NULL,
    frame INTEGER NOT NULL REFERENCES frames, schema INTEGER NOT NULL, state TEXT NOT NULL,
    synced INTEGER NOT NULL DEFAULT 1, raw BLOB NOT NULL, UNIQUE (unit, run, rn));
CREATE INDEX records_waiting ON records (unit, schema) WHERE state = 'waiting';
CREATE TABLE series (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, name TEXT NOT NULL, symbol TEXT NOT NULL,
    scale INTEGER NOT NULL, UNIQUE (unit, name, symbol, scale));
CREATE TABLE samples (
    series INTEGER NOT NULL, t INTEGER NOT NULL, record INTEGER NOT NULL, value INTEGER,
    quality INTEGER NOT NULL, PRIMARY KEY (series, t, record)) WITHOUT ROWID;
CREATE TABLE events (
    record INTEGER PRIMARY KEY, unit TEXT NOT NULL, type INTEGER NOT NULL, t INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX events_of_unit ON events (unit, type, t);
CREATE TABLE windows (
    kid BLOB NOT NULL, epoch INTEGER NOT NULL, high INTEGER NOT NULL, bits BLOB NOT NULL,
    PRIMARY KEY (kid, epoch));
CREATE TABLE contacts (
    unit TEXT PRIMARY KEY, first_s REAL NOT NULL, last_s REAL NOT NULL, source TEXT NOT NULL,
    frames INTEGER NOT NULL, bytes INTEGER NOT NULL, run INTEGER NOT NULL,
    run_epoch INTEGER NOT NULL, run_piv INTEGER NOT NULL, cumulative INTEGER NOT NULL,
    report_s INTEGER);
CREATE TABLE lost (
    unit TEXT NOT NULL, run INTEGER NOT NULL, first_rn INTEGER NOT NULL, last_rn INTEGER NOT NULL,
    known_s REAL NOT NULL);
CREATE TABLE schemas (
    id INTEGER NOT NULL, hash INTEGER NOT NULL, map BLOB NOT NULL, PRIMARY KEY (id, hash));
CREATE TABLE unit_schemas (
    unit TEXT NOT NULL, run INTEGER NOT NULL, schema INTEGER NOT NULL, from_rn INTEGER NOT NULL,
    hash INTEGER NOT NULL, PRIMARY KEY (unit, run, schema, from_rn));
CREATE TABLE refusals (
    unit TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, last_s REAL NOT NULL,
    source TEXT NOT NULL, PRIMARY KEY (unit, reason));
CREATE TABLE locks (kid BLOB PRIMARY KEY, until_s REAL NOT NULL)
"""


@dataclass(frozen=True)
class Contact:
    """What is known of a unit's traffic; `cumulative`: all records up to it are accounted for."""

    unit: str
    first_s: float
    last_s: float
    source: str = ""
    frames: int = 0
    bytes: int = 0
    run: int = 1
    run_epoch: int = 0  # a frame of an older epoch, or of a lower sequence number in this
    run_piv: int = 0  # epoch, is a straggler of the run before
    cumulative: int = 0
    report_s: int | None = None  # seconds between reports, from the last report

    def heard(self, now_s: float, source: str, size: int) -> Contact:
        """Return the contact after one more frame."""
        frames, bytes_ = self.frames + 1, self.bytes + size
        return replace(self, last_s=now_s, source=source, frames=frames, bytes=bytes_)


_CONTACT = tuple(field.name for field in fields(Contact))


class Store:
    """The SQLite file of a collector.

    Args:
        path: the file; default as in `paths.store_file`.
        create: make a missing file.

    Raises:
        CannotTry: the file is missing or cannot be opened.
    """

    def __init__(self, path: Path | None = None, create: bool = True) -> None:
        file = store_file(path)
        try:
            self.database = Database(file, _TABLES, version=1, create=create)
        except FileNotFoundError:
            step = "start 'fieldbeat collect', or name the file with --db"
            raise CannotTry(f"nothing was collected in {file} yet", step) from None
        self.transaction = self.database.transaction
        self._series: dict[tuple, int] = {}

    @property
    def path(self) -> Path:
        """The file."""
        return self.database.path

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    # Frames and records

    def add_frame(
        self, unit: str, epoch: int, piv: int, now_s: float, source: str, raw: bytes
    ) -> int:
        """Keep a frame as it came and return its id."""
        self.database.write(
            "INSERT INTO frames (unit, epoch, piv, received_s, source, raw)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *(unit, epoch, piv, now_s, source, raw),
        )
        return self.database.one("SELECT last_insert_rowid()")[0]

    def add_record(
        self, unit: str, run: int, rn: int, frame: int, schema: int, raw: bytes
    ) -> int | None:
        """Keep a record, waiting to be decoded; return its id, or None if that number is taken."""
        added = self.database.write(
            "INSERT OR IGNORE INTO records (unit, run, rn, frame, schema, state, raw)"
            " VALUES (?, ?, ?, ?, ?, 'waiting', ?)",
            *(unit, run, rn, frame, schema, raw),
        )
        return self.database.one("SELECT last_insert_rowid()")[0] if added else None

    def raw_record(self, unit: str, run: int, rn: int) -> bytes | None:
        """Return the bytes of a record."""
        row = self.database.one(
            "SELECT raw FROM records WHERE unit = ? AND run = ? AND rn = ?", unit, run, rn
        )
        return row and row["raw"]

    def records_of_schema(self, unit: str, run: int, schema: int, from_rn: int) -> list[Any]:
        """Return id, rn and raw of a schema's records from a number on."""
        return self.database.all(
            "SELECT id, rn, raw FROM records"
            " WHERE unit = ? AND run = ? AND schema = ? AND rn >= ?",
            *(unit, run, schema, from_rn),
        )

    def waiting(self, schema: int) -> list[Any]:
        """Return id, unit, run, rn and raw of every unit's records that wait for a schema."""
        return self.database.all(
            "SELECT id, unit, run, rn, raw FROM records WHERE state = 'waiting' AND schema = ?",
            schema,
        )

    def set_state(self, record: int, state: str, synced: bool = True) -> None:
        """Note whether a record was decoded, and whether its unit's clock was set."""
        self.database.write(
            "UPDATE records SET state = ?, synced = ? WHERE id = ?", state, int(synced), record
        )

    def stored_after(self, unit: str, run: int, rn: int, count: int | None = None) -> list[int]:
        """Return the record numbers above `rn` that are stored, up to `rn` + `count`."""
        last = rn + count if count else 2**63 - 1
        rows = self.database.all(
            "SELECT rn FROM records WHERE unit = ? AND run = ? AND rn > ? AND rn <= ? ORDER BY rn",
            *(unit, run, rn, last),
        )
        return [row["rn"] for row in rows]

    def add_lost(self, unit: str, run: int, first_rn: int, last_rn: int, now_s: float) -> None:
        """Note record numbers that the unit no longer has and that never came."""
        values = (unit, run, first_rn, last_rn, now_s)
        self.database.write("INSERT INTO lost VALUES (?, ?, ?, ?, ?)", *values)

    # Decoded values

    def add_samples(
        self, record: int, unit: str, column: Any, rows: Iterable[tuple[int, int | None, int]]
    ) -> None:
        """Keep (Unix seconds, counts or None, quality) of one column of a record."""
        key = (unit, column.name, column.unit, column.scale)
        series = self._series.get(key) or self._series_id(key)
        self.database.write_many(
            "INSERT OR REPLACE INTO samples (series, t, record, value, quality)"
            " VALUES (?, ?, ?, ?, ?)",
            [(series, t, record, value, quality) for t, value, quality in rows],
        )

    def drop_samples(self, record: int, unit: str) -> None:
        """Remove the values of a record that is about to be decoded again."""
        self.database.write(
            "DELETE FROM samples WHERE record = ?"
            " AND series IN (SELECT id FROM series WHERE unit = ?)",
            *(record, unit),
        )

    def add_event(self, record: int, unit: str, type_: int, t: int, body: bytes) -> None:
        """Keep an event; `body` is its CBOR map."""
        values = (record, unit, type_, t, body)
        self.database.write("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?)", *values)

    def _series_id(self, key: tuple) -> int:
        self.database.write(
            "INSERT OR IGNORE INTO series (unit, name, symbol, scale) VALUES (?, ?, ?, ?)", *key
        )
        sql = "SELECT id FROM series WHERE unit = ? AND name = ? AND symbol = ? AND scale = ?"
        self._series[key] = self.database.one(sql, *key)[0]
        return self._series[key]

    # Contacts and replay windows

    def contact(self, unit: str) -> Contact | None:
        """Return the traffic of a unit, or None before its first frame."""
        row = self.database.one(f"SELECT {', '.join(_CONTACT)} FROM contacts WHERE unit = ?", unit)
        return Contact(*row) if row else None

    def contacts(self) -> list[Contact]:
        """Return the traffic of every unit, by name."""
        rows = self.database.all(f"SELECT {', '.join(_CONTACT)} FROM contacts ORDER BY unit")
        return [Contact(*row) for row in rows]

    def save_contact(self, contact: Contact) -> None:
        """Keep the traffic of a unit."""
        values = tuple(getattr(contact, name) for name in _CONTACT)
        marks = ", ".join("?" * len(values))
        self.database.write(f"INSERT OR REPLACE INTO contacts VALUES ({marks})", *values)

    def window(self, kid: bytes, epoch: int) -> Window:
        """Return the replay window of a key."""
        row = self.database.one(
            "SELECT high, bits FROM windows WHERE kid = ? AND epoch = ?", kid, epoch
        )
        return Window(row["high"], int.from_bytes(row["bits"], "big")) if row else Window()

    def save_window(self, kid: bytes, epoch: int, window: Window) -> None:
        """Keep the replay window of a key."""
        self.database.write(
            "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?)",
            *(kid, epoch, window.high, window.bits.to_bytes(8, "big")),
        )

    def newest_epoch(self, kid: bytes) -> int:
        """Return the highest epoch under which a key id has spoken, 0 for none."""
        return self.database.one("SELECT MAX(epoch) FROM windows WHERE kid = ?", kid)[0] or 0

    # Schemas

    def schema_map(self, schema: int, hash_: int) -> bytes | None:
        """Return the CBOR map of a schema."""
        row = self.database.one("SELECT map FROM schemas WHERE id = ? AND hash = ?", schema, hash_)
        return row and row["map"]

    def add_schema(self, schema: int, hash_: int, map_: bytes) -> None:
        """Keep a schema."""
        self.database.write("INSERT OR IGNORE INTO schemas VALUES (?, ?, ?)", schema, hash_, map_)

    def schema_hash(self, unit: str, run: int, schema: int, rn: int) -> int | None:
        """Return the hash of the schema that a unit used for a record.

        That is the one it announced last before the record, or else first after it.
        """
        row = self.database.one(
            "SELECT hash FROM unit_schemas WHERE unit = ? AND run = ? AND schema = ?"
            " ORDER BY from_rn > ?, CASE WHEN from_rn > ? THEN from_rn ELSE -from_rn END LIMIT 1",
            *(unit, run, schema, rn, rn),
        )
        return row and row["hash"]

    def announce_schema(self, unit: str, run: int, schema: int, from_rn: int, hash_: int) -> None:
        """Note which schema a unit uses from a record number on."""
        values = (unit, run, schema, from_rn, hash_)
        self.database.write("INSERT OR REPLACE INTO unit_schemas VALUES (?, ?, ?, ?, ?)", *values)

    def schemas_wanted(self, unit: str) -> list[int]:
        """Return the schemas that a unit's waiting records need."""
        rows = self.database.all(
            "SELECT DISTINCT schema FROM records"
            " WHERE unit = ? AND state = 'waiting' ORDER BY schema",
            unit,
        )
        return [row["schema"] for row in rows]

    # Refusals

    def add_refusals(self, rows: list[tuple[str, str, int, float, str]]) -> None:
        """Add (unit or '', reason, count, last time, last source) to the counters."""
        self.database.write_many(
            "INSERT INTO refusals VALUES (?, ?, ?, ?, ?) ON CONFLICT (unit, reason) DO UPDATE SET"
            " count = count + excluded.count, last_s = excluded.last_s, source = excluded.source",
            rows,
        )

    def locked_until(self, kid: bytes) -> float:
        """Return until when frames of a key id are refused, Unix seconds; 0 if they are not."""
        row = self.database.one("SELECT until_s FROM locks WHERE kid = ?", kid)
        return row["until_s"] if row else 0.0

    def lock(self, kid: bytes, until_s: float) -> None:
        """Refuse frames of a key id until a time."""
        self.database.write("INSERT OR REPLACE INTO locks VALUES (?, ?)", kid, until_s)
