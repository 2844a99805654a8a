"""What became of a test: pytest's own report, judged by the rules of a bench.

Beside passed, failed and skipped there is `blocked` (the bench could not try it: never a failure,
never green) and `flaky` (failed, listed in known_flaky.toml, still before its date). What the
reports need travels in `report.fieldbeat`, plain data, so that it also comes from xdist's workers.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..benches.blocked import Blocked
from .flaky import KnownFlaky

LETTERS = {"blocked": ("blocked", "B", ("BLOCKED", {"yellow": True}))}
LETTERS["flaky"] = ("flaky", "~", ("FLAKY", {"purple": True}))


def judge(report: pytest.TestReport, call: pytest.CallInfo, known: KnownFlaky) -> dict[str, Any]:
    """Sets `report.fieldbeat` and, for blocked and flaky, takes the report out of the failed."""
    told: dict[str, Any] = {"outcome": report.outcome, "message": "", "detail": ""}
    report.fieldbeat = told  # type: ignore[attr-defined]
    if call.excinfo is not None and call.excinfo.errisinstance(Blocked):
        _blocked(report, call.excinfo.value, told)
    elif report.failed:
        told |= {"outcome": "failed" if report.when == "call" else "error"}
        told |= {"message": in_short(report), "detail": report.longreprtext}
        _flaky(report, known, told)
    elif report.skipped:
        told["message"] = _why_skipped(report)
    elif report.when == "call" and known.find(report.nodeid):
        entry = known.find(report.nodeid)
        assert entry is not None
        told["listed"] = f"passed, and is listed as flaky until {entry.until} ({entry.reason})"
    return told


def _blocked(report: pytest.TestReport, error: BaseException, told: dict[str, Any]) -> None:
    assert isinstance(error, Blocked)
    message = error.reason
    told |= {"outcome": "blocked", "message": message, "next_step": error.next_step}
    report.outcome = "skipped"
    report.longrepr = (report.location[0], report.location[1] or 0, f"BLOCKED: {message}")


def _flaky(report: pytest.TestReport, known: KnownFlaky, told: dict[str, Any]) -> None:
    entry = known.find(report.nodeid)
    if entry is None:
        return
    if not known.excuses(entry):
        told["next_step"] = known.hint(entry)
        report.sections.append(("known_flaky.toml", known.hint(entry)))
        return
    told |= {"outcome": "flaky", "next_step": f"known until {entry.until}: {entry.reason}"}
    reason = f"FLAKY: {told['message']}"
    report.outcome = "skipped"
    report.longrepr = (report.location[0], report.location[1] or 0, reason)


def in_short(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The first two lines of what was raised: what was expected, and what was found."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        lines = crash.message.splitlines()
    else:  # an error of pytest itself marks its lines with an E
        whole = report.longreprtext.splitlines()
        lines = [line[1:] for line in whole if line.startswith("E ")] or whole
    lines = [line.strip() for line in lines if line.strip()][:2]
    text = "; ".join(lines).removeprefix("Failed: ").removeprefix("AssertionError: ")
    return text[:300] or "failed without a word"


def _why_skipped(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(getattr(report, "wasxfail", ""))


def status(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Category, letter and word of an outcome that pytest does not know."""
    return LETTERS.get(getattr(report, "fieldbeat", {}).get("outcome", ""))
