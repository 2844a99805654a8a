"""The store of a collector: one SQLite file with all that units said, raw and decoded.

A frame, its records, the decoded values and the replay window are written in one transaction, so
that whatever was acknowledged is here, decoded once and only once. Raw frames and records are
kept: values can be decoded again when a schema arrives late.

Times are Unix seconds. A value is an integer in counts; its series says how many make one unit.
Record numbers (`rn`) count up within a `run`: a unit whose log was erased starts a new run.

A report is one row, with its times and counts as JSON arrays: a row for each of its 120 values
would take most of the collector's time. The view `samples` shows them as rows:

    SELECT t, value * 1.0 / scale FROM samples JOIN series ON series.id = samples.series
    WHERE unit = 'gh-01' AND name = 'co2' ORDER BY t
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import orjson
from fieldbeat.protocols.replay import Window
from fieldbeat.protocols.schema import Schema

from .database import Database
from .errors import CannotTry
from .language import tr
from .paths import store_file
from .store_tables import LAYOUT

DECODED, WAITING, BAD = "decoded", "waiting", "bad"  # states of a record


class NothingCollected(CannotTry):
    """There is no store yet."""


@dataclass
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


_CONTACT = tuple(field.name for field in fields(Contact))


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


@dataclass(frozen=True)
class Forgeries:
    """More bad tags under a key id than an accident makes; `count` since `since_s`."""

    kid: bytes
    unit: str
    since_s: float
    last_s: float
    count: int
    source: str


@dataclass(frozen=True)
class Report:
    """The samples of a report; a list of counts and one of qualities for each column."""

    times: list[int]
    counts: list[list[int | None]]
    qualities: list[list[int]] | None  # None: all normal
    synced: bool


class Store:
    """The SQLite file of a collector.

    Args:
        path: the file; default as in `paths.store_file`.
        create: make a missing file, or bring an older one up to date. Who does it has a `Decoder`
            decode what waits.

    Raises:
        NothingCollected: the file is missing.
        CannotTry: it is of an older version, no store, or cannot be opened.
    """

    def __init__(self, path: Path | None = None, create: bool = True) -> None:
        file = store_file(path)
        try:
            self.database = Database(file, LAYOUT, create)
        except FileNotFoundError:
            step = tr("start 'fieldbeat collect', or name the file with --db")
            raise NothingCollected(
                tr("nothing was collected in {file} yet").format(file=file), step
            ) from None
        self.transaction = self.database.transaction
        self.orders_made = 0  # here; `outside_version` tells of those of other connections
        self._layouts: dict[tuple[str, Schema], int] = {}

    @property
    def path(self) -> Path:
        """The file."""
        return self.database.path

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def forget(self) -> None:
        """Forget what was written in a transaction that failed."""
        self._layouts.clear()

    # Frames and records

    def add_frame(
        self, unit: str, epoch: int, piv: int, now_s: float, source: str, raw: bytes
    ) -> int:
        """Keep a frame as it came and return its id."""
        return self.database.insert(
            "INSERT INTO frames (unit, epoch, piv, received_s, source, raw)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *(unit, epoch, piv, now_s, source, raw),
        )

    def add_record(
        self,
        unit: str,
        run: int,
        rn: int,
        frame: int,
        schema: int,
        raw: bytes,
        state: str = WAITING,
        synced: bool = True,
    ) -> int:
        """Keep a record, whose number is not taken yet, and return its id."""
        return self.database.insert(
            "INSERT INTO records (unit, run, rn, frame, schema, state, synced, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(unit, run, rn, frame, schema, state, synced, raw),
        )

    def raw_record(self, unit: str, run: int, rn: int) -> bytes | None:
        """Return the bytes of a record."""
        row = self.database.one(
            "SELECT raw FROM records WHERE unit = ? AND run = ? AND rn = ?", unit, run, rn
        )
        return row and row["raw"]

    def records_of_schema(self, unit: str, run: int, schema: int, from_rn: int) -> list[Any]:
        """Return a schema's records from a number on."""
        return self.database.all(
            "SELECT id, unit, run, rn, schema, raw FROM records"
            " WHERE unit = ? AND run = ? AND schema = ? AND rn >= ?",
            *(unit, run, schema, from_rn),
        )

    def waiting(self, schema: int | None = None) -> list[Any]:
        """Return the records of all units that wait for a schema, or for any."""
        return self.database.all(
            "SELECT id, unit, run, rn, schema, raw FROM records"
            " WHERE state = 'waiting' AND schema = ifnull(?, schema)",
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

    def add_report(
        self,
        record: int,
        unit: str,
        schema: Schema,
        times: list[int],
        counts: list[list[int | None]],
        qualities: list[list[int]],
    ) -> None:
        """Keep what a record reports: Unix seconds, and a list for each column of its schema."""
        key = (unit, schema)
        codes = _to_json(qualities) if any(map(any, qualities)) else None
        self.database.write(
            "INSERT OR REPLACE INTO reports VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(record, self._layouts.get(key) or self._layout(key), min(times), max(times)),
            *(_to_json(times), _to_json(counts), codes),
        )

    def drop_report(self, record: int) -> None:
        """Remove the values of a record that is about to be decoded again."""
        self.database.write("DELETE FROM reports WHERE record = ?", record)

    def layouts(self, unit: str) -> list[tuple[int, list[int]]]:
        """Return the layouts of a unit's reports, oldest first: id, series of each column."""
        rows = self.database.all("SELECT id, series FROM layouts WHERE unit = ? ORDER BY id", unit)
        return [(row["id"], orjson.loads(row["series"])) for row in rows]

    def last_reports(self, layout: int, count: int, until_s: float) -> list[Report]:
        """Return the newest reports of a layout that begin before a time, newest first."""
        rows = self.database.all(
            "SELECT times, counts, qualities, synced FROM reports"
            " JOIN records ON records.id = record"
            " WHERE layout = ? AND first_t <= ? ORDER BY last_t DESC, record DESC LIMIT ?",
            *(layout, until_s, count),
        )
        return [_report(row) for row in rows]

    def reports(self, layout: int, first_s: float, end_s: float) -> list[Report]:
        """Return the reports of a layout that have samples from a time on and before another."""
        rows = self.database.all(
            "SELECT times, counts, qualities, synced FROM reports"
            " JOIN records ON records.id = record"
            " WHERE layout = ? AND last_t >= ? AND first_t < ? ORDER BY first_t, record",
            *(layout, first_s, end_s),
        )
        return [_report(row) for row in rows]

    def add_event(self, record: int, unit: str, type_: int, t: int, body: bytes) -> None:
        """Keep an event; `body` is its CBOR map."""
        values = (record, unit, type_, t, body)
        self.database.write("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?)", *values)

    def _layout(self, key: tuple[str, Schema]) -> int:
        unit, schema = key
        series = _to_json([self._series(unit, c.name, c.unit, c.scale) for c in schema.columns])
        self.database.write(
            "INSERT OR IGNORE INTO layouts (unit, series) VALUES (?, ?)", unit, series
        )
        sql = "SELECT id FROM layouts WHERE unit = ? AND series = ?"
        self._layouts[key] = self.database.one(sql, unit, series)[0]
        return self._layouts[key]

    def _series(self, *key: Any) -> int:
        self.database.write(
            "INSERT OR IGNORE INTO series (unit, name, symbol, scale) VALUES (?, ?, ?, ?)", *key
        )
        sql = "SELECT id FROM series WHERE unit = ? AND name = ? AND symbol = ? AND scale = ?"
        return self.database.one(sql, *key)[0]

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
        names = ", ".join(_CONTACT)
        self.database.write(f"INSERT OR REPLACE INTO contacts ({names}) VALUES ({marks})", *values)

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

    def announced(self, unit: str, run: int, schema: int) -> list[tuple[int, int]]:
        """Return (from which record on, hash) of a unit's announcements of a schema, in order."""
        rows = self.database.all(
            "SELECT from_rn, hash FROM unit_schemas WHERE unit = ? AND run = ? AND schema = ?"
            " ORDER BY from_rn",
            *(unit, run, schema),
        )
        return [tuple(row) for row in rows]

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

    def save_forgeries(self, forgeries: Forgeries) -> None:
        """Keep what is known of the last flood of bad tags under a key id."""
        values = astuple(forgeries)
        self.database.write("INSERT OR REPLACE INTO forgeries VALUES (?, ?, ?, ?, ?, ?)", *values)

    def forgeries(self, unit: str, from_s: float) -> list[Forgeries]:
        """Return the floods of bad tags in a unit's name that lasted until a time or longer."""
        rows = self.database.all(
            "SELECT kid, unit, since_s, last_s, count, source FROM forgeries"
            " WHERE unit = ? AND last_s > ?",
            *(unit, from_s),
        )
        return [Forgeries(*row) for row in rows]


def _report(row: Any) -> Report:
    times, counts, codes = row["times"], row["counts"], row["qualities"]
    qualities = orjson.loads(codes) if codes else None
    return Report(orjson.loads(times), orjson.loads(counts), qualities, bool(row["synced"]))
