"""Fixtures of the tests that need a board: `site`, `station`, `console` (pytest-embedded's `dut`).

A test lets time pass with `site.run_for(seconds)`: virtual time, so an hour costs nothing and an
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
def site(tmp_path: Path) -> Iterator[Site]:
    """A site with nothing on it yet, in virtual time."""
    with Site(seed=1, workdir=tmp_path) as site:
        yield site


@pytest.fixture
def station(site: Site) -> VirtualBoard:
    """A provisioned station that has just been switched on."""
    return site.add_station()


class ConsoleDut(Dut):
    """pytest-embedded's device under test, over the console of a virtual board."""

    def write(self, s: str | bytes) -> None:
        self.station.console_write(s.encode() if isinstance(s, str) else s)

    def run(self, verb: str) -> None:
        """Types a verb and lets a virtual second pass."""
        self.write(verb + "\r")
        self.site.run_for(1)


@pytest.fixture
def dut(
    pexpect_proc, msg_queue, app, _pexpect_logfile, test_case_name, _meta, site, station
) -> Iterator[Dut]:
    """Takes the place of pytest-embedded's own: what the board prints goes to `expect()`."""
    station.on_output(msg_queue.put)
    dut = ConsoleDut(
        pexpect_proc, msg_queue, app, _pexpect_logfile, test_case_name, _meta,
        station=station, site=site,
    )  # fmt: skip
    yield dut
    dut.close()


@pytest.fixture
def console(dut: ConsoleDut, site: Site) -> ConsoleDut:
    """The text shell of the station, past its prompt."""
    site.run_for(2)
    dut.expect_exact("fieldbeat> ", timeout=10)
    return dut


@pytest.fixture
def modem(station: VirtualBoard):
    """The model of the station's modem, with its faults."""
    return station.fitted.modem
