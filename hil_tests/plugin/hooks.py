"""pytest plugin of the bench: which bench, what a test needs of it, and what becomes of it.

    pytest --bench virtual                            # the default: every test has its own world
    pytest --bench hil_tests/benches/desk.toml        # a real board; see docs/run-on-hardware.md
    pytest --report build/report                      # results.json, junit.xml, report.html, .md

Exit codes: 0 all passed, 1 something failed, 2 nothing failed but something was blocked.
Fixtures are in `fixtures.py`, outcomes in `outcomes.py`, the closing words in `recorder.py`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fieldbeat.host_tools.errors import FieldbeatError

from ..virtual.bench import Bench
from ..virtual.timeline import Timeline
from . import flaky, outcomes
from .chosen_bench import ChosenBench
from .keys import BENCH, CARES, FIXTURE_NEEDS, LEFT, MEASURED, PANEL
from .measure import Measured
from .recorder import Recorder

pytest_plugins = ["fieldbeat.hil_tests.plugin.fixtures"]

MARKERS = (
    'needs("feature", ...): skip on a bench that lacks a feature, which is then named',
    "timeline: keep the timeline of this test in the report even if it passes",
)
KNOWN = pytest.StashKey[flaky.KnownFlaky]()
TIMELINES = pytest.StashKey[list[Timeline]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fieldbeat", "bench")
    add = group.addoption
    where = "virtual (default), a bench file (FILE.toml), or qemu:PATH"
    add("--bench", default="virtual", metavar="BENCH", help=where)
    add("--report", type=Path, metavar="DIR", help="write JSON, JUnit XML, HTML, Markdown there")
    day = "the day by which known_flaky.toml is judged (default: today)"
    add("--today", type=date.fromisoformat, metavar="DATE", help=day)


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.stash[BENCH] = ChosenBench(config.getoption("bench"))
    if config.getoption("bench") != "virtual" and config.getoption("numprocesses", None):
        raise pytest.UsageError(
            "--bench names one bench, which workers cannot share: leave -n out"
        )
    timelines = config.stash[TIMELINES] = []
    if config.getoption("report"):
        Bench.on_open.append(lambda bench: timelines.append(Timeline(bench)))
    day: date | None = config.getoption("today")
    try:
        config.stash[KNOWN] = flaky.load(
            config.rootpath / "known_flaky.toml", date.today if day is None else lambda: day
        )
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "fieldbeat-recorder")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leaves the bench as its file asks; one that cannot be left so was not as it should be."""
    if BENCH not in session.config.stash:
        return
    rig = session.config.stash[BENCH].rig
    recorder = session.config.pluginmanager.get_plugin("fieldbeat-recorder")
    if rig is not None and recorder is not None:
        facts = {"boards": sorted(rig.boards), "features": sorted(rig.features)}
        recorder.results.bench |= facts
    try:
        session.config.stash[BENCH].close()
    except FieldbeatError as error:
        session.config.stash[LEFT] = error


def pytest_unconfigure(config: pytest.Config) -> None:
    if config.getoption("report") and Bench.on_open:
        Bench.on_open.pop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    rig = item.config.stash[BENCH].rig
    shared = None if rig is None else rig.site  # lives as long as the session
    timelines = item.config.stash[TIMELINES]
    timelines[:] = [timeline for timeline in timelines if timeline.bench is shared]
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what this bench cannot do, and says what is missing."""
    bench = item.config.stash[BENCH]
    item.stash.setdefault(MEASURED, Measured())
    wanted = {str(name) for mark in item.iter_markers("needs") for name in mark.args}
    fixtures = {name: need for name, need in FIXTURE_NEEDS.items() if name in _fixtures(item)}
    for feature in sorted(wanted):
        if not bench.has(feature):
            pytest.skip(f"needs {feature!r}, which bench {bench.choice} does not have")
    for fixture, feature in fixtures.items():
        if not bench.has(feature):
            pytest.skip(
                f"needs {feature!r} for its fixture {fixture!r}, and bench {bench.choice} has none"
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that ended well is still judged by its measurements and by its faults."""
    yield
    complaints = item.stash[MEASURED].complaints() if MEASURED in item.stash else []
    if PANEL in item.stash:
        complaints += [f"INVALID: fault {x} never fired" for x in item.stash[PANEL].unfired()]
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    told = outcomes.judge(report, call, item.config.stash[KNOWN])
    if call.when == "call" and MEASURED in item.stash:
        told["measurements"] = [list(asdict(row).values()) for row in item.stash[MEASURED].rows]
    told["recoveries"] = _recoveries(item.config)
    asked = call.when == "call" and item.get_closest_marker("timeline") is not None
    if asked or told["outcome"] not in ("passed", "skipped"):
        told["timelines"] = _timelines(item)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    return outcomes.status(report)


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


def _recoveries(config: pytest.Config) -> list[dict[str, Any]]:
    """The rungs that boards climbed since the last report."""
    rows: list[dict[str, Any]] = []
    for care in config.stash.get(CARES, {}).values():
        rows += care.ladder.climbed
        care.ladder.climbed.clear()
    return rows


def _timelines(item: pytest.Item) -> list[dict[str, Any]]:
    bench = item.config.stash[BENCH]
    on_rig = not {"rig", "flashed", "booted", "board"}.isdisjoint(_fixtures(item))
    shared = None if bench.rig is None or on_rig else bench.rig.site
    timelines = item.config.stash[TIMELINES]
    return [board for t in timelines if t.bench is not shared or on_rig for board in t.boards()]
