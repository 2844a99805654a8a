"""One SQLite file: durable transactions, and errors that say what to do.

A transaction that has ended is on the disk: the write-ahead log is synced at every commit
(`synchronous=FULL`; https://sqlite.org/pragma.html#pragma_synchronous). The collector relies on
it: what it acknowledges survives a power cut of the host. `NORMAL` would sync only when the log is
moved into the file, and lose what was acknowledged since. A sync costs as much for a hundred rows
as for one, so who writes much writes many rows in a transaction.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import CannotTry, FieldbeatError

BUSY_TIMEOUT_S = 5.0
PRIVATE = 0o600

_NEXT_STEPS = {  # primary result codes: https://sqlite.org/rescode.html
    sqlite3.SQLITE_FULL: "free space on that disk, or name a file on another one",
    sqlite3.SQLITE_BUSY: "end the other program that is writing to it, or wait for it",
    sqlite3.SQLITE_READONLY: "give yourself the right to write to the file and to its folder",
    sqlite3.SQLITE_CANTOPEN: "see that its folder exists and that you may write there",
    sqlite3.SQLITE_NOTADB: "name another file, this one is no SQLite database",
    sqlite3.SQLITE_CORRUPT: "restore it from a backup, or try 'sqlite3 FILE .recover'",
    sqlite3.SQLITE_IOERR: "look at the disk: the system log names the fault",
}


class DatabaseError(FieldbeatError):
    """The database did not take or give the data; nothing of the transaction was kept."""


class Database:
    """A SQLite file in WAL mode that several threads and processes may use.

    Args:
        path: the file; its folder is made when it is missing.
        tables: `CREATE TABLE IF NOT EXISTS` statements.
        version: layout of the tables; a file of another version is refused.
        private: keep the file readable by its owner only.
        create: make a missing file, instead of refusing.

    Raises:
        CannotTry: the file is missing, of another version, or cannot be opened.
    """

    def __init__(
        self, path: Path, tables: str, version: int, private: bool = False, create: bool = True
    ) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        if not create and not self.path.exists():
            raise FileNotFoundError(self.path)
        try:
            self._open(tables, version, private)
        except OSError as error:
            message = f"{self.path} cannot be opened: {error.strerror}"
            raise CannotTry(message, "name a file in a folder where you may write") from error
        except sqlite3.Error as error:
            raise CannotTry(*self._explain(error)) from error

    def _open(self, tables: str, version: int, private: bool) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives its -wal and -shm files the mode of the database file.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE if private else 0o644))
        if private:
            os.chmod(self.path, PRIVATE)
        self._connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        with self.transaction():
            found = self.one("PRAGMA user_version")[0]
            if found not in (0, version):
                message = f"{self.path} has tables of version {found}, not {version}"
                raise CannotTry(message, "use the fieldbeat that made it, or name another file")
            if not found:
                for statement in tables.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={version}")

    def close(self) -> None:
        """Close the file; a closed database cannot be used again."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block writes, all or nothing; an inner block joins the outer one.

        Raises:
            DatabaseError: disk full, locked or damaged; then nothing was kept.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise DatabaseError(*self._explain(error)) from error
                raise

    def write(self, sql: str, *values: Any) -> int:
        """Execute one statement inside a transaction and return how many rows it changed."""
        return self._execute(sql, values).rowcount

    def insert(self, sql: str, *values: Any) -> int:
        """Insert one row inside a transaction and return its row id."""
        return self._execute(sql, values).lastrowid or 0

    def write_many(self, sql: str, rows: list[tuple]) -> None:
        """Execute one statement for every row inside a transaction."""
        with self.transaction():
            self._connection.executemany(sql, rows)

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Return every row of a query.

        Raises:
            DatabaseError: the file is damaged, or locked for too long.
        """
        with self._lock:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise DatabaseError(*self._explain(error)) from error

    def one(self, sql: str, *values: Any) -> Any:
        """Return the first row of a query, or None."""
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def outside_version(self) -> int:
        """Return a number that changes when another connection has written to the file."""
        return self.one("PRAGMA data_version")[0]

    def _execute(self, sql: str, values: tuple) -> sqlite3.Cursor:
        with self._lock:
            if self._connection.in_transaction:  # of this thread: it holds the lock
                return self._connection.execute(sql, values)
            with self.transaction():
                return self._connection.execute(sql, values)

    def _explain(self, error: sqlite3.Error) -> tuple[str, str]:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        step = _NEXT_STEPS.get(code, "run it again with --debug and report what it shows")
        return f"{self.path}: {error}", step
