"""Where a motor between two ends stands, by what its unit told and how long its travel takes.

The unit tells where a motor is to go, and reckons the same way itself (protocols/travel.py): a
position between the ends is a guess, and after a start or a block none is known.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from .language import tr

OPEN = 100.0
_BEYOND = 1.1  # it runs on by a tenth, to be sure of an end


@dataclass(frozen=True)
class Leg:
    """From `begin_s` (Unix seconds) on it was to be at `target` per cent.

    `target` None: it was stopped where it was, or nobody knows where it was to be. `anew`: its
    unit began, and knew no position. `late`: it began before `begin_s`, nobody knows when.
    """

    begin_s: float
    target: int | None
    anew: bool = False
    late: bool = False


def reckoned(legs: Iterable[Leg], travel_s: float, at_s: float) -> float | None:
    """Return the position in per cent at a time, None where nobody knows it.

    Args:
        travel_s: from end to end.
    """
    known = [leg for leg in legs if leg.begin_s <= at_s]
    position: float | None = None
    for leg, after in pairwise([*known, Leg(at_s, 0)]):
        before, for_s = None if leg.anew else position, after.begin_s - leg.begin_s
        position = None
        if leg.target is None:
            continue
        if not leg.late:
            position = _moved(before, leg.target, travel_s, for_s)
        elif for_s >= (1 + _BEYOND) * travel_s:  # from wherever, over an end, it is there
            position = float(leg.target)
    return position


def in_words(position: float | None) -> str:
    """Return where it stands: 'stands closed', 'stands at about 40 %'."""
    if position is None:
        return tr("where it stands is not known")
    if position in (0, OPEN):
        return tr("stands open") if position else tr("stands closed")
    return tr("stands at about {percent} %").format(percent=round(position))


def _moved(position: float | None, target: int, travel_s: float, for_s: float) -> float | None:
    if position is None:  # first to the end that is nearer to where it is to be
        for_s -= _BEYOND * travel_s
        if for_s < 0:
            return None
        position = OPEN if 2 * target >= OPEN else 0.0
    moved, way = OPEN * for_s / travel_s, target - position
    if moved >= abs(way):
        return float(target)
    return position + (moved if way > 0 else -moved)
