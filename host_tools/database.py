"""One SQLite file: durable transactions, tables that move on, and errors that say what to do.

A transaction that has ended is on the disk: the write-ahead log is synced at every commit
(`synchronous=FULL`; https://sqlite.org/pragma.html#pragma_synchronous). The collector relies on
it: what it acknowledges survives a power cut of the host. `NORMAL` would sync only when the log is
moved into the file, and lose what was acknowledged since. A sync costs as much for a hundred rows
as for one, so who writes much writes many rows in a transaction.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import database_layout
from .database_layout import Layout
from .errors import CannotTry, FieldbeatError
from .files import PRIVATE
from .language import os_reason, tr

BUSY_TIMEOUT_S = 5.0

_NEXT_STEPS = {  # primary result codes: https://sqlite.org/rescode.html
    sqlite3.SQLITE_FULL: tr("free space on that disk, or name a file on another one"),
    sqlite3.SQLITE_BUSY: tr("end the other program that is writing to it, or wait for it"),
    sqlite3.SQLITE_READONLY: tr("give yourself the right to write to the file and to its folder"),
    sqlite3.SQLITE_CANTOPEN: tr("see that its folder exists and that you may write there"),
    sqlite3.SQLITE_NOTADB: tr("name another file, this one is no SQLite database"),
    sqlite3.SQLITE_CORRUPT: tr("restore it from a backup, or try 'sqlite3 FILE .recover'"),
    sqlite3.SQLITE_IOERR: tr("look at the disk: the system log names the fault"),
}


# With these it begins, too, where the files beside it find no room.
_MAYBE_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
NEEDED_BYTES = 65_536


class DatabaseError(FieldbeatError):
    """The database did not take or give the data; nothing of the transaction was kept."""


class DatabaseBusy(DatabaseError):
    """Another program keeps the database locked; whatever is written next would wait as long."""


class DatabaseGone(DatabaseError):
    """Its file was deleted, moved or replaced: what is written would be seen by nobody."""


class Database:
    """A SQLite file in WAL mode that several threads and processes may use.

    Args:
        path: the file; its folder is made when it is missing.
        layout: what kind of file it is. Any other is refused, and left as it is.
        create: make a missing file or fill an empty one, and bring older tables up to date;
            otherwise refuse all three.

    Raises:
        FileNotFoundError: the file is missing and not to be created.
        CannotTry: it is another kind of file, of another version, or cannot be opened.
    """

    def __init__(self, path: Path, layout: Layout, create: bool = True) -> None:
        self.path = Path(path)
        self._layout = layout
        self._lock = threading.RLock()
        if not create and not self.path.exists():
            raise FileNotFoundError(self.path)
        try:
            self._open(create)
        except OSError as error:
            message = tr("{path} cannot be opened: {strerror}").format(
                path=self.path, strerror=os_reason(error)
            )
            raise CannotTry(message, tr("name a file in a folder where you may write")) from error
        except sqlite3.Error as error:
            raise CannotTry(*self._explain(error)) from error
        except DatabaseError as error:
            raise CannotTry(error.message, error.next_step) from error

    def _open(self, create: bool) -> None:
        mode = PRIVATE if self._layout.private else 0o644
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, mode))
        self._connection = self._connect() if create else self._connect_reader()
        self._opened = self.path.stat()
        try:
            file = self._connection, self._layout, self.path
            version = database_layout.version_of(*file)  # before anything in it is changed
            if not create and version != self._layout.version:
                raise database_layout.outdated(self._layout, self.path, version)
            if create:
                if self._layout.private:  # SQLite's -wal and -shm files take the mode over
                    os.chmod(self.path, mode)
                self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            if self._layout.private:  # what is deleted leaves no bytes behind
                self._connection.execute("PRAGMA secure_delete=ON")
            if create:
                with self.transaction():
                    database_layout.bring_up_to_date(*file)
        except BaseException:
            self.close()
            raise

    def _connect(self, options: str = "") -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=rw{options}"
        connection = sqlite3.connect(
            uri, BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=True
        )
        connection.row_factory = sqlite3.Row
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        """Connect without need of a right to write: WAL mode wants files beside the database.

        Raises:
            CannotTry: what was written last is in the log still, and cannot be read.
        """
        connection = self._connect()
        try:
            connection.execute("SELECT name FROM sqlite_master").fetchone()
            return connection
        except sqlite3.Error as error:
            if _code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                return connection  # what is read next tells it
        connection.close()
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.exists() and log.stat().st_size:
            message = tr(
                "{path} cannot be read where nothing can be written: {log} belongs to it"
            ).format(path=self.path, log=log)
            raise CannotTry(message, tr("copy both to a folder where you may write"))
        return self._connect("&immutable=1")  # nobody can change it while it is read

    def close(self) -> None:
        """Close the file; a closed database cannot be used again."""
        self._connection.close()

    def require_file(self) -> None:
        """Refuse to go on without the file that was opened: SQLite would write on, unseen.

        Raises:
            DatabaseGone: another file is in its place, or none.
        """
        try:
            if os.path.samestat(self.path.stat(), self._opened):
                return
        except OSError:
            pass
        message = tr("{path} was deleted, moved or replaced while it was in use")
        raise DatabaseGone(
            message.format(path=self.path), tr("put the right file there, and start it again")
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block writes, all or nothing; an inner block joins the outer one.

        Raises:
            DatabaseBusy: another program kept it locked.
            DatabaseError: disk full, damaged or gone. Either way nothing was kept.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self.require_file()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self._failure(error) from error
                raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let the block's queries see one state of the file, whoever writes meanwhile."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

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
                raise self._failure(error) from error

    def one(self, sql: str, *values: Any) -> Any:
        """Return the first row of a query, or None."""
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def checkpoint(self) -> None:
        """Move what is committed from the log into the file, as far as no reader is in the way.

        SQLite does so only when the log has grown to 4 MB, which takes a small site weeks.
        """
        self.all("PRAGMA wal_checkpoint(PASSIVE)")

    def wipe(self) -> bool:
        """Write the file anew without what was deleted, and empty its log.

        Returns:
            False if another program is reading it: older content may be in the log still.
        """
        self.all("VACUUM")
        return not self.one("PRAGMA wal_checkpoint(TRUNCATE)")[0]

    def outside_version(self) -> int:
        """Return a number that changes when another connection has written to the file."""
        return self.one("PRAGMA data_version")[0]

    def _execute(self, sql: str, values: tuple) -> sqlite3.Cursor:
        with self._lock:
            if self._connection.in_transaction:  # of this thread: it holds the lock
                return self._connection.execute(sql, values)
            with self.transaction():
                return self._connection.execute(sql, values)

    def _failure(self, error: sqlite3.Error) -> DatabaseError:
        busy = _code(error) == sqlite3.SQLITE_BUSY
        return (DatabaseBusy if busy else DatabaseError)(*self._explain(error))

    def _explain(self, error: sqlite3.Error) -> tuple[str, str]:
        if _code(error) in _MAYBE_FULL and _is_full(self.path):
            return tr("{path}: the disk is full").format(path=self.path), _NEXT_STEPS[
                sqlite3.SQLITE_FULL
            ]
        step = _NEXT_STEPS.get(
            _code(error), tr("run it again with --debug and report what it shows")
        )
        return f"{self.path}: {error}", step


def _is_full(path: Path) -> bool:
    """Whether there is no room beside a file for what SQLite needs at once."""
    try:
        return shutil.disk_usage(path.absolute().parent).free < NEEDED_BYTES
    except OSError:
        return False


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code of an error of SQLite."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
