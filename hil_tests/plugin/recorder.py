"""Collects what became of every test, in the process that reports: counts, exit code, summary.

With xdist it sits in the controller and hears of the workers' tests by their reports.
"""

from __future__ import annotations

import platform
import shlex
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ..results import Case, Measurement, Results, write_reports
from ..results.results import DONE, FAILED, NOT_TRIED, OUTCOMES, commit, exit_code
from . import outcomes
from .keys import LEFT

NOT_COVERED = (
    "The virtual bench has no execution time, no brown-out ramp, no currents, "
    "and 64-bit integers and floats: see hil_tests/virtual/board.py.",
)
# A run that did not come to its end: what the report says of it, and what to do.
UNFINISHED = {
    pytest.ExitCode.INTERRUPTED: ("interrupted: other tests were not tried", "run them again"),
    pytest.ExitCode.INTERNAL_ERROR: ("pytest broke", "see what it printed"),
    pytest.ExitCode.USAGE_ERROR: ("pytest could not begin", "see what it printed"),
    pytest.ExitCode.NO_TESTS_COLLECTED: ("no test was found", "choose files, -k and -m anew"),
}


class Recorder:
    """One case a test, whatever its three reports say: the worst one counts."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.directory: Path | None = config.getoption("report")
        self.bench_name: str = config.getoption("bench")
        self.cases: dict[str, Case] = {}
        self.begun: set[str] = set()  # tests that are being run
        self.listed: dict[str, str] = {}  # passing tests of known_flaky.toml
        self.written: list[Path] = []
        self.began_s = time.perf_counter()
        notes = NOT_COVERED if self.bench_name == "virtual" else ()
        self.results = Results("fieldbeat tests", bench=self._bench(), notes=notes)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        told: dict[str, Any] = getattr(report, "fieldbeat", {})
        case = self.cases.get(report.nodeid)
        if case is None:
            case = self.cases[report.nodeid] = Case(report.nodeid, "skipped")
            case.reproduce = self._command(report.nodeid)
        case.duration_s += report.duration
        case.measurements += [Measurement(*row) for row in told.get("measurements", ())]
        case.recoveries += told.get("recoveries", ())
        outcome = told.get("outcome", report.outcome)
        (self.begun.add if report.when == "setup" else self.begun.discard)(report.nodeid)
        if outcome == "passed" and report.when != "call":
            return
        if case.message == "" or OUTCOMES.index(outcome) < OUTCOMES.index(case.outcome):
            case.outcome = outcome
            case.message, case.detail = told.get("message", ""), told.get("detail", "")
            case.next_step = told.get("next_step", "")
        case.timelines = told.get("timelines") or case.timelines
        case.consoles = told.get("consoles") or case.consoles
        if "listed" in told:
            self.listed[report.nodeid] = told["listed"]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be loaded is an error of the run: its tests are not known."""
        if report.failed:
            case = self.cases[report.nodeid] = Case(report.nodeid or "every test", "error")
            case.message, case.detail = outcomes.in_short(report), report.longreprtext
            case.reproduce = self._command(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        errors = any(case.outcome == "error" for case in self.cases.values())
        if exitstatus in UNFINISHED and not errors:
            message, step = UNFINISHED[pytest.ExitCode(exitstatus)]
            for test in self.begun:
                self.cases[test].outcome, self.cases[test].message = "blocked", "interrupted"
            self.cases[""] = Case("the run", "blocked", message=message, next_step=step)
        self.results.cases = list(self.cases.values())
        self.results.duration_s = time.perf_counter() - self.began_s
        # else pytest itself could not do its work
        if exitstatus in (DONE, FAILED, pytest.ExitCode.INTERRUPTED):
            code = exit_code(self.results.counts) or exitstatus
            session.exitstatus = code or (NOT_TRIED if LEFT in self.config.stash else DONE)
        if self.directory is not None:
            self.written = write_reports(self.results, self.directory)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        tell = terminalreporter
        cases = list(self.cases.values())
        blocked = [case for case in cases if case.outcome == "blocked"]
        if blocked:
            tell.section("blocked: not tried, and why", yellow=True)
            for (message, step), tests in _grouped(blocked).items():
                tell.write_line(f"BLOCKED {len(tests)}: {message}", yellow=True)
                if step:
                    tell.write_line(f"  next: {step}")
                more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
                tell.write_line(f"  {', '.join(tests[:3])}{more}")
        flaky = [case for case in cases if case.outcome == "flaky"]
        if flaky or self.listed:
            tell.section("known_flaky.toml", purple=True)
            for case in flaky:
                tell.write_line(f"FLAKY {case.id}: {case.message}\n  {case.next_step}")
            for test, text in self.listed.items():
                tell.write_line(f"{test}: {text}\n  if it passes steadily, take it off the list")
        rungs = Counter(
            f"{row['board']}: {row['rung']} {'mended it' if row['answered'] else 'did not help'}"
            for case in cases
            for row in case.recoveries
        )
        if rungs:
            tell.section("boards that had to be helped")
            for text, count in rungs.items():
                tell.write_line(f"{text}, {count} times" if count > 1 else text)
        if LEFT in self.config.stash:
            tell.write_line(f"closing the bench: {self.config.stash[LEFT]}", yellow=True)
        if self.written:
            tell.write_line(f"report: {self.written[0].parent / 'report.html'}")

    def _command(self, test: str) -> str:
        bench = [] if self.bench_name == "virtual" else ["--bench", self.bench_name]
        python = Path(sys.executable)
        root = self.config.rootpath
        shown = python.relative_to(root) if python.is_relative_to(root) else python.name
        if test.endswith("[micropython]"):
            test = test.partition("::")[0]
        return shlex.join([str(shown), "-m", "pytest", test, *bench])

    def _bench(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": self.bench_name}
        if found := commit(self.config.rootpath):
            facts["commit"] = found
        return facts | {"python": platform.python_version(), "host": platform.platform()}


def _grouped(cases: list[Case]) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        groups.setdefault((case.message, case.next_step), []).append(case.id)
    return groups
