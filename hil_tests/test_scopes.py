"""Flash once a session, boot once a module, reset for each test: counted at the board itself."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import littlefs  # noqa: F401  (a run inside this process may not load its C part a second time)
import pytest
from fieldbeat.hil_tests.benches import rig  # noqa: F401
from fieldbeat.hil_tests.virtual.board import CAUSES
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.hil_tests.virtual.site import CONFIG, Site, config

# Loaded inside such a run it would be loaded a second time, while esptool keeps the first one.
from fieldbeat.host_tools import esptool_log  # noqa: F401

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


@pytest.fixture
def far(tmp_path):
    """What a bench file writes of a board that stands elsewhere, and the board."""
    with Site(seed=1, workdir=tmp_path / "far") as far:
        board = far.add_board("greenhouse_esp32", "gh-01")
        board.states = []
        far.world.listeners.append(
            lambda _us, who, what, more: (
                who is board and what == "state" and board.states.append(more)
            )
        )
        board.site = far
        far.start_real()
        url = Rfc2217Port(board).url
        bench = f'port = "{url}"\nid = "mac:{board.mac.hex(":")}"\n'
        yield VIRTUAL.replace('port = "virtual"\n', bench), board
        far.stop_real()


@pytest.mark.long
def test_the_same_on_a_board_at_the_end_of_a_network(suite, pytester, far):
    """Real instruments (pyserial, esptool) by RFC 2217, and the board counts for itself."""
    bench, board = far
    result = suite(bench, test_a=TESTS, test_b=TESTS)
    assert result.ret == 0, result.stdout.str()
    assert told(pytester)["gh-01"]["counts"] == {"flash": 1, "boot": 2, "reset": 4}
    causes = Counter(CAUSES[cause] for cause in board.resets)
    # The loader is asked who the chip is, and what its NVS holds, before it gets an image.
    assert board.states.count("download") == 3 and causes["soft"] == 4, (board.states, causes)


OTHER = config("greenhouse-07")
ASKS = """
def test_who(board, unit_name):
    board.console.write(b"status\\r")
    heard, silent = b"", 0
    while unit_name.encode() not in heard and silent < 5:
        piece = board.console.read(1)
        heard, silent = heard + piece, silent + (not piece)
    assert unit_name == "greenhouse-07" and unit_name.encode() in heard, heard
    assert not heard, "now look at the report"
"""


@pytest.mark.long
def test_a_unit_that_somebody_provisioned_is_left_alone(suite, pytester, far):
    bench, board = far
    board.site.give_key(board, OTHER)
    before = board.flash.read(0, board.flash.size)
    result = suite(bench, test_a=TESTS)
    assert result.ret == 2, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "*BLOCKED 3: gh-01 is provisioned as greenhouse-07, and the tests would overwrite*",
            "*next: to test greenhouse-07 *unit = FILE in [[]board.gh-01[]]*may_overwrite = true",
        ]
    )
    assert board.flash.read(0, board.flash.size) == before
    other_id = bench.replace("mac:02:", "mac:a4:")  # also if no official build is at hand
    result = suite(other_id + "may_overwrite = true\n", test_a=TESTS)
    result.stdout.fnmatch_lines(["*BLOCKED 3: gh-01: the board at * is 02:*, not a4:*"])
    assert board.flash.read(0, board.flash.size) == before


@pytest.mark.long
def test_a_unit_keeps_its_own_configuration_when_its_file_is_named(suite, pytester, far):
    bench, board = far
    text = CONFIG.format(unit="greenhouse-07", board="greenhouse_esp32")
    pytester.path.joinpath("my-unit.toml").write_text(text)
    bench += 'unit = "my-unit.toml"\n'
    result = suite(bench, test_a=ASKS)
    assert result.ret == 2, result.stdout.str()
    result.stdout.fnmatch_lines(["*BLOCKED 1: gh-01 is not provisioned, but bench.toml says*"])
    board.site.give_key(board, OTHER)
    result = suite('features = ["collector"]\n' + bench, test_a=ASKS)
    assert result.ret == 1, result.stdout.str()
    (case,) = json.loads(pytester.path.joinpath("r", "results.json").read_text())["cases"]
    assert "now look at the report" in case["message"] and case["timelines"] == []
    (console,) = case["consoles"]
    assert console["board"] == "gh-01"
    assert any("greenhouse-07" in line for line in console["lines"])
    page = pytester.path.joinpath("r", "report.html").read_text()
    assert "<b>gh-01</b>, the end of its console" in page


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


GOES = """
import time
def test_it_goes(board):
    open("go", "w").close()
    while board.console.line.lost is None:
        time.sleep(0.02)
    assert False, "it says nothing more"
