"""A plan of units: one row each says what a unit is called, where it stands and what it becomes.

    unit,site,config,latitude,longitude,slot,mac
    gh-01,valley,greenhouse.toml,30.5810,114.2700,1-1.3,
    gh-02,valley,greenhouse.toml,30.5822,114.2713,,24:0a:c4:00:00:02

A CSV table as a spreadsheet writes it (comma, semicolon or tab), or a TOML file with a table
`[[unit]]` a row and what is common to all under `[defaults]`. Keys and passwords are never in it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from . import toml_words
from .errors import CannotTry
from .language import os_reason, tr
from .node_config import NodeConfig
from .node_tables import NAME, NAME_RULE
from .plan_configs import Configs
from .validation import InvalidData, Strict, did_you_mean, sift

SUFFIXES = (".csv", ".toml")
SLOT = r"^[0-9]+-[0-9]+(\.[0-9]+)*(:[0-9]+\.[0-9]+)?$"
SLOT_RULE = tr("a USB position like 1-1.3, as 'fieldbeat batch --ports' shows it")
MAC = re.compile(r"[0-9a-f]{12}")
_DEGREES = ("latitude", "longitude")
_NAMELESS = {"unit": "", "config": ""}  # in place of those that are wrong
_WHOLE = 0  # the line of what is wrong with all of a file
Mistake = tuple[int, str]  # its line, and what it is
_SEPARATOR = re.compile(r'"?sep=', re.IGNORECASE)  # what Excel reads before the head
_SECRET = re.compile(r"key|secret|password|master|psk|token")


class Row(Strict):
    """A row as it is written, without its empty cells; paths are seen from the plan's folder."""

    unit: str = Field(pattern=NAME, description=NAME_RULE)
    site: str | None = Field(default=None, pattern=NAME, description=NAME_RULE)
    config: str = Field(description="the unit's TOML file")
    board: str | None = None
    profile: str | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    slot: str | None = Field(default=None, pattern=SLOT, description=SLOT_RULE)
    mac: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$",  # of one chip, not of all
        description="six bytes like 24:0a:c4:00:00:02",
    )
    calibration: str | None = Field(
        default=None, description="a TOML file with [calibration.CHANNEL]"
    )
    clips: str | None = Field(default=None, description="a folder of NAME.wav files")


class Source(Protocol):
    """Where a plan and the files that it names are read from: a folder, or a bundle."""

    @property
    def name(self) -> str: ...
    def plan(self) -> bytes: ...
    def file(self, name: str) -> bytes: ...


@dataclass(frozen=True)
class Folder:
    """A plan on disk; what it names is beside it."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def plan(self) -> bytes:
        return _read(self.path, tr("name a plan of units, a .csv or .toml file"))

    def file(self, name: str) -> bytes:
        return _read(self.path.parent / name, tr("correct the name, or put the file there"))


@dataclass(frozen=True)
class PlannedUnit:
    """A row that was checked, with its configuration; `line` is where it stands in the plan."""

    row: Row
    line: int
    config: NodeConfig

    @property
    def name(self) -> str:
        return self.row.unit

    @property
    def slot(self) -> str:
        return self.row.slot or ""

    @property
    def mac(self) -> str:
        return self.row.mac or ""


def is_plan(path: Path) -> bool:
    """Tell a plan of units from the file of one node, which is TOML, too."""
    if path.suffix.lower() != ".toml":
        return path.suffix.lower() == ".csv"
    try:
        return "unit" in tomllib.loads(path.read_text("utf-8"))
    except (OSError, *toml_words.UNREADABLE):
        return False


def may_be_plan(path: Path) -> bool:
    """Tell by its first words whether a file is a plan: files of nodes and logs lie beside it."""
    if path.suffix.lower() != ".csv":
        return is_plan(path)
    try:
        head = _head(path.read_text("utf-8-sig", "replace")).lower()
    except OSError:
        return False
    return not _NAMELESS.keys().isdisjoint(re.split(r'[\s,;"]+', head))


def one(path: Path, unit: str | None) -> NodeConfig:
    """Return the configuration of one unit of a plan; the whole plan must be right.

    Raises:
        CannotTry: the plan has mistakes, or no such unit.
    """
    units = {each.name: each.config for each in load(Folder(path))}
    if unit not in units:
        message = tr("{plan} is a plan of {count} units").format(plan=path, count=len(units))
        hint = tr("name one of them: --unit, {hint}")
        raise CannotTry(message, hint.format(hint=did_you_mean(unit or "", units)))
    return units[unit]


def load(source: Source) -> list[PlannedUnit]:
    """Read a plan and check all of it: every row, every file it names, and rows with each other.

    Raises:
        CannotTry: the plan cannot be read.
        InvalidData: it has mistakes; `problems` has them all, with line and column.
    """
    text = _text(source.plan())
    if text is None:
        step = tr("the file is not UTF-8 text; save it as 'CSV UTF-8'")
        raise InvalidData(source.name, [step])
    mistakes: list[Mistake] = []
    reader = _toml_rows if source.name.lower().endswith(".toml") else _csv_rows
    rows: list[tuple[int, Row]] = []
    for line, given in reader(text, mistakes):
        right, wrong = sift(Row, _plain(given))
        mistakes += [(line, problem) for problem in wrong]
        mistakes += [(line, problem) for problem in _half_places(given)]
        rows.append((line, Row.model_construct(**_NAMELESS | right)))
    mistakes += _twice(rows)
    configs = Configs(source)
    units = []
    for line, row in rows:
        config = configs.of(line, row, mistakes)
        if config:
            units.append(PlannedUnit(row, line, config))
    if not rows and not mistakes:
        mistakes.append((_WHOLE, tr("there is no unit in it; write one row for each")))
    if mistakes:
        in_order = sorted(mistakes, key=lambda each: each[0])
        raise InvalidData(source.name, [_at(*each) for each in in_order])
    return units


def _text(content: bytes) -> str | None:
    """Return UTF-8 text; None of what is none, as a workbook or UTF-16."""
    try:
        return None if b"\0" in content else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _read(path: Path, step: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = tr("{path} cannot be read: {why}").format(path=path, why=os_reason(error))
        raise CannotTry(message, step) from None


def _at(line: int, problem: str) -> str:
    template = tr("line {line}: {problem}") if line != _WHOLE else "{problem}"
    return template.format(line=line, problem=problem)


def _csv_rows(text: str, mistakes: list[Mistake]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, cells by column) of a table; empty cells and lines with '#' are left out."""
    delimiter = max(",;\t", key=_head(text).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] = []
    end = 0
    try:
        for cells in reader:
            line, end = end + 1, reader.line_num  # a quoted cell may have many
            cells = [cell.strip() for cell in cells]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not names and _SEPARATOR.match(cells[0]):
                continue
            if not names:
                names = [cell.lower() for cell in cells]
                mistakes += [(line, each) for each in _wrong_columns(names)]
                if len(set(names)) < len(names) or not set(names) >= _NAMELESS.keys():
                    return
            elif any(cells[len(names) :]):
                more = tr("{cells} cells, the head has {columns}; quote what has a '{mark}' in it")
                more = more.format(cells=len(cells), columns=len(names), mark=delimiter)
                mistakes.append((line, more))
            else:
                pairs = zip(names, cells, strict=False)
                known = Row.model_fields
                row: dict[str, Any] = {k: cell for k, cell in pairs if cell and k in known}
                for name in _DEGREES:
                    if name in row:
                        row[name] = _number(row[name], comma=delimiter != ",")
                yield line, row
    except csv.Error as error:
        mistakes.append((reader.line_num, str(error)))


