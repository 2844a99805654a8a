"""What tests of this room share.

Fixtures that work on any bench are in plugin/fixtures.py and plugin/console.py.

A test lets time pass with `bench.run_for(seconds)` or `console.wait(seconds)`: virtual time, so an
hour costs nothing and an absence can be proven. Tests with real tools (test_bare_board.py) let the
wall clock drive the same world while a tool runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fieldbeat.hil_tests.bare_desk import BareDesk
from fieldbeat.hil_tests.district import District
from fieldbeat.hil_tests.plugin.hooks import fixtures_of_a_bench
from fieldbeat.hil_tests.plugin.keys import BENCH

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


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BareDesk]:
    """The `Desk` of the test's own module, see bare_desk.py."""
    desk = request.module.Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    """An issuer, loudspeakers that know him, and the desk that orders alerts."""
    with District(tmp_path) as made:
        yield made
