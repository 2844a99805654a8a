"""One look at the network during a survey, and the log of them: a CSV file, a line a look."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self, TextIO

from .errors import CannotTry
from .language import os_reason, tr
from .times import iso, parse

# 3GPP TS 27.007, +CEREG <stat>
IDLE, HOME, SEARCHING, DENIED, UNKNOWN, ROAMING = range(6)


@dataclass(frozen=True)
class Sample:
    """What a modem said at one moment; None: it did not say, or does not know.

    `at_s`: Unix seconds. `spot`: where the antenna was, in the technician's words. `stat`: of
    +CEREG. `cause`: why the network refused it (TS 24.301, 9.9.3.9). `attach_s`: how long it took
    to be registered, in the first look after it was. `ecl`: coverage level, 0 to 2.
    """

    at_s: float
    spot: str = ""
    stat: int | None = None
    cause: int | None = None
    attach_s: float | None = None
    rsrp_dbm: float | None = None
    rsrq_db: float | None = None
    snr_db: float | None = None
    ecl: int | None = None
    band: int | None = None
    earfcn: int | None = None
    pci: int | None = None
    cell: str = ""
    operator: str = ""

    @property
    def registered(self) -> bool:
        return self.stat in (HOME, ROAMING)


COLUMNS = tuple(each.name for each in fields(Sample))
_WHOLE = ("stat", "cause", "ecl", "band", "earfcn", "pci")
_TEXT = ("spot", "cell", "operator")


class Log:
    """Writes samples into a CSV file, each at once, so that nothing is lost.

    A file that is there is never written over: a survey is not made twice.

    Raises:
        CannotTry: the file is there, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: TextIO = path.open("x", newline="", encoding="utf-8")
        except FileExistsError:
            step = tr("name another file; 'fieldbeat survey --read {path}' judges this one")
            message = tr("{path} is there already").format(path=path)
            raise CannotTry(message, step.format(path=path)) from None
        except OSError as error:
            message = tr("{path} cannot be written: {why}").format(path=path, why=os_reason(error))
            raise CannotTry(message, tr("name a file in a folder where you may write")) from None
        self._writer = csv.writer(self._file)
        self._write(COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, sample: Sample) -> None:
        """Write a sample."""
        values = {name: getattr(sample, name) for name in COLUMNS}
        values["at_s"] = iso(sample.at_s)
        self._write(["" if value is None else value for value in values.values()])

    def _write(self, row: Any) -> None:
        try:
            self._writer.writerow(row)
            self._file.flush()
        except OSError as error:
            message = tr("{path} cannot be written: {why}")
            told = message.format(path=self.path, why=os_reason(error))
            raise CannotTry(told, tr("make room there, or name another file")) from None


def read(path: Path) -> list[Sample]:
    """Return the samples of a log; a last line that is torn is left out.

    Raises:
        CannotTry: it cannot be read, or is no log of a survey.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = tr("{path} cannot be read: {why}").format(path=path, why=error)
        raise CannotTry(message, tr("name the CSV file that a survey wrote")) from None
    found = list(_samples(rows))
    if not found:
        message = tr("{path} has no look of a survey").format(path=path)
        raise CannotTry(message, tr("name the CSV file that a survey wrote"))
    return found


def _samples(rows: list[dict[str, str]]) -> Iterator[Sample]:
    for row in rows:
        if None in row.values():  # torn
            continue
        try:
            yield Sample(parse(row["at_s"]), **{name: _value(name, row) for name in COLUMNS[1:]})
        except (KeyError, ValueError, TypeError):
            continue


def _value(name: str, row: dict[str, str]) -> Any:
    text = row[name]
    if name in _TEXT:
        return text
    if not text:
        return None
    return int(text) if name in _WHOLE else float(text)
