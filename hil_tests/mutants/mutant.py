"""A mutant: one known-bad change, as data.

[acknowledge_before_storing]
why = "An acknowledged record is gone when the disk refuses."
file = "host_tools/collector.py"
old = "..."       # stands there exactly once
new = "..."
tests = ["host_tools/tests/test_collector.py"]   # at least one of these must fail
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


class StaleMutant(ValueError):
    """The code that a mutant changes is no longer there."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file, and the tests that are to notice it."""

    name: str
    why: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def apply(self, source: str) -> str:
        """Return the text of the file with the change.

        Raises:
            StaleMutant: what it replaces does not stand there exactly once.
        """
        count = source.count(self.old)
        if count != 1:
            raise StaleMutant(
                f"{self.name}: {self.file} has {self.old!r} {count} times, not once; "
                "renew its `old` and `new`"
            )
        return source.replace(self.old, self.new)


def load(folder: Path = FOLDER) -> list[Mutant]:
    """Return the mutants of every TOML file of a folder."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found.append(Mutant(name, **table | {"tests": tuple(table["tests"])}))
    return found


def chosen(mutants: Iterable[Mutant], words: list[str]) -> list[Mutant]:
    """Return those whose name contains one of the words; all of them without words."""
    return [m for m in mutants if not words or any(word in m.name for word in words)]
