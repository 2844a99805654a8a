"""The plugin, seen from a test suite that uses it: outcomes, exit codes, reports, known flaky."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import littlefs  # noqa: F401  (a run inside this process may not load its C part a second time)
import pexpect
import pytest
from fieldbeat.hil_tests.benches.bench_file import ONE_VIRTUAL_BOARD
from fieldbeat.hil_tests.benches.rig import Rig
from fieldbeat.hil_tests.plugin import fixtures
from fieldbeat.hil_tests.plugin.flaky import Entry, KnownFlaky, load
from fieldbeat.hil_tests.virtual.errors import BenchError
from fieldbeat.hil_tests.virtual.fault_panel import FaultPanel
from fieldbeat.host_tools.validation import InvalidData

pytest_plugins = ["pytester"]

BLOCKED = """
import pytest
from fieldbeat.hil_tests.benches.blocked import Blocked

@pytest.fixture(scope="module")
def lab():
    open("opened", "a").write("x")
    raise Blocked("no /dev/ttyUSB7", "plug the board in")

def test_fine(): pass
def test_one(lab): pass
def test_two(lab): pass
def test_in_the_middle(): raise Blocked("the port disappeared", "look at the cable")
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    """Runs a test file under the plugin, in this process unless it ends before the tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(text: str, *options: str, known: str = "", apart: bool = False):
        pytester.makepyfile(test_it=text)
        pytester.path.joinpath("known_flaky.toml").write_text(known)
        plugins = ("-p", "fieldbeat.hil_tests.plugin.hooks", "-p", "xdist.plugin")
        start = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return start(*plugins, "-p", "no:cacheprovider", *options)

    return run


def report(pytester) -> dict:
    return json.loads(pytester.path.joinpath("r", "results.json").read_text())


def outcomes(pytester) -> dict[str, str]:
    return {case["id"].split("::")[1]: case["outcome"] for case in report(pytester)["cases"]}


def test_blocked_is_neither_passed_nor_failed(suite, pytester):
    result = suite(BLOCKED, "--report", "r")
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        ["*BLOCKED 2: no /dev/ttyUSB7", "*next: plug the board in", "*test_one, *test_two"]
    )
    result.stdout.fnmatch_lines(["*1 passed, 3 blocked in*"])
    assert pytester.path.joinpath("opened").read_text() == "x"  # tried once, never again
    counts = {"failed": 0, "error": 0, "blocked": 3, "flaky": 0, "passed": 1, "skipped": 0}
    assert report(pytester)["counts"] == counts
    names = {path.name for path in pytester.path.joinpath("r").iterdir()}
    assert names == {"results.json", "junit.xml", "report.html", "summary.md"}


def test_the_same_with_workers(suite, pytester):
    result = suite(BLOCKED, "--report", "r", "-n", "2")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*BLOCKED 2: no /dev/ttyUSB7", "*1 passed, 3 blocked in*"])
    assert report(pytester)["counts"]["blocked"] == 3


def test_one_failure_among_the_blocked_is_exit_code_1(suite):
    assert suite(BLOCKED + "\ndef test_bad(): assert False\n").ret == 1


def test_a_set_up_that_raises_is_an_error_and_no_blocked_test(suite, pytester):
    text = "import pytest\n@pytest.fixture\ndef f(): 1 / 0\ndef test_it(f): pass\n"
    assert suite(text, "--report", "r").ret == 1
    assert outcomes(pytester) == {"test_it": "error"}
    assert "ZeroDivisionError" in report(pytester)["cases"][0]["message"]


def test_all_passed_or_skipped_is_exit_code_0(suite, pytester):
    text = """
    import pytest
    @pytest.mark.needs("virtual_time")
    def test_here(): pass
    @pytest.mark.skip(reason="another day")
    def test_skipped(): pass
    """
    assert suite(text, "--report", "r").ret == 0
    assert outcomes(pytester) == {"test_here": "passed", "test_skipped": "skipped"}
    assert report(pytester)["cases"][1]["message"] == "another day"


def test_what_was_measured_is_in_the_report_and_outside_fails(suite, pytester):
    text = """
    def test_good(measure): measure("boot", 1.5, "s", limits=(0, 3))
    def test_bad(measure):
        measure("ack", 9, "s", limits=(None, 5))
        measure("heap", 100, "B", limits=(1000, None))
    """
    result = suite(text, "--report", "r")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "OUTSIDE LIMITS: ack is 9 s, allowed is at most 5 s",
            "OUTSIDE LIMITS: heap is 100 B, allowed is at least 1000 B",
        ]
    )
    cases = {case["id"].split("::")[1]: case for case in report(pytester)["cases"]}
    assert [m["ok"] for m in cases["test_bad"]["measurements"]] == [False, False]
    assert cases["test_good"]["measurements"][0]["value"] == 1.5
    assert 'name="boot" value="1.5"' in pytester.path.joinpath("r", "junit.xml").read_text()


def test_a_fault_that_never_fired_makes_the_test_invalid(suite, pytester):
    text = """
    def test_proves_nothing(bench, board, faults):
        faults.modem.cereg = 3
    def test_proves_something(bench, board, modem, faults):
        modem.faults.cereg = 3
        bench.run_for(60)
    """
    result = suite(text, "--report", "r")
    result.stdout.fnmatch_lines(["INVALID: fault modem.cereg never fired"])
    assert outcomes(pytester) == {
        "test_proves_nothing": "failed",
        "test_proves_something": "passed",
    }
    failed = report(pytester)["cases"][0]
    assert failed["timelines"][0]["faults"][0][1:] == ["modem.cereg", "set to 3"]
    assert failed["reproduce"].endswith("-m pytest test_it.py::test_proves_nothing")


def test_a_timeline_of_every_bench_that_a_chosen_test_opens(suite, pytester):
    text = """
    import pytest
    from fieldbeat.hil_tests.virtual.site import Site
    @pytest.mark.timeline
    def test_chosen(tmp_path):
        with Site(seed=3, workdir=tmp_path) as own:
            own.add_station()
            own.run_for(30)
    def test_other(bench, board): bench.run_for(1)
    """
    assert suite(text, "--report", "r").ret == 0
    chosen, other = report(pytester)["cases"]
    assert [board["board"] for board in chosen["timelines"]] == ["gh-01"]
    assert chosen["timelines"][0]["frames"] and other["timelines"] == []
    page = pytester.path.joinpath("r", "report.html").read_text()
    assert page.count("<svg") == 1 and "test_chosen" in page.split("All 2")[0]


def test_a_need_opens_no_bench_that_shows_up_beside_the_tests_own(suite, pytester):
    text = """
    import pytest
    @pytest.mark.needs("camera")
    def test_camera(): pass
    def test_early(rig): pass
    def test_late(bench, board):
        bench.run_for(5)
        assert False
    """
    assert suite(text, "--report", "r").ret == 1
    late = report(pytester)["cases"][0]
    assert [board["board"] for board in late["timelines"]] == ["gh-01"]
    assert any("fieldbeat>" in line for _, line in late["timelines"][0]["serial"])


# Known flaky

COIN = "def test_coin(): assert False, 'tails'\ndef test_luck(): pass\n"
LISTED = "[[test]]\nid = '{}'\nreason = 'r'\nuntil = {}\n"
KNOWN = '[[test]]\nid = "test_it.py"\nreason = "a coin"\nuntil = 2031-05-31\n'


def test_a_listed_failure_is_flaky_until_its_date(suite, pytester):
    result = suite(COIN, "--report", "r", "--today", "2031-05-31", known=KNOWN)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["FLAKY test_it.py::test_coin: tails*", "*until 2031-05-31: a coin"]
    )
    result.stdout.fnmatch_lines(["test_it.py::test_luck: passed, and is listed as flaky*"])
    result.stdout.fnmatch_lines(["*1 passed, 1 flaky in*"])
    assert outcomes(pytester) == {"test_coin": "flaky", "test_luck": "passed"}
    assert "tails" in report(pytester)["cases"][0]["detail"]


def test_a_listed_failure_fails_after_its_date_with_a_hint(suite, pytester):
    result = suite(COIN, "--report", "r", "--today", "2031-06-01", known=KNOWN)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*until 2031-05-31 (a coin), and that is over: fix it, or renew*"]
    )
    assert "renew" in report(pytester)["cases"][0]["next_step"]


def test_an_entry_covers_its_parameters_and_nothing_with_a_longer_name():
    entry = Entry("a.py::test_x", "", date(2031, 1, 1))
    covered = ["a.py::test_x", "a.py::test_x[1]", "a.py::test_x::y"]
    assert all(map(entry.covers, covered)) and not entry.covers("a.py::test_xy")
    days = iter([date(2030, 12, 31), date(2031, 1, 1), date(2031, 1, 2)])
    known = KnownFlaky([entry], today=lambda: next(days))
    assert [known.excuses(entry) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("[[test]]\nid = 'x'\n", "number 1: needs id, reason and until, and has id"),
        (LISTED.format("a.py", "'soon'"), "a date looks like 2026-12-31, without quotes"),
        (LISTED.format("a.py", "2031-01-01") * 2, "number 2: a.py is listed already"),
        (LISTED.format("b.py", "2031-01-01"), "the file b.py, which is not there"),
        (LISTED.format("a.py::test_y", "2031-01-01"), "names test_y, which is not in a.py"),
        ("[[test]]\nid='a.py'\nreason=' '\nuntil=2031-01-01\n", "reason is ' '; it must say"),
        ("[[tset]]\nid='x'\n", "only \\[\\[test\\]\\] is known here, not tset"),
        ("test = 1\n", "only \\[\\[test\\]\\]"),
        ("[[", "known_flaky.toml"),
    ],
)
def test_a_broken_list_says_what_is_wrong(tmp_path, text, complaint):
    path = tmp_path / "known_flaky.toml"
    path.write_text(text)
    tmp_path.joinpath("a.py").write_text("def test_x(): pass\n")
    with pytest.raises(InvalidData) as caught:
        load(path)
    assert re.search(complaint, "\n".join([str(caught.value), *caught.value.problems]))
    path.write_text(LISTED.format("a.py::test_x[1]", "2031-01-01"))
    assert len(load(path).entries) == 1
    assert load(tmp_path / "nothing.toml").entries == []


def test_a_broken_list_stops_the_run(suite):
    result = suite(COIN, known="[[test]]\n", apart=True)
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*no test was begun: *known_flaky.toml: *number 1: needs id*"])


@pytest.mark.parametrize("choice", ["nofile.toml", "broken.toml"])
def test_a_bench_file_that_cannot_be_read_is_never_green(suite, pytester, choice):
    pytester.path.joinpath("broken.toml").write_text("[board.a]\n")
    pytester.mkdir("r").joinpath("report.html").write_text("all green, yesterday")
    choose = "--bench", choice, "-k", "nothing", "--report", "r"
    result = suite("def test_it(): pass\n", *choose, apart=True)
    assert result.ret == 2
    result.stderr.fnmatch_lines([f"*blocked, no test was begun: {choice}: *; next: *"])
    (case,) = report(pytester)["cases"]
    assert case["outcome"] == "blocked" and case["next_step"]
    assert "yesterday" not in pytester.path.joinpath("r", "report.html").read_text()


@pytest.mark.parametrize(
    "text, options, code, case",
    [
        ("import nowhere_at_all\n", (), 1, ("test_it.py", "error")),
        ("import nowhere_at_all\n", ("-n", "2"), 1, ("test_it.py", "error")),
        ("def test_it(): pass\n", ("-k", "nothing"), 5, ("the run", "blocked")),
        ("def test_it(): pass\n", ("test_no.py",), 4, ("the run", "blocked")),
    ],
)
def test_a_run_that_does_not_come_to_its_end_is_never_green(
    suite, pytester, text, options, code, case
):
    assert suite(text, *options, "--report", "r", apart=True).ret == code
    told = report(pytester)
    assert [(one["id"], one["outcome"]) for one in told["cases"]] == [case]
    assert told["exit_code"] == {"error": 1, "blocked": 2}[case[1]]
    assert told["cases"][0]["message"]
    assert "<error" in pytester.path.joinpath("r", "junit.xml").read_text()


def test_what_failed_before_an_interruption_counts(suite, pytester):
    text = "def test_bad(): assert 0\ndef test_it(): raise KeyboardInterrupt\n"
    assert suite(text, "--report", "r", apart=True).ret == 1
    assert [case["outcome"] for case in report(pytester)["cases"]] == ["failed"] + ["blocked"] * 2
    assert suite(text, "-k", "not bad", "--report", "r", apart=True).ret == 2
    assert {case["id"] for case in report(pytester)["cases"]} == {"test_it.py::test_it", "the run"}


def test_told_to_end_it_ends_as_by_ctrl_c_and_its_forks_at_once(suite, pytester):
    text = """import os, signal
