"""What a simulation of rules looks at: a CSV file, a unit's stored values, or the recorded year.

Between two values a straight line, as the virtual bench has it; over a longer gap nobody knows.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

from . import open_files, recorded_year, series, times
from .control_plan import Plan
from .errors import CannotTry
from .language import os_reason, tr
from .profiles import Channel
from .store import Store

HOUR_S = 3600
NEW_YEAR_S = 1_735_689_600  # 2025-01-01T00:00:00Z; row n of a file without times is hour n of it
TIME_NAMES = ("time", "timestamp", "date", "datetime")
GAP_INTERVALS = 3  # so many usual intervals without a value are a gap


@dataclass(frozen=True)
class Column:
    """The values of one channel in its unit, at Unix seconds."""

    times_s: Sequence[float]
    values: Sequence[float]

    @property
    def gap_s(self) -> float:
        """Return from how long on nobody knows what was between two values."""
        steps = [b - a for a, b in pairwise(self.times_s)]
        return GAP_INTERVALS * median(steps) if steps else HOUR_S


@dataclass(frozen=True)
class Data:
    """Columns by the name of their channel; `source` names them in messages."""

    source: str
    columns: dict[str, Column]

    @property
    def begin_s(self) -> float:
        return min(column.times_s[0] for column in self.columns.values())

    @property
    def end_s(self) -> float:
        return max(column.times_s[-1] for column in self.columns.values())

    @property
    def ends(self) -> tuple[float, float]:
        return self.begin_s, self.end_s

    def counts(self, channel: Channel, begin_s: int, step_s: int) -> Iterator[int | None]:
        """Yield a channel at its steps for ever, in its counts, None where nobody knows."""
        column = self.columns.get(channel.name)
        low, high, scale = channel.minimum, channel.maximum, channel.scale
        for value in _steps(column, begin_s, step_s) if column else ():
            if value is None:
                yield None
            else:
                counts = round(value * scale)
                yield counts if low <= counts <= high else None
        while True:
            yield None


def _steps(column: Column, begin_s: int, step_s: int) -> Iterator[float | None]:
    now: float = begin_s
    gap_s = column.gap_s
    for (a, low), (b, high) in pairwise(zip(column.times_s, column.values, strict=True)):
        while now < a:
            yield None
            now += step_s
        if now >= b:
            continue
        slope = (high - low) / (b - a)
        known = b - a <= gap_s
        while now < b:
            yield low + slope * (now - a) if known or now == a else None
            now += step_s
    if column.times_s and now <= column.times_s[-1]:
        yield column.values[-1]


def read_csv(path: Path, utc_offset_s: int) -> Data:
    """Read a file whose header has the names of channels; the first column may be `time`.

    Without times, row n is hour n of a year in local standard time. An empty cell is no value.
    Where cells are separated by ';' a number may have a decimal comma.

    Raises:
        CannotTry: it cannot be read, or a cell is no number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            separator = ";" if ";" in file.readline() else ","
            file.seek(0)
            rows = list(csv.reader(file, delimiter=separator))
    except OSError as error:
        raise CannotTry(
            f"{path}: {os_reason(error)}", tr("name a CSV file that you may read")
        ) from None
    except UnicodeDecodeError:
        raise CannotTry(
            tr("{path} is not UTF-8 text").format(path=path), tr("export it as CSV in UTF-8")
        ) from None
    if len(rows) < 3:
        header_text = ", ".join(name.strip() for name in rows[0]) if rows else ""
        step = tr("give two rows or more under its header, which has: {header}").format(
            header=header_text or tr("nothing")
        )
        raise CannotTry(tr("{path} has no rows").format(path=path), step)
    header = [name.strip() for name in rows[0]]
    if {"unit", "channel", "value"} <= set(header):  # 'fieldbeat export' has a value a line
        step = tr("take --unit, which reads the same from the store, or make a column a channel")
        raise CannotTry(tr("{path} has no column for each channel").format(path=path), step)
    has_times = header[0].lower() in TIME_NAMES
    commas = separator == ";"
    found: dict[str, tuple[list[float], list[float]]] = {
        name: ([], []) for name in header[has_times:]
    }
    at_s: float = NEW_YEAR_S - utc_offset_s - HOUR_S
    for number, row in enumerate(rows[1:], 2):
        place = tr("{path}, line {number}").format(path=path, number=number)
        if len(row) != len(header):
            step = tr("give it {count} cells, as the header has").format(count=len(header))
            raise CannotTry(
                tr("{place}: has {count} cells").format(place=place, count=len(row)), step
            )
        before_s, at_s = at_s, _time(place, row[0], utc_offset_s) if has_times else at_s + HOUR_S
        if number > 2 and at_s <= before_s:
            raise CannotTry(
                tr("{place}: its time is not after the one before").format(place=place),
                tr("sort the rows"),
            )
        for name, cell in zip(header[has_times:], row[has_times:], strict=True):
            if cell.strip():
                found[name][0].append(at_s)
                number_text = cell.replace(",", ".") if commas else cell
                found[name][1].append(_number(place, name, number_text))
    return _data(str(path), {name: Column(*lists) for name, lists in found.items() if lists[0]})


