"""Waits until the collector of a unit has answered it; one that was promised and is silent blocks.

The unit is told to report now (`uplink` on its console), since its own next turn may be an hour
away. A silent collector is found out once a session, for that takes a minute.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from ..benches.bench_file import COLLECTOR
from ..benches.blocked import Blocked

if TYPE_CHECKING:
    from .chosen_bench import ChosenBench

TRIES = 3  # what was under way when the test began may spoil the first
WAKE_S = 300  # the longest: finding a cell, and two waits for an answer
ANSWER = (
    rb"\w+: \d+ records waited|nothing was waiting|there is no uplink|uplink failed: .*|locked; .*"
)
LOCKED = "locked"
OF_THE_NETWORK = ("reg_searching", "reg_denied")
FAR = "see its antenna, its SIM and the operator's coverage; type modem on its console"


def wait(bench: ChosenBench, console: Any, unit: str) -> None:
    """Returns when all that the unit has to say is acknowledged.

    Raises:
        Blocked: nobody answers it although the bench file says so, or there is no network.
        pytest.fail.Exception: it does not get so far as to ask.
    """
    if bench.unanswered is not None:
        raise bench.unanswered
    answer = ""
    for _ in range(TRIES):
        if answer.startswith(LOCKED):
            _unlock(console, unit)
        answer = console.ask("uplink", ANSWER, WAKE_S).strip()
        outcome = answer.partition(":")[0]
        if outcome == "uplink failed":  # a second try may help; nobody shall overlook the first
            warnings.warn(f"{unit}: {answer}", stacklevel=2)
        if outcome in ("acked", "nothing was waiting"):
            return
        if outcome in ("no_ack", *OF_THE_NETWORK) and _promised(bench):
            bench.unanswered = _nobody(bench, unit, outcome)
            raise bench.unanswered
    pytest.fail(f"{unit} reports {answer or 'nothing'} and no collector hears it", pytrace=False)


def _unlock(console: Any, unit: str) -> None:
    """Type the code of a unit, as the registry of this computer has it."""
    from fieldbeat.host_tools import unit_code
    from fieldbeat.host_tools.registry import Registry

    try:
        registry = Registry(create=False)
    except FileNotFoundError:
        return
    code = unit_code.of_unit(registry, unit)
    registry.close()
    if code:
        console.ask(f"unlock {code}", rb"unlocked|wrong code|too many wrong codes", 10)


def _promised(bench: ChosenBench) -> bool:
    """Whether the bench file says that somebody answers; else the bench does, and must."""
    return not bench.own_world and COLLECTOR in bench.open().file.tables.features


def _nobody(bench: ChosenBench, unit: str, outcome: str) -> Blocked:
    if outcome != "no_ack":
        return Blocked(f"{unit} finds no network ({outcome})", FAR)
    name = next(iter(bench.open().boards))
    node = bench.open().file.unit(name)
    where = f"{node.tables.uplink.host}:{node.tables.uplink.port}" if node else "its server"
    return Blocked(
        f"{unit} sends its reports to {where}, and no collector answers",
        f"see that 'fieldbeat collect' runs there, reachable from the modem's network, with the "
        f"registry that 'fieldbeat provision' wrote to; or take 'collector' out of features in "
        f"{bench.choice}",
    )
