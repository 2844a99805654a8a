"""Which tables a file has, and how those of older versions become like them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import CannotTry
from .language import tr


@dataclass(frozen=True)
class Layout:
    """The tables of one kind of file, and how those of older versions become like them.

    Attributes:
        name: what the file is, for messages.
        application_id: tells such files from others; in bytes 68 to 71 of the file.
        version: of the tables.
        tables: makes them in an empty file.
        since_version_1: a table that every version has; early files have no application id.
        steps: brings the tables from a version to the next.
        remedy: what to do about tables of an older version.
        private: only its owner may read the file.
    """

    name: str
    application_id: int
    version: int
    tables: str
    since_version_1: str
    steps: Mapping[int, str] = field(default_factory=dict)
    remedy: str = ""
    private: bool = False


def version_of(connection: sqlite3.Connection, layout: Layout, path: Path) -> int:
    """Return the version of the tables, 0 for an empty file.

    Raises:
        CannotTry: it is another kind of file, or of a later version.
    """
    kind, version = (_pragma(connection, name) for name in ("application_id", "user_version"))
    tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master")}
    if not (kind or version or tables):
        return 0
    early = kind == 0 and version >= 1 and layout.since_version_1 in tables
    if kind != layout.application_id and not early:
        message = tr("{path} is no fieldbeat {name}").format(path=path, name=layout.name)
        raise CannotTry(message, tr("name another file, this one was left as it is"))
    if version > layout.version:
        message = tr("{path} has tables of version {version}, not {version_2}").format(
            path=path, version=version, version_2=layout.version
        )
        raise CannotTry(message, tr("use the fieldbeat that made it, or name another file"))
    return version


def outdated(layout: Layout, path: Path, version: int) -> CannotTry:
    """Return the error for a file that is not to be changed, and is empty or older."""
    if not version:
        message = tr("{path} is empty, it is no fieldbeat {name}").format(
            path=path, name=layout.name
        )
        return CannotTry(message, tr("name another file"))
    message = tr("{path} has tables of version {version}, not {version_2}").format(
        path=path, version=version, version_2=layout.version
    )
    return CannotTry(message, layout.remedy)


def bring_up_to_date(connection: sqlite3.Connection, layout: Layout, path: Path) -> None:
    """Make the tables, or change those of an older version, inside a transaction."""
    version = version_of(connection, layout, path)
    scripts = [layout.tables]
    if version:
        scripts = [layout.steps[step] for step in range(version, layout.version)]
    for script in scripts:
        for statement in _statements(script):
            connection.execute(statement)
    if _pragma(connection, "application_id") == 0:
        connection.execute(f"PRAGMA application_id={layout.application_id}")
    if version != layout.version:
        connection.execute(f"PRAGMA user_version={layout.version}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return connection.execute(f"PRAGMA {name}").fetchall()[0][0]


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script: `executescript` would commit before it runs them."""
    statement = ""
    for part in script.rstrip().removesuffix(";").split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):  # not inside a text or a trigger
            yield statement
            statement = ""
