"""What a run found, as one dictionary: every report is made from it, so all say the same numbers.

A run has cases: the tests of a suite. `to_dict()` is JSON as it stands; `version` changes when a
reader of the old one would be wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldbeat.host_tools.errors import CannotTry

FORMAT, VERSION = "fieldbeat results", 1
# The worst first: what a case is when its parts disagree, and the order of every list.
OUTCOMES = ("failed", "error", "blocked", "flaky", "passed", "skipped")
DONE, FAILED, NOT_TRIED = 0, 1, 2  # exit codes
Limits = tuple[float | None, float | None]


@dataclass(frozen=True)
class Measurement:
    """A value with its unit and, if there are any, the lowest and highest that are allowed."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the value is inside the limits; no value (NaN) is not."""
        above = self.low is None or self.value >= self.low
        return (
            above and (self.high is None or self.value <= self.high) and self.value == self.value
        )

    def allowed(self) -> str:
        """The limits for people: `0 to 5 s`, `at most 5 s`, or nothing."""
        if self.low is None and self.high is None:
            return ""
        if self.low is None:
            text = f"at most {self.high:g}"
        elif self.high is None:
            text = f"at least {self.low:g}"
        else:
            text = f"{self.low:g} to {self.high:g}"
        return f"{text} {self.unit}".strip()

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".strip()


@dataclass
class Case:
    """One test.

    `message` is one line for a list, `detail` the whole story, `next_step` what to do about it,
    `reproduce` the one command that shows it again. `timelines` come from `virtual/timeline.py`,
    `consoles` are the last lines of boards that have none,
    `recoveries` are the rungs that a board climbed (`ladder.py`).
    """

    id: str
    outcome: str
    duration_s: float = 0.0
    message: str = ""
    next_step: str = ""
    detail: str = ""
    reproduce: str = ""
    measurements: list[Measurement] = field(default_factory=list)
    timelines: list[dict[str, Any]] = field(default_factory=list)
    consoles: list[dict[str, Any]] = field(default_factory=list)
    recoveries: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The case as JSON takes it; each measurement says whether it is `ok`."""
        measured = [asdict(m) | {"ok": m.ok, "allowed": m.allowed()} for m in self.measurements]
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return plain | {"duration_s": round(self.duration_s, 4), "measurements": measured}


class Results:
    """A run: its cases, the bench it ran on, and when."""

    def __init__(
        self,
        title: str,
        bench: dict[str, Any] | None = None,
        started: datetime | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        self.title = title
        self.bench = bench or {"name": "virtual"}
        self.started = started or datetime.now(UTC)
        self.duration_s = 0.0
        self.notes = list(notes)
        self.cases: list[Case] = []

    def add(self, case: Case) -> Case:
        """Takes one case."""
        if case.outcome not in OUTCOMES:
            raise ValueError(f"outcome {case.outcome!r}: allowed are {', '.join(OUTCOMES)}")
        self.cases.append(case)
        return case

    @property
    def counts(self) -> dict[str, int]:
        """How many cases of each outcome there are."""
        return {name: sum(case.outcome == name for case in self.cases) for name in OUTCOMES}

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 something failed, 2 nothing failed but something was blocked."""
        return exit_code(self.counts)

    def to_dict(self) -> dict[str, Any]:
        """The one dictionary."""
        order = {name: n for n, name in enumerate(OUTCOMES)}
        cases = sorted(self.cases, key=lambda case: order[case.outcome])
        return {
            "format": FORMAT,
            "version": VERSION,
            "title": self.title,
            "bench": self.bench,
            "started": self.started.isoformat(timespec="seconds"),
            "duration_s": round(self.duration_s, 3),
            "counts": self.counts,
            "exit_code": self.exit_code,
            "notes": self.notes,
            "cases": [case.to_dict() for case in cases],
        }

    def to_json(self) -> str:
        """The dictionary as text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"


def exit_code(counts: dict[str, int]) -> int:
    """The exit code that these counts make."""
    if counts.get("failed") or counts.get("error"):
        return FAILED
    return NOT_TRIED if counts.get("blocked") else DONE


def commit(folder: Path) -> str:
    """The commit of a working tree, `-dirty` if it has changes or files that git does not know.

    Empty: there is no git here, or it knows nothing of the folder.
    """

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        dirty = git("status", "--porcelain")
        return git("describe", "--always") + ("-dirty" if dirty else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def make_folder(folder: Path) -> None:
    """Makes the folder of a report, before the work whose report it is.

    Raises:
        CannotTry: it cannot be made, or nothing may be written there.
    """
    step = "name a folder that can be written to"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotTry(f"{folder} cannot be made ({error.strerror})", step) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotTry(f"nothing may be written to {folder}", step)


def headline(data: dict[str, Any]) -> str:
    """What came of it, in a few words; nobody shall take a flaky failure for nothing."""
    if data["exit_code"] == FAILED:
        return "Something failed"
    if data["exit_code"] == NOT_TRIED:
        return "Something could not be tried"
    flaky = data["counts"]["flaky"]
    return f"{flaky} known flaky failed" if flaky else "All passed"


def step(case: dict[str, Any]) -> str:
    """What to do about a case, as a line; of a flaky one, until when it is excused and why."""
    return case["next_step"] if case["outcome"] == "flaky" else f"next: {case['next_step']}"


def summary(data: dict[str, Any]) -> str:
    """One line: `118 passed, 1 failed, 2 blocked in 41 s`."""
    counts = data["counts"]
    told = [f"{counts[name]} {name}" for name in OUTCOMES if counts[name]]
    return f"{', '.join(told) or 'nothing ran'} in {data['duration_s']:.0f} s"