def end(): os.kill(os.getpid(), signal.SIGTERM); signal.pause()
def test_fork():
    child = os.fork()
    if not child: end()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGTERM
def test_it(tmp_path_factory): end()
"""
    assert suite(text, "--report", "r", apart=True).ret == 2
    found = {c["id"]: c["outcome"] for c in report(pytester)["cases"]}
    assert found == {"test_it.py::test_fork": "passed"} | dict.fromkeys(
        ("test_it.py::test_it", "the run"), "blocked"
    )


def test_a_worker_that_is_killed_fails_its_test_and_nobody_waits_for_its_forks(suite):
    text = """import os, signal
def test_it():
    if not os.fork(): signal.pause()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    result = suite(text, "-n", "1", apart=True)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*worker 'gw0' crashed while running*"])


def test_a_report_that_cannot_be_written_is_told_before_any_test(suite, pytester):
    pytester.path.joinpath("file").write_text("")
    result = suite("def test_it(): open('ran', 'w')\n", "--report", "file", apart=True)
    assert result.ret == 2 and not pytester.path.joinpath("ran").exists()
    result.stderr.fnmatch_lines(
        ["*no test was begun: file cannot be made *; next: name a folder*"]
    )


@pytest.mark.parametrize("error", [BenchError("stuck"), OSError("stuck")])
def test_a_bench_that_cannot_be_left_still_has_its_report(
    suite, pytester, monkeypatch, tmp_path, error
):
    close = Rig.close

    def fails(rig):
        close(rig)
        raise error

    monkeypatch.setattr(Rig, "close", fails)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pytester.path.joinpath("one.toml").write_text(ONE_VIRTUAL_BOARD)
    result = suite("def test_it(rig): pass\n", "--bench", "one.toml", "--report", "r")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["closing the bench: stuck"])
    assert outcomes(pytester) == {"test_it": "passed"}
    assert list(tmp_path.glob("fieldbeat-bench-*")) == []


