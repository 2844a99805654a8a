"""Fixtures of the tests that need a board: `bench`, `board`, `console` (pytest-embedded's `dut`).

A test lets time pass with `bench.run_for(seconds)`: virtual time, so an hour costs nothing and an
absence can be proven. Tests with real tools (test_bare_board.py) let the wall clock drive the same
world while a tool runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.site import Site
from pytest_embedded import Dut


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Site]:
    """A bench with a collector and no board yet, in virtual time."""
    with Site(seed=1, workdir=tmp_path) as bench:
        yield bench


@pytest.fixture
def board(bench: Site) -> VirtualBoard:
    """A provisioned station that has just been switched on."""
    return bench.add_station()


class ConsoleDut(Dut):
    """pytest-embedded's device under test, over the console of a virtual board."""

    def write(self, s: str | bytes) -> None:
        self.board.console_write(s.encode() if isinstance(s, str) else s)

    def run(self, verb: str) -> None:
        """Types a verb and lets a virtual second pass."""
        self.write(verb + "\r")
        self.bench.run_for(1)


@pytest.fixture
def dut(
    pexpect_proc, msg_queue, app, _pexpect_logfile, test_case_name, _meta, bench, board
) -> Iterator[Dut]:
    """Takes the place of pytest-embedded's own: what the board prints goes to `expect()`."""
    board.on_output(msg_queue.put)
    dut = ConsoleDut(
        pexpect_proc, msg_queue, app, _pexpect_logfile, test_case_name, _meta,
        board=board, bench=bench,
    )  # fmt: skip
    yield dut
    dut.close()


@pytest.fixture
def console(dut: ConsoleDut, bench: Site) -> ConsoleDut:
    """The text shell of the board, past its prompt."""
    bench.run_for(2)
    dut.expect_exact("fieldbeat> ", timeout=10)
    return dut


@pytest.fixture
def modem(board: VirtualBoard):
    """The model of the station's modem, with its faults."""
    return board.fitted.modem
