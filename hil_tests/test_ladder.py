"""The recovery ladder: a board that hangs in a way that only one rung mends."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.benches.blocked import Blocked
from fieldbeat.hil_tests.instruments.virtual_console import VirtualConsole
from fieldbeat.hil_tests.instruments.virtual_lines import VirtualLines
from fieldbeat.hil_tests.instruments.virtual_power import VirtualPower
from fieldbeat.hil_tests.plugin.ladder import Ladder
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual.bench import Bench

BARE = MANIFEST | {"buses": {}}
# A shell with four ways to hang. What survives what: a loop nothing, a loop that is deaf to Ctrl-C
# a soft reset, a note in RTC memory the reset line, a file the power cycle.
SHELL = """
import machine, micropython, os, sys, time

def hang():
    while True:
        time.sleep(1)

def deaf():
    micropython.kbd_intr(-1)
    hang()

if "dead" in os.listdir("/") or machine.RTC().memory() == b"stuck":
    deaf()
while True:
    sys.stdout.write("ready> ")
    verb = ""
    while not verb.endswith("\\r"):
        verb += sys.stdin.read(1)
    if verb == "hang\\r":
        hang()
    elif verb == "deaf\\r":
        deaf()
    elif verb == "stuck\\r":
        machine.RTC().memory(b"stuck")
        deaf()
    elif verb == "dead\\r":
        open("/dead", "w").close()
        deaf()
    elif verb == "chatter\\r":
        while True:
            print("blah" * 20)
            time.sleep_ms(10)
"""


@pytest.fixture
def ladder(tmp_path):
    with Bench(seed=1, workdir=tmp_path) as bench:
        board = bench.add_board(BARE, name="b0", image=image({"main.py": SHELL}))
        console, lines = VirtualConsole(board), VirtualLines(board)
        ladder = Ladder("b0", console, lines, VirtualPower(board), prompt=b"ready> ")
        assert ladder.boots() and ladder.answers()
        yield ladder


def hang(ladder: Ladder, verb: bytes) -> None:
    ladder.console.write(verb + b"\r")
    assert not ladder.answers()


@pytest.mark.parametrize(
    "verb, rungs",
    [
        (b"hang", ["interrupt"]),
        (b"chatter", ["interrupt"]),
        (b"deaf", ["interrupt", "reset line"]),
        (b"stuck", ["interrupt", "reset line", "power cycle"]),
    ],
)
def test_the_rung_that_helps_is_the_last_one_climbed(ladder, caplog, verb, rungs):
    hang(ladder, verb)
    assert ladder.climb() == rungs[-1]
    assert list(ladder.counts) == rungs and set(ladder.counts.values()) == {1}
    assert [row["answered"] for row in ladder.climbed] == [False] * (len(rungs) - 1) + [True]
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == rungs
    assert ladder.answers()


def test_a_board_that_nothing_mends_is_broken_and_not_tried_again(ladder):
    hang(ladder, b"dead")
    with pytest.raises(Blocked, match="b0 does not answer"):
        ladder.climb()
    assert list(ladder.counts) == ["interrupt", "reset line", "power cycle", "broken"]
    resets = len(ladder.lines.board.resets)
    with pytest.raises(Blocked, match="b0 does not answer") as refusal:
        ladder.climb()
    assert refusal.value.next_step
    assert len(ladder.lines.board.resets) == resets and len(ladder.climbed) == 4


def test_a_bench_without_lines_or_switch_skips_these_rungs(ladder):
    ladder.power, ladder.lines = None, None
    hang(ladder, b"deaf")
    with pytest.raises(Blocked):
        ladder.climb()
    assert [row["answered"] for row in ladder.climbed] == [False] * 4