def test_next(board): pass
"""


@pytest.mark.long
def test_a_port_that_goes_during_a_test_blocks_it_whatever_the_test_says(suite, pytester, far):
    bench, board = far

    def pull() -> None:
        while not pytester.path.joinpath("go").exists():
            time.sleep(0.02)
        board.ports[-1].drop()

    threading.Thread(target=pull, daemon=True).start()
    result = suite(bench, test_a=GOES)
    assert result.ret == 2, result.stdout.str()
    result.stdout.fnmatch_lines(
        ["*BLOCKED 2: rfc2217:* was lost while in use*", "*next: see to *"]
    )


UNANSWERED = """
import re
import pytest

class Console:
    def __init__(self, rig, board): self.rig, self.board = rig, board
    def ask(self, verb, answer, timeout_s):
        said = bytearray()
        self.board.console.on_output(said.extend)
        self.board.console.write(verb.encode() + b"\\r")
        self.rig.run_until(lambda: re.search(answer, said), timeout_s)
        return re.search(answer, said)[0].decode()

@pytest.fixture
def console(rig, board, network):
    network.away(True)
    yield Console(rig, board)
    network.away(False)

def test_one(collector): pass
def test_two(collector): pass
def test_of_something_else(board): pass
"""


@pytest.mark.long
def test_a_collector_that_was_promised_and_is_silent_blocks(suite, pytester):
    text = CONFIG.format(unit="gh-01", board="greenhouse_esp32")
    pytester.path.joinpath("my-unit.toml").write_text(text)
    promised = 'features = ["collector"]\n' + VIRTUAL + 'unit = "my-unit.toml"\n'
    result = suite(promised, test_a=UNANSWERED)
    assert result.ret == 2, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "*BLOCKED 2: gh-01 sends its reports to collector.example.org:5690, and no collector*",
            "*next: see that 'fieldbeat collect' runs there*",
            "*1 passed, 2 blocked in*",
        ]
    )
    result = suite(VIRTUAL, test_a=UNANSWERED)  # here the bench itself answers, and has to
    assert result.ret == 1, result.stdout.str()
    result.stdout.fnmatch_lines(["*gh-01 reports no_ack: * and no collector hears it"])


NO_PORT = VIRTUAL.replace("virtual", "/dev/ttyNONE") + 'id = "mac:a4:cf:12:00:00:01"\n'


def test_a_board_that_is_absent_blocks_what_needs_it_and_nothing_else(suite):
    text = """
    import pytest
    def test_pure(): pass
    def test_board(board): pass
    @pytest.mark.needs("collector")
    def test_report(board): pass
    """
    result = suite(NO_PORT, test_a=text)
    assert result.ret == 2, result.stdout.str()
    result.stdout.fnmatch_lines(["*needs 'collector' (a provisioned unit and a collector*"])
    result.stdout.fnmatch_lines(["*BLOCKED 1: *no port /dev/ttyNONE*", "*next: *"])
    result.stdout.fnmatch_lines(["*1 passed, 1 skipped, 1 blocked in*"])


def test_on_a_bench_of_several_faults_are_those_of_the_board_under_test(suite, pytester):
    text = """
    def test_it(board, faults):
        assert faults.air is board.virtual.fitted.parts["air"].faults
        assert faults.of("gh-02").air is not faults.air
        assert False
    """
    suite(VIRTUAL + VIRTUAL.replace("gh-01", "gh-02"), test_a=text)
    (case,) = json.loads(pytester.path.joinpath("r", "results.json").read_text())["cases"]
    assert case["message"].startswith("assert False"), case
    assert [board["board"] for board in case["timelines"]] == ["gh-01"] and not case["consoles"]


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
    result.stdout.fnmatch_lines(
        ["*its fixture 'bench' needs 'own_world' (a world of its own for each test*"]
    )
    result.stdout.fnmatch_lines(["*1 passed, 2 skipped in*"])
