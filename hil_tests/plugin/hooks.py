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
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from fieldbeat.host_tools.errors import FieldbeatError

from ..endings import end_as_by_ctrl_c, forks_end_with_us
from ..results import Case, Results, write_reports
from ..results.results import NOT_TRIED, make_folder
from ..virtual.bench import Bench
from ..virtual.errors import BenchError
from ..virtual.timeline import Timeline
from . import flaky, outcomes
from .chosen_bench import ChosenBench
from .keys import BENCH, CARES, FIXTURE_NEEDS, LEFT, MEASURED, PANEL
from .measure import Measured
from .recorder import Recorder

FIXTURES = "fieldbeat.hil_tests.plugin.fixtures"
CONSOLE = "fieldbeat.hil_tests.plugin.console"
pytest_plugins = [FIXTURES]

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
    # Only now: after pytest-embedded, whose `dut` it takes the place of, whoever loaded this one.
    config.pluginmanager.import_plugin(CONSOLE)
    end_as_by_ctrl_c()  # a CI that cancels a job sends SIGTERM: there is a report, nothing is left
    if hasattr(config, "workerinput"):
        forks_end_with_us()
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if config.getoption("bench") != "virtual" and config.getoption("numprocesses", None):
        raise pytest.UsageError(
            "--bench names one bench, which workers cannot share: leave -n out"
        )
    directory: Path | None = config.getoption("report")
    try:
        if directory is not None:
            make_folder(directory)
    except FieldbeatError as error:
        pytest.exit(f"blocked, no test was begun: {error}", NOT_TRIED)
    config.stash[BENCH] = ChosenBench(config.getoption("bench"))
    day: date | None = config.getoption("today")
    try:
        _ = config.stash[BENCH].features  # a file that is not right is told before any test
        config.stash[KNOWN] = flaky.load(
            config.rootpath / "known_flaky.toml", date.today if day is None else lambda: day
        )
    except FieldbeatError as error:
        _report_nothing_tried(config, error)
        pytest.exit(f"blocked, no test was begun: {error}", NOT_TRIED)
    timelines = config.stash[TIMELINES] = []
    if config.getoption("report"):

        def follow(bench: Bench) -> None:
            timelines.append(Timeline(bench))

        Bench.on_open.append(follow)
        config.add_cleanup(lambda: Bench.on_open.remove(follow))
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "fieldbeat-recorder")


def _report_nothing_tried(config: pytest.Config, error: FieldbeatError) -> None:
    """Writes over the report of an earlier run, which would be taken for that of this one."""
    directory: Path | None = config.getoption("report")
    if directory is None or hasattr(config, "workerinput"):
        return
    results = Results("fieldbeat tests", bench={"name": config.getoption("bench")})
    results.add(Case("every test", "blocked", message=error.message, next_step=error.next_step))
    write_reports(results, directory)


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
    except (FieldbeatError, BenchError, OSError) as error:
        session.config.stash[LEFT] = error


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
    used = fixtures_of_a_bench(item)
    for feature in sorted(wanted):
        if reason := bench.lacks(feature):
            pytest.skip(reason)
    for fixture, feature in FIXTURE_NEEDS.items():
        if fixture in used and (reason := bench.lacks(feature)):
            pytest.skip(f"its fixture {fixture!r} {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that ended well is still judged by its measurements and by its faults.

    One that did not end well is blocked if its board has gone: nobody can say more about it.
    """
    try:
        yield
    except Exception:
        for name in _used(item):
            item.config.stash[BENCH].open().boards[name].check_there()
        raise
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
        told["consoles"] = _consoles(item)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    return outcomes.status(report)


def fixtures_of_a_bench(item: pytest.Item) -> set[str]:
    """Which of our fixtures a test uses; one of its own by the same name is none of ours."""
    info = getattr(item, "_fixtureinfo", None)
    found = {} if info is None else info.name2fixturedefs
    ours = {name for name, last in found.items() if last[-1].func.__module__ == FIXTURES}
    return ours - {"measure"}


def _recoveries(config: pytest.Config) -> list[dict[str, Any]]:
    """The rungs that boards climbed since the last report."""
    rows: list[dict[str, Any]] = []
    for care in config.stash.get(CARES, {}).values():
        rows += care.ladder.climbed
        care.ladder.climbed.clear()
    return rows


def _used(item: pytest.Item) -> set[str]:
    """The boards of the shared bench that a test has to do with."""
    rig = item.config.stash[BENCH].rig
    if rig is None:
        return set()
    if "rig" in signature(getattr(item, "function", _used)).parameters:
        return set(rig.boards)
    shared = {"flashed", "booted"}
    if not item.config.stash[BENCH].own_world:
        shared.add("board")
    cares = item.config.stash.get(CARES, {})
    return set() if shared.isdisjoint(fixtures_of_a_bench(item)) else set(cares)


def _timelines(item: pytest.Item) -> list[dict[str, Any]]:
    rig, used = item.config.stash[BENCH].rig, _used(item)
    shared = None if rig is None else rig.site
    return [
        board
        for timeline in item.config.stash[TIMELINES]
        for board in timeline.boards()
        if timeline.bench is not shared or board["board"] in used
    ]


def _consoles(item: pytest.Item) -> list[dict[str, Any]]:
    """The last lines of the boards that have no timeline, without a code that was typed."""
    from fieldbeat.host_tools.unit_code import masked  # where a run keeps them

    rig = item.config.stash[BENCH].rig
    boards = [] if rig is None else [rig.boards[name] for name in sorted(_used(item))]
    real = [board for board in boards if board.virtual is None]
    return [{"board": b.name, "lines": [masked(line) for line in b.last_lines()]} for b in real]
