"""What the actuators of a unit did, by what it told: for the same picture as a simulation's."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from fieldbeat.protocols import control_rules

from . import control_simulation, decision_log
from .control_data import Data
from .control_plan import Plan
from .control_simulation import Simulation
from .decision_log import Step, Told


def read(
    plan: Plan,
    data: Data,
    told: Sequence[Told],
    from_s: float | None = None,
    to_s: float | None = None,
) -> Simulation:
    """Return derived values and days as they are simulated, and actuators as they were.

    Args:
        data, told: what is stored of the unit. While nobody knows what an actuator did (records
            are missing; the unit began anew and its clock was not set) its value is None.
    """
    made = control_simulation.run(plan, data, from_s, to_s)
    for run in made.runs:
        steps = decision_log.steps(told, run.name)
        known = [(each.begin_s, each.decision.value if each.decision else None) for each in steps]
        before = [value for at_s, value in known if at_s <= made.begin_s]
        run.values = [(made.begin_s, before[-1])] if before else []
        run.values += [
            (int(at_s), value) for at_s, value in known if made.begin_s < at_s <= made.end_s
        ]
        run.blind = _spans(made, steps)
    return made


def _spans(made: Simulation, known: Sequence[Step]) -> list[tuple[float, float]]:
    """When nobody knows what an actuator did, or a rule decided that did not see."""
    ends = [*(each.begin_s for each in known), inf]
    found = [
        (max(begin_s, made.begin_s), min(end_s, made.end_s))
        for each, (begin_s, end_s) in zip(known, pairwise(ends), strict=True)
        if each.decision is None or each.decision.cause == control_rules.BLIND
    ]
    return [(begin_s, end_s) for begin_s, end_s in found if begin_s < end_s]
