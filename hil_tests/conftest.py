"""What tests of this room share, the console of a board as pytest-embedded's `dut` above all.

Fixtures that work on any bench are in plugin/fixtures.py.

A test lets time pass with `bench.run_for(seconds)` or `console.wait(seconds)`: virtual time, so an
hour costs nothing and an absence can be proven. Tests with real tools (test_bare_board.py) let the
wall clock drive the same world while a tool runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fieldbeat.hil_tests.bare_desk import BareDesk
from fieldbeat.hil_tests.district import District
from fieldbeat.hil_tests.plugin.hooks import fixtures_of_a_bench
from fieldbeat.hil_tests.plugin.keys import BENCH
from pytest_embedded import Dut

ROOM = Path(__file__).parent
collect_ignore = ["platformio"]  # PlatformIO's test runner, which has the name of a test


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a bench file our tests of that bench; `make test` has all others, which need no board.

    Where nothing else was asked for, they run.
    """
    if config.stash[BENCH].own_world:
        return

    def left_out(item: pytest.Item) -> bool:
        return item.path.is_relative_to(ROOM) and not fixtures_of_a_bench(item)

    out = [item for item in items if left_out(item)]
    if len(out) < len(items):
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)


class ConsoleDut(Dut):
    """pytest-embedded's device under test, over the console of any board."""

    def write(self, s: str | bytes) -> None:
        self.send_bytes(s.encode() if isinstance(s, str) else s)

    def run(self, verb: str) -> None:
        """Types a verb and lets a second pass."""
        self.write(verb + "\r")
        self.wait(1)

    def ask(self, verb: str, answer: bytes, timeout_s: float) -> str:
        """Types a verb and lets time pass until the pattern has been said; empty if it was not."""
        at = len(self.said)
        self.write(verb + "\r")
        found: list[bytes] = []

        def answered() -> bool:
            found[:] = re.findall(answer, bytes(self.said[at:]))
            return bool(found)

        self.bench.run_until(answered, timeout_s)
        return found[0].decode() if found else ""


@pytest.fixture
def dut(
    request, pexpect_proc, msg_queue, _pexpect_logfile, test_case_name, _meta, board
) -> Iterator[Dut]:
    """Takes the place of pytest-embedded's own: what the board prints goes to `expect()`."""
    chosen = request.config.stash[BENCH]
    said = bytearray()
    more: dict[str, Any] = {"board": board, "said": said}
    open_ = True

    def heard(data: bytes) -> None:
        if open_:  # a shared board goes on talking to the next test
            said.extend(data)
            msg_queue.put(data)

    if chosen.own_world:
        bench = request.getfixturevalue("bench")
        board.on_output(heard)
        more |= {"bench": bench, "send_bytes": board.console_write, "wait": bench.run_for}
    else:
        rig = chosen.open()
        board.console.on_output(heard)
        more |= {"bench": rig, "send_bytes": board.console.write, "wait": rig.run_for}
    dut = ConsoleDut(
        pexpect_proc, msg_queue, None, _pexpect_logfile, test_case_name, _meta, **more
    )
    yield dut
    open_ = False
    dut.close()


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BareDesk]:
    """The `Desk` of the test's own module, see bare_desk.py."""
    desk = request.module.Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def console(dut: ConsoleDut, request: pytest.FixtureRequest) -> ConsoleDut:
    """The text shell of the board, past its prompt."""
    if not request.config.stash[BENCH].own_world:
        dut.write("\r")  # the prompt of the reset has gone by
    dut.wait(2)
    dut.expect_exact("fieldbeat> ", timeout=10)
    return dut


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    """An issuer, loudspeakers that know him, and the desk that orders alerts."""
    with District(tmp_path) as made:
        yield made
