"""Every area of `make bench` can still be run: each is loaded, and its cheapest rows are made."""

from __future__ import annotations

import importlib
import math
import pkgutil
import sys
from collections.abc import Callable

import pytest
from fieldbeat.hil_tests import benchmarks
from fieldbeat.hil_tests.benchmarks import (
    Figure,
    bench,
    cli,
    greenhouse,
    greenhouse_trace,
    river,
    speaker_floods,
    speaker_rules,
    station,
    tools_shell,
    wire,
)
from fieldbeat.hil_tests.scenes.judge import Score
from fieldbeat.hil_tests.virtual.site import QUARTER_HOURLY, Site, config

# Programs for MicroPython: another one starts them.
DEVICE = {"speaker_device", "wire_device"}
HELPERS = {"wire_host", "wire_peers", "tools_desk", "tools_peers"}  # of an area
MODULES = {module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - DEVICE


@pytest.mark.parametrize("name", sorted(MODULES - {"__main__"}))
def test_each_can_be_loaded_and_has_rows(name):
    module = importlib.import_module(f"{benchmarks.__name__}.{name}")
    rows = {"run", "figures", "trace_figures"} & set(vars(module))
    assert rows or name in HELPERS


def number(name: str, value: float) -> list[Figure]:
    return [Figure(name, value, "")]


def heap_of_a_station() -> list[Figure]:
    with Site() as site:
        board = site.add_station(config(more=QUARTER_HOURLY))
        site.run_for(60)
        return number("heap", station.free_heap(site, board))


def heap_of_the_shell() -> list[Figure]:
    figures = tools_shell.heap()
    takes = [figure.value for figure in figures[:-1]]
    assert len(takes) == len(tools_shell.VERBS) and min(takes) > figures[-1].value > 0
    return figures  # each with its limit


CHEAP: dict[str, Callable[[], list[Figure]]] = {
    "wire": lambda: [*wire.security(), *wire.cbor()],
    "greenhouse": lambda: greenhouse.decision(greenhouse.example()),
    "greenhouse_trace": greenhouse_trace.sign_a_day,
    "thermostat": lambda: number("rules", len(greenhouse.thermostat().rules)),
    "cli": lambda: number("s", cli.processor_seconds([sys.executable, "-c", "pass"])),
    "bench": lambda: number("ms", bench.loop_ms()),
    "station": heap_of_a_station,
    "tools_shell": heap_of_the_shell,
    "speaker_floods": lambda: speaker_floods.esp32("replayed", 900.0, 0.5),
    "speaker_rules": lambda: number("lost", speaker_rules.one_of_twenty(3)),
    "river": lambda: list(river._errors("day", Score([0.5, 1.0], [0.1, 0.2], 2, 0.1), None)),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if name == "greenhouse_trace" else ())
        for name in CHEAP
    ],
)
def test_the_cheapest_rows_are_numbers_within_their_limits(name):
    """Limits of time are for `make bench` alone."""
    for figure in CHEAP[name]():
        assert figure.name and math.isfinite(figure.value), figure
        assert figure.limit is None or figure.unit in ("ms", "s", "times") or figure.ok, figure