def check_names(data: Data, wanted: Iterable[str]) -> None:
    """Raise where a column that is needed is missing, and one with nearly its name is there.

    Raises:
        CannotTry: so it is, or none of the columns is needed at all.
    """
    names = [*wanted]
    missing = [name for name in names if name not in data.columns]
    others = [name for name in data.columns if name not in names]
    there = ", ".join(data.columns)
    for name in missing:
        if near := difflib.get_close_matches(name, others, n=1, cutoff=0.8):
            raise CannotTry(
                tr("{source} has no column {name}, but one '{near}'").format(
                    source=data.source, name=name, near=near[0]
                ),
                tr("call it {name} in the header, which has: {there}").format(
                    name=name, there=there
                ),
            )
    if missing and len(missing) == len(names):
        raise CannotTry(
            tr("{source} has no column that the rules look at; its header has: {there}").format(
                source=data.source, there=there
            ),
            tr("name columns as the profile's channels: {listed}").format(listed=", ".join(names)),
        )


def of_unit(
    store: Store,
    unit: str,
    from_s: float | None = None,
    to_s: float | None = None,
    report_s: float | None = None,
) -> Data:
    """Return what is stored of a unit: normal values with a time that can be trusted.

    Raises:
        CannotTry: there is nothing of it, or nothing between these times.
    """
    columns = {}
    for each in series.read(store, unit, None, from_s, to_s, report_s):
        good = {sample.t: sample.counts for sample in each.samples if sample.good}
        if good:
            values = [(counts or 0) / each.scale for counts in good.values()]
            columns[each.channel] = Column(list(good), values)
    return _data(tr("{unit}, stored").format(unit=unit), columns)


def chosen(
    plan: Plan,
    data: Path | None,
    unit: str | None,
    recorded: bool,
    db: Path | None,
    begin_s: float | None,
    end_s: float | None,
) -> Data:
    """Return the values of one source: a file, what is stored of a unit, or the recorded year.

    Raises:
        CannotTry: not one source is named, or it has nothing between the two times.
    """
    if begin_s is not None and end_s is not None and begin_s >= end_s:
        raise CannotTry(tr("it would end before it begins"), tr("give a --to after --from"))
    if sum(map(bool, (data, unit, recorded))) != 1:
        step = tr("give one of --data FILE, --unit NAME and --recorded")
        raise CannotTry(tr("a simulation needs values of one source"), step)
    if unit:
        with open_files.store(db) as store:
            return of_unit(store, unit, begin_s, end_s, _report_s(unit))
    found = read_csv(data or recorded_year.path(), plan.utc_offset_s)
    check_names(found, plan.inputs.used)
    if (begin_s or 0) >= found.end_s or (end_s is not None and end_s <= found.begin_s):
        first, last = (local_text(s, plan.utc_offset_s) for s in found.ends)
        raise CannotTry(
            tr("{source}: no values then").format(source=found.source),
            tr("it has them from {first} to {last}").format(first=first, last=last),
        )
    return found


def _report_s(unit: str) -> float | None:
    """How often a unit of the registry reports, where that is known."""
    with open_files.registry_if_there(None) as units:
        there = units.unit(unit) if units else None
    return there.report_interval_s if there else None


def _data(source: str, columns: dict[str, Column]) -> Data:
    if not columns:
        raise CannotTry(
            tr("{source}: no values").format(source=source), tr("give others, or other times")
        )
    return Data(source, columns)


def local_s(text: str, utc_offset_s: int) -> float:
    """Return the Unix seconds of a time, which is local standard time unless it says otherwise.

    Raises:
        ValueError: it is none.
    """
    return times.parse(text) - (0 if times.has_zone(text) else utc_offset_s)


def local_text(unix_s: float, utc_offset_s: int) -> str:
    """Return a time in local standard time, to the minute."""
    return f"{datetime.fromtimestamp(unix_s + utc_offset_s, UTC):%Y-%m-%dT%H:%M}"


def _time(place: str, text: str, utc_offset_s: int) -> float:
    try:
        return local_s(text.strip(), utc_offset_s)
    except ValueError:
        step = tr("give an ISO time like 2026-05-01T08:30 or 2026-05-01 08:30, year first")
        raise CannotTry(
            tr("{place}: time = '{text}' is no time").format(place=place, text=text), step
        ) from None


def _number(place: str, name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        step = tr("give a number, or nothing where there is no value")
        raise CannotTry(
            tr("{place}: {name} = '{cell}' is no number").format(
                place=place, name=name, cell=cell
            ),
            step,
        ) from None
