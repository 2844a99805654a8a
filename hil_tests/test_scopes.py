"""Flash once a session, boot once a module, reset for each test: counted at the board itself."""

from __future__ import annotations

import json
from collections import Counter

import littlefs  # noqa: F401  (a run inside this process may not load its C part a second time)
import pytest
from fieldbeat.hil_tests.benches import rig  # noqa: F401
from fieldbeat.hil_tests.virtual.board import CAUSES
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.site import Site

pytest_plugins = ["pytester"]

VIRTUAL = '[board.gh-01]\nmanifest = "greenhouse_esp32"\nport = "virtual"\n'
# Every test leaves the program in a mess that only a reset clears.
TESTS = """
def test_first(board):
    board.console.write(b"\\x03")
    board.console.read(1)
    board.console.write(b"left = 1\\r")

def test_second(board):
    board.console.write(b"status\\r")
    heard, silent = b"", 0
    while b"greenhouse_esp32" not in heard and silent < 5:
        piece = board.console.read(1)
        heard, silent = heard + piece, silent + (not piece)
    assert b"greenhouse_esp32" in heard, heard

def test_third(booted):
    pass
"""
TELL = """
import json
import pytest
from fieldbeat.hil_tests.plugin.keys import CARES

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure(config):
    told = {}
    for name, care in config.stash.get(CARES, {}).items():
        virtual = care.board.virtual
        told[name] = {"counts": care.counts, "rungs": care.ladder.counts}
        told[name]["resets"] = virtual.resets if virtual else []
    with open("told.json", "w") as file:
        json.dump(told, file)
    return (yield)
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(bench: str, **modules: str):
        pytester.makeconftest(TELL)
        pytester.makepyfile(**modules)
        pytester.path.joinpath("bench.toml").write_text(bench)
        plugins = ("-p", "fieldbeat.hil_tests.plugin.hooks", "-p", "no:cacheprovider")
        options = ("--bench", "bench.toml", "--report", "r", "-rs")
        return pytester.runpytest_inprocess(*plugins, *options)

    return run


def told(pytester) -> dict:
    return json.loads(pytester.path.joinpath("told.json").read_text())


def test_two_modules_of_three_tests(suite, pytester):
    result = suite(VIRTUAL, test_a=TESTS, test_b=TESTS)
    assert result.ret == 0, result.stdout.str()
    board = told(pytester)["gh-01"]
    assert board["counts"] == {"flash": 1, "boot": 2, "reset": 4}
    assert board["rungs"] == {}
    resets = Counter(CAUSES[cause] for cause in board["resets"])
    # Switched on by the bench, reset by the flasher, one cycle a module; soft for each test.
    assert resets == {"power on": 4, "soft": 4}


def test_the_same_on_a_board_at_the_end_of_a_network(suite, pytester, tmp_path):
    """Real instruments (pyserial, esptool) by RFC 2217, and the board counts for itself."""
    with Site(seed=1, workdir=tmp_path / "far") as far:
        board = far.add_board("greenhouse_esp32", "gh-01")
        states = []
        far.world.listeners.append(
            lambda _us, who, what, more: who is board and what == "state" and states.append(more)
        )
        far.start_real()
        port = Rfc2217Port(board)
        bench = f'port = "{port.url}"\nid = "mac:{board.mac.hex(":")}"\n'
        bench = VIRTUAL.replace('port = "virtual"\n', bench)
        result = suite(bench, test_a=TESTS, test_b=TESTS)
        far.stop_real()
        assert result.ret == 0, result.stdout.str()
        assert told(pytester)["gh-01"]["counts"] == {"flash": 1, "boot": 2, "reset": 4}
        causes = Counter(CAUSES[cause] for cause in board.resets)
        assert states.count("download") == 1 and causes["soft"] == 4, (states, causes)


DEAD = """
import pytest

@pytest.fixture(scope="session")
def prompt():
    return b"never said> "
"""


def test_a_board_that_never_answers_is_tried_once_and_blocks_the_rest(suite, pytester):
    more = DEAD + TESTS
    result = suite(
        VIRTUAL, test_a=more.replace("def test_first", "def test_zeroth(): pass\n\ndef test_first")
    )
    assert result.ret == 2, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "*BLOCKED 3: gh-01 does not answer, also after Ctrl-C, reset and a power cycle",
            "*next: look at the board*",
            "gh-01: interrupt did not help",
            "gh-01: reset line did not help",
            "gh-01: power cycle did not help",
            "gh-01: broken did not help",
            "*1 passed, 3 blocked in*",
        ]
    )
    board = told(pytester)["gh-01"]
    assert board["counts"] == {"flash": 1, "boot": 1}
    assert board["rungs"] == {"interrupt": 1, "reset line": 1, "power cycle": 1, "broken": 1}
    cases = json.loads(pytester.path.joinpath("r", "results.json").read_text())["cases"]
    assert [len(case["recoveries"]) for case in cases if case["outcome"] == "blocked"] == [4, 0, 0]


TWINS = VIRTUAL + 'id = "mac:02:00:00:00:00:09"\n'
TWINS += TWINS.replace("gh-01", "gh-02")
NO_PORT = VIRTUAL.replace("virtual", "/dev/ttyNONE") + 'id = "mac:a4:cf:12:00:00:01"\n'


@pytest.mark.parametrize(
    "bench, reason",
    [
        ("[board.gh-01]\n", "*bench.toml*manifest*"),
        (NO_PORT, "*/dev/ttyNONE*"),
        (TWINS, "*is that of [[]board.gh-01]*"),
    ],
    ids=["broken file", "no port", "two of one identity"],
)
def test_a_bench_that_cannot_be_opened_blocks_what_needs_it(suite, bench, reason):
    result = suite(bench, test_a=TESTS + "\ndef test_pure(): pass\n")
    assert result.ret == 2, result.stdout.str()
    result.stdout.fnmatch_lines([f"*BLOCKED 3: {reason}", "*next: *", "*1 passed, 3 blocked in*"])


def test_what_a_bench_lacks_is_named(suite):
    text = """
    import pytest
    @pytest.mark.needs("camera")
    def test_camera(): pass
    def test_world(bench): pass
    @pytest.mark.needs("sim", "power")
    def test_sim(power): pass
    """
    result = suite('features = ["sim"]\n' + VIRTUAL, test_a=text)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*needs 'camera', which bench bench.toml does not have*"])
    result.stdout.fnmatch_lines(["*needs 'own_world' for its fixture 'bench'*"])
    result.stdout.fnmatch_lines(["*1 passed, 2 skipped in*"])