def _head(text: str) -> str:
    """Return the line that names the columns, or what there is."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    first = next(lines, "")
    return next(lines, "") if _SEPARATOR.match(first) else first


def _wrong_columns(names: list[str]) -> Iterator[str]:
    known = Row.model_fields
    if known.keys().isdisjoint(names):  # no plan: what it is instead may be a secret
        yield tr("the first line names none of the columns of a plan, {hint}").format(
            hint=did_you_mean("", known)
        )
        return
    for name in names:
        if _SECRET.search(name) and name not in known:
            yield tr(
                "column '{name}': keys and passwords are never in a plan; the registry makes them"
            ).format(name=name)
        elif name not in known:
            yield tr("unknown column '{name}', {hint}").format(
                name=name, hint=did_you_mean(name, known)
            )
        elif names.count(name) > 1:
            yield tr("column '{name}' is there twice").format(name=name)
            return
    for name in _NAMELESS:
        if name not in names:
            yield tr("there is no column '{name}'; the first line names the columns").format(
                name=name
            )


def _number(text: str, comma: bool) -> Any:
    """Return a number, or the text for which it is refused afterwards."""
    try:
        return float(text.replace(",", ".") if comma else text)
    except ValueError:
        return text


def _toml_rows(text: str, mistakes: list[Mistake]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, keys) of every `[[unit]]`, with what `[defaults]` says in addition."""
    try:
        data = tomllib.loads(text)
    except toml_words.UNREADABLE as error:
        mistakes.append(
            (_WHOLE, tr("this is no TOML: {error}").format(error=toml_words.reason(error)))
        )
        return
    for name in data.keys() - {"unit", "defaults"}:
        hint = did_you_mean(name, ("unit", "defaults"))
        unknown = tr("unknown table [{name}], {hint}").format(name=name, hint=hint)
        mistakes.append((_WHOLE, unknown))
    rows, defaults = data.get("unit", []), data.get("defaults", {})
    tables = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if not isinstance(defaults, dict) or not tables:
        mistakes.append((_WHOLE, tr("write [defaults] once, and [[unit]] for each unit")))
        return
    heads = re.finditer(r"(?m)^[ \t]*\[\[\s*unit\s*\]\]", text)
    lines = [text.count("\n", 0, head.start()) + 1 for head in heads]
    for nth, row in enumerate(rows):
        yield lines[nth] if nth < len(lines) else 1, defaults | row


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Write a MAC address as the rest of the program does."""
    mac = row.get("mac")
    if isinstance(mac, str):
        digits = re.sub(r"[:\-. ]", "", mac).lower()
        if MAC.fullmatch(digits):
            return row | {"mac": bytes.fromhex(digits).hex(":")}
    return row


def _half_places(row: dict[str, Any]) -> Iterator[str]:
    there = [name for name in _DEGREES if name in row]
    if len(there) == 1:
        (lacks,) = set(_DEGREES) - set(there)
        missing = tr("column {lacks}: missing, {given} is given")
        yield missing.format(lacks=lacks, given=there[0])


def _twice(rows: list[tuple[int, Row]]) -> Iterator[Mistake]:
    """Yield what two rows have in common and must not."""
    for name in ("unit", "mac", "slot"):
        seen: dict[str, int] = {}
        for line, row in rows:
            value = getattr(row, name)
            if not value:
                continue
            if value in seen:
                same = tr("column {name}: {value} is that of line {first}; each has its own")
                yield line, same.format(name=name, value=value, first=seen[value])
            seen.setdefault(value, line)
