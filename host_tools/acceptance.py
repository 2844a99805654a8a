"""Judges what a unit measured at itself: values with units, against limits that are data.

A unit answers `selftest NAME` with a line for each check:

    ok|FAIL|skip NAME VALUE [UNIT] [(LOWEST..HIGHEST)]

The limits are those of acceptance.toml and of a file of the same form, else the unit's own.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from . import toml_words, unit_words
from .errors import CannotTry
from .language import os_reason, tr
from .validation import Strict, check

PASSED, FAILED, NOT_TESTED = "passed", "failed", "not tested"
VERDICTS = {"ok": PASSED, "FAIL": FAILED, "skip": NOT_TESTED}

_FILE = Path(__file__).with_suffix(".toml")
_LINE = re.compile(r"(ok|FAIL|skip) (\S+) ?(.*)")
_NUMBER = r"-?\d{1,18}(?:\.\d{1,18})?"  # longer ones are not measured
_VALUE = re.compile(
    rf"(?P<value>{_NUMBER})(?: (?P<unit>[^\s(]\S*))? ?"
    rf"(?:\((?P<low>{_NUMBER})?\.\.(?P<high>{_NUMBER})?\))?"
)


Bound = Annotated[float | None, Field(ge=-(10**12), le=10**12)]


@dataclass(frozen=True)
class Check:
    """One check of a unit. `value` is None where it is no number; `text` says what else is."""

    name: str
    verdict: str
    value: Decimal | None = None
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    text: str = ""

    @property
    def measured(self) -> str:
        """The value with its unit, else the text in words."""
        return unit_words.in_words(self.text) if self.value is None else f"{self.value}{self._of}"

    @property
    def _of(self) -> str:
        """What stands behind a number: nothing, where the unit is '1', SenML's of mere numbers."""
        return f" {self.unit}" if self.unit not in ("", "1") else ""

    @property
    def limits(self) -> str:
        """The limits in words with their unit, '' without any."""
        if self.low is None and self.high is None:
            return ""
        if self.high is None:
            text = tr("at least {low}").format(low=self.low)
        elif self.low is None:
            text = tr("at most {high}").format(high=self.high)
        else:
            text = tr("{low} to {high}").format(low=self.low, high=self.high)
        return text + self._of

    @property
    def told(self) -> str:
        """What was found, and where there are limits, those."""
        return f"{self.measured} ({self.limits})" if self.limits else self.measured


class Limit(Strict):
    """A table `[[check]]`; see acceptance.toml."""

    name: str = Field(min_length=1)
    unit: str = ""
    low: Bound = None
    high: Bound = None
    required: bool = False
    boards: list[str] = []
    roles: list[Literal["station", "speaker", "camera"]] = []

    def fits(self, name: str, board: str, role: str) -> bool:
        """Whether it is about this check of this unit."""
        here = (not self.boards or board in self.boards) and (not self.roles or role in self.roles)
        return here and fnmatchcase(name, self.name)


class _Table(Strict):
    check: list[Limit] = []


def limits(extra: Path | None = None) -> list[Limit]:
    """Return the limits of ours, and those of a file behind them.

    Raises:
        CannotTry: the file cannot be read, or has mistakes.
    """
    return [*_read(_FILE), *(_read(extra) if extra else [])]


def _read(file: Path) -> list[Limit]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        message = tr("{file} cannot be read: {reason}")
        step = tr("name a TOML file of tables [[check]]")
        raise CannotTry(message.format(file=file, reason=os_reason(error)), step) from None
    except toml_words.UNREADABLE as error:
        message = tr("{file} is no TOML: {error}").format(
            file=file, error=toml_words.reason(error)
        )
        raise CannotTry(message, tr("correct {file}").format(file=file)) from None
    found = check(_Table, table, str(file)).check
    for each in found:
        if each.low is not None and each.high is not None and each.low > each.high:
            message = tr("{file}: {name}: low is above high").format(file=file, name=each.name)
            raise CannotTry(message, tr("correct {file}").format(file=file))
    return found


def parse(text: str) -> list[Check]:
    """Return the checks that the lines of a unit tell; other lines are passed over."""
    found = []
    for line in text.splitlines():
        line = "".join(letter if letter.isprintable() else "?" for letter in line)
        if not (parts := _LINE.fullmatch(line.rstrip())):
            continue
        word, name, rest = parts.groups()
        verdict = VERDICTS[word]
        if row := _VALUE.fullmatch(rest.rstrip()):
            low, high = (Decimal(row[n]) if row[n] else None for n in ("low", "high"))
            value = Decimal(row["value"])
            found.append(Check(name, verdict, value, row["unit"] or "", low, high))
        else:
            found.append(Check(name, verdict, text=rest))
    return found


def judge(found: Sequence[Check], table: Sequence[Limit], board: str, role: str) -> list[Check]:
    """Return the checks as the limits have them.

    What is required and was not told at all is added, as a failure.
    """
    judged = [_judged(each, limit_of(each.name, table, board, role)) for each in found]
    told = {each.name for each in found}
    parts = {name.partition(".")[0] for name in told}
    for name in dict.fromkeys(each.name for each in table):
        limit = limit_of(name, table, board, role)
        if limit and limit.required and "*" not in name and not {name} & (told | parts):
            judged.append(Check(name, FAILED, text=unit_words.NOT_TOLD))
    return judged


def limit_of(name: str, table: Sequence[Limit], board: str, role: str) -> Limit | None:
    """Return what holds for a check of a unit, or None."""
    return next((each for each in reversed(table) if each.fits(name, board, role)), None)


def _judged(found: Check, limit: Limit | None) -> Check:
    if limit is None:
        return found
    if found.verdict == NOT_TESTED:
        if not limit.required:
            return found
        text = unit_words.UNTESTED % (found.text or found.measured)
        return replace(found, verdict=FAILED, text=text)
    if limit.low is None and limit.high is None:
        return found
    if found.value is None:
        if found.verdict == FAILED:  # its text says why
            return found
        text = unit_words.NO_NUMBER % found.text
        return replace(found, verdict=FAILED, text=text)
    low, high = (_decimal(bound) for bound in (limit.low, limit.high))
    if found.unit != limit.unit:
        text = unit_words.OTHER_UNIT % (found.unit or "1", limit.unit or "1")
        return replace(found, verdict=FAILED, text=text)
    good = (low is None or low <= found.value) and (high is None or found.value <= high)
    return replace(found, verdict=PASSED if good else FAILED, low=low, high=high)


def _decimal(bound: float | None) -> Decimal | None:
    return None if bound is None else Decimal(str(bound).removesuffix(".0"))
