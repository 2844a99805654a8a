"""Fixtures of every test that needs a bench, in three scopes: flash once, boot once, reset.

    def test_it_answers(console, measure):      # runs on any bench, virtual or real
        console.run("status")
        console.expect_exact("unit", timeout=10)

With `--bench virtual` each test has a world of its own: `bench` (a Site), `board` (a station that
was just switched on), its `modem`, the `network`, the `faults`. With a bench file the boards are
shared: `flashed` fills the flash once a session, `booted` boots once a module, `board` resets for
each test. Override `image` or `prompt` in a conftest.py to test another program.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fieldbeat.host_tools import firmware_cache
from fieldbeat.host_tools import image as images
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError
from fieldbeat.host_tools.flasher import LOCALLY_ADMINISTERED
from fieldbeat.host_tools.node_config import NodeConfig

from ..benches.bench_file import Manual
from ..benches.blocked import Blocked
from ..instruments.stimulus import Stimulus
from ..virtual.fault_panel import FaultPanel
from ..virtual.network import Network
from ..virtual.site import UNIT, Site, config
from . import collector_answers
from .care import NO_TRIES, Care
from .keys import BENCH, CARES, MEASURED, PANEL
from .measure import Measured

if TYPE_CHECKING:
    from ..benches.rig import Rig, RigBoard


# One bench for the session


@pytest.fixture(scope="session")
def rig(pytestconfig: pytest.Config) -> Rig:
    """The bench that `--bench` names, opened once."""
    return pytestconfig.stash[BENCH].open()


@pytest.fixture(scope="session")
def board_name(rig: Rig) -> str:
    """Which board of the bench is tested: the first of its file."""
    return next(iter(rig.boards))


@pytest.fixture(scope="session")
def prompt() -> bytes:
    """What the program says when it takes commands."""
    return b"fieldbeat> "


@pytest.fixture(scope="session")
def known_state() -> str:
    """A line of Python, typed at the REPL before the reset of each test."""
    return NO_TRIES


@pytest.fixture(scope="session")
def node(rig: Rig, board_name: str) -> NodeConfig:
    """What the unit on this board is: the bench file's `unit`, or one that talks to nobody."""
    try:
        provisioned = rig.file.unit(board_name)
    except FieldbeatError as error:
        raise Blocked(error.message, error.next_step) from error
    return provisioned or config(board_name, rig.boards[board_name].manifest)


@pytest.fixture(scope="session")
def image(rig: Rig, board_name: str, node: NodeConfig) -> bytes:
    """The flash image under test, built from this source tree over the official build."""
    mac = rig.boards[board_name].table.mac
    stand_in = mac is not None and int(mac[:2], 16) & LOCALLY_ADMINISTERED
    if rig.boards[board_name].virtual is not None or stand_in:
        return images.build(node)
    try:
        return images.build(node, firmware_cache.read(node.board), "the cached build")
    except CannotTry as error:
        raise Blocked(error.message, error.next_step) from error


@pytest.fixture(scope="session")
def care(
    pytestconfig: pytest.Config, rig: Rig, board_name: str, prompt: bytes, known_state: str
) -> Care:
    """Counts what is done to the board, and climbs the ladder when it does not answer."""
    cares = pytestconfig.stash.setdefault(CARES, {})
    if board_name not in cares:
        power = rig.file.power(board_name)
        switched = power is not None and not isinstance(power, Manual)
        cares[board_name] = Care(rig.boards[board_name], switched, prompt, known_state)
    return cares[board_name]


@pytest.fixture(scope="session")
def flashed(request: pytest.FixtureRequest, rig: Rig, care: Care, node: NodeConfig) -> RigBoard:
    """The board, its image built and flashed once a session; a real one keeps its NVS and keys.

    Raises:
        Blocked: a real one is another one, or a unit that the bench file does not know.
    """
    board = care.board
    if board.virtual is None:
        board.check_flashable(node.tables.node.name if board.table.unit else "")
    care.flash(request.getfixturevalue("image"))  # who it is comes before what it lacks
    if rig.site is not None and board.virtual is not None:  # provisioned, and heard
        rig.site.give_key(board.virtual, node)
        uplink = node.tables.uplink
        rig.site.attach_collector(rig.site.collector, uplink.host, uplink.port)
    return board


@pytest.fixture(scope="module")
def booted(care: Care, flashed: RigBoard) -> RigBoard:
    """The flashed board, booted once a module; it is the one that the bench file names."""
    care.boot()
    return flashed


# A world a test, or a board that was reset


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Site]:
    """A bench with a collector and no board yet, in virtual time."""
    bench = Site(seed=1, workdir=tmp_path)
    with bench:
        yield bench


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Any:
    """A provisioned station that has just been switched on, or the board of the bench, reset."""
    if request.config.stash[BENCH].own_world:
        return request.getfixturevalue("bench").add_station()
    booted = request.getfixturevalue("booted")
    request.getfixturevalue("care").reset()
    return booted


@pytest.fixture
def unit_name(request: pytest.FixtureRequest) -> str:
    """What the unit calls itself on its console, and the collector it."""
    if request.config.stash[BENCH].own_world:
        return UNIT
    return request.getfixturevalue("node").tables.node.name


@pytest.fixture
def power(request: pytest.FixtureRequest, board: Any) -> Any:
    """The switch of the board's supply: on, off, cycle."""
    if request.config.stash[BENCH].own_world:
        from ..instruments.virtual_power import VirtualPower

        return VirtualPower(board)
    return board.power


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Network:
    """The virtual network behind the modems: outage, loss, delay, what was sent."""
    return _site(request).network


@pytest.fixture
def modem(request: pytest.FixtureRequest, board: Any) -> Any:
    """The model of the station's modem, with its faults."""
    virtual = board if request.config.stash[BENCH].own_world else board.virtual
    return virtual.fitted.modem


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Iterator[FaultPanel]:
    """All fault switches of the bench; one that is asked for and never fires fails the test."""
    own = request.config.stash[BENCH].own_world
    panel = FaultPanel(_site(request), "" if own else request.getfixturevalue("board_name"))
    request.node.stash[PANEL] = panel
    yield panel
    panel.clear()


@pytest.fixture
def stimulus(request: pytest.FixtureRequest, board: Any) -> Iterator[Stimulus]:
    """What plays the surroundings of the board; a fault of its that never fires fails the test."""
    if request.config.stash[BENCH].own_world:
        from ..instruments.virtual_stimulus import VirtualStimulus

        stimulus: Stimulus = VirtualStimulus(board, request.getfixturevalue("bench"))
    else:
        stimulus = board.stimulus
    request.node.stash[PANEL] = stimulus.faults
    yield stimulus
    stimulus.clear()


@pytest.fixture
def collector(request: pytest.FixtureRequest, console: Any, unit_name: str) -> None:
    """The collector of the unit has just acknowledged all that it had to report."""
    collector_answers.wait(request.config.stash[BENCH], console, unit_name)


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Measured:
    """Records a value: measure("boot time", 1.8, "s", limits=(0, 3))."""
    return request.node.stash.setdefault(MEASURED, Measured())


def _site(request: pytest.FixtureRequest) -> Site:
    chosen = request.config.stash[BENCH]
    site = request.getfixturevalue("bench") if chosen.own_world else chosen.open().site
    assert site is not None  # the plugin skips what needs one
    return site
