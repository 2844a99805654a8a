"""Fixtures of the tests that need a board: `site`, `station`, `console` (pytest-embedded's `dut`).

A test lets time pass with `site.run_for(seconds)`: virtual time, so an hour costs nothing and an
absence can be proven. Tests with real tools (esptool, smpmgr, mpremote) use `desk`, whose world runs
by the wall clock in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.site import Site, config
from fieldbeat.host_tools import image
from pytest_embedded import Dut


@pytest.fixture(scope="session")
def blank_image() -> bytes:
    """The flash image of an unprovisioned greenhouse station."""
    return image.build(config())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site with nothing on it yet, in virtual time."""
    with Site(seed=1, workdir=tmp_path) as site:
        yield site


@pytest.fixture
def station(site: Site) -> VirtualBoard:
    """A provisioned station that has just been switched on."""
    return site.add_station()


@pytest.fixture
def desk(tmp_path: Path, blank_image: bytes) -> Iterator[VirtualBoard]:
    """A blank-keyed station whose serial port real tools can open: its world runs in real time."""
    with Site(seed=1, workdir=tmp_path) as site:
        board = site.add_board("greenhouse_esp32", "desk", image=blank_image)
        site.start_real()
        yield board


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


@pytest.fixture
def outcomes_of(site: Site) -> Callable[[str], list]:
    """Tells what the collector did with each datagram of a unit."""
    return lambda unit: [outcome for outcome in site.outcomes if outcome.unit == unit]
