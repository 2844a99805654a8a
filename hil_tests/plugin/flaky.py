"""Tests that are known to be flaky: told with a reason, until a date, never tried twice.

    [[test]]                                       # known_flaky.toml
    id = "hil_tests/test_serial_tools.py::test_mpremote_runs_a_script"
    reason = "the PTY of a loaded machine is late"
    until = 2026-12-31

A listed test that fails is `flaky` until its date and fails after it. A class or a file lists all
that is in it. Who decides what day it is hands in `today`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fieldbeat.host_tools.validation import InvalidData


@dataclass(frozen=True)
class Entry:
    """One line of the list."""

    test: str
    reason: str
    until: date

    def covers(self, test_id: str) -> bool:
        """Whether this is the test, one of its parameters, its class or its file."""
        rest = test_id.removeprefix(self.test)
        return test_id.startswith(self.test) and (not rest or rest.startswith(("[", "::")))


class KnownFlaky:
    """The list, asked on a given day."""

    def __init__(
        self, entries: Iterable[Entry] = (), today: Callable[[], date] = date.today
    ) -> None:
        self.entries = list(entries)
        self.today = today

    def find(self, test_id: str) -> Entry | None:
        """The entry of a test."""
        return next((entry for entry in self.entries if entry.covers(test_id)), None)

    def excuses(self, entry: Entry) -> bool:
        """Whether a failure still counts as flaky; the date itself is the last day."""
        return self.today() <= entry.until

    def hint(self, entry: Entry) -> str:
        """What to do about a failure that is no longer excused."""
        return (
            f"listed as flaky until {entry.until} ({entry.reason}), and that is over: "
            f"fix it, or renew the date in known_flaky.toml with a reason"
        )


def load(path: Path, today: Callable[[], date] = date.today) -> KnownFlaky:
    """Reads the list; a missing file lists nothing.

    Raises:
        InvalidData: says file, entry and key.
    """
    if not path.exists():
        return KnownFlaky(today=today)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidData(str(path), [str(error)]) from error
    rows = data.pop("test", [])
    if data or not isinstance(rows, list):
        found = ", ".join(data) or "test ="
        raise InvalidData(str(path), [f"only [[test]] is known here, not {found}"])
    entries: dict[str, Entry] = {}
    problems = []
    for n, row in enumerate(rows, 1):
        problem = _problem(row) or _unknown(path.parent, row["id"])
        if not problem and row["id"] in entries:
            problem = f"{row['id']} is listed already; take one of them out"
        if problem:
            problems.append(f"[[test]] number {n}: {problem}")
        else:
            entries[row["id"]] = Entry(row["id"], row["reason"], row["until"])
    if problems:
        raise InvalidData(str(path), problems)
    return KnownFlaky(entries.values(), today)


def _problem(row: object) -> str:
    """What is wrong with an entry by itself; empty: nothing."""
    if not isinstance(row, dict) or set(row) != {"id", "reason", "until"}:
        found = ", ".join(row) if isinstance(row, dict) else repr(row)
        return f"needs id, reason and until, and has {found}"
    if type(row["until"]) is not date:
        return f"until is {row['until']!r}; a date looks like 2026-12-31, without quotes"
    for key in ("id", "reason"):
        if not isinstance(row[key], str) or not row[key].strip():
            return f"{key} is {row[key]!r}; it must say something"
    return ""


def _unknown(root: Path, test: str) -> str:
    """Why there is no such test; empty: its file has one of that name."""
    file, *names = test.partition("[")[0].split("::")
    try:
        text = (root / file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return f"id names the file {file}, which is not there"
    for name in names:
        if not re.search(rf"^\s*(async def|def|class) {re.escape(name)}\b", text, re.MULTILINE):
            return f"id names {name}, which is not in {file}"
    return ""