@pytest.mark.long
def test_with_a_bench_file_only_tests_of_that_bench_are_begun(tmp_path):
    """The last file has a `rig` of its own, which is not the plugin's."""
    path = tmp_path / "one.toml"
    path.write_text(ONE_VIRTUAL_BOARD)
    tests = [f"hil_tests/test_{name}.py" for name in ("console", "nvs", "driver_against_model")]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    listed = subprocess.check_output(
        [*command, *tests, "--bench", path], cwd=PAGE.parent.parent, text=True
    )
    assert "test_read_measures_now" in listed and "deselected" in listed
    assert "test_nvs.py" not in listed and "against_model" not in listed


def test_workers_cannot_share_one_bench(suite):
    result = suite(COIN, "--bench", "desk.toml", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_wrong_name_says_which_there_are(bench, board, faults):
    with pytest.raises(AttributeError, match="no board 'gh-7', but: gh-01"):
        _ = faults.of("gh-7")


# The console


def test_what_is_expected_takes_virtual_time(bench, console):
    before_s = bench.now_s
    console.write("selftest\r")
    console.expect([rb"never", rb"ok +soil\.ph +(\S+)"], timeout=600)
    console.expect_exact("fieldbeat> ", timeout=600)
    assert 0 < bench.now_s - before_s < 60
    with pytest.raises(pexpect.TIMEOUT):  # what was expected already is not found again
        console.expect("soil.ph", timeout=600)
    assert bench.now_s - before_s > 600


@pytest.mark.long
@pytest.mark.parametrize("where", ["conftest", "-p"])  # before and after pytest-embedded
def test_a_folder_of_ones_own_needs_one_line(where, pytester):
    options = ["-p", "no:cacheprovider"]
    if where == "conftest":
        pytester.makeconftest('pytest_plugins = ["fieldbeat.hil_tests.plugin.hooks"]')
    else:
        options += ["-p", "fieldbeat.hil_tests.plugin.hooks"]
    pytester.makepyfile(
        test_ours=PAGE.parent.parent.joinpath("hil_tests/test_example.py").read_text()
    )
    result = pytester.runpytest_subprocess(*options)
    result.stdout.fnmatch_lines(["* 4 passed in *"])
    assert 'pytest_plugins = ["fieldbeat.hil_tests.plugin.hooks"]' in PAGE.read_text()


# docs/writing-tests.md

PAGE = Path(__file__).parent.parent / "docs" / "writing-tests.md"


def test_the_page_about_tests_quotes_one_that_is_run():
    example = Path(__file__).with_name("test_example.py").read_text()
    assert f"```python\n{example}```" in PAGE.read_text()


def test_the_page_about_tests_names_every_fault_and_every_fixture(bench):
    bench.add_station()
    page = PAGE.read_text()
    for part, switches in FaultPanel(bench).all():
        names = ", ".join(f"`{name}`" for name in switches._off)
        assert f"| `{part}` | {names} |" in page
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \| \w+ \|", page, re.MULTILINE)))
    ours = {name for name, found in vars(fixtures).items() if "Fixture" in type(found).__name__}
    assert ours - {"board_name", "prompt", "known_state", "node", "care"} <= {*told}
