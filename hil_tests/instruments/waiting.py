"""How time passes beside a virtual board: virtual as a rule, real while the wall clock drives."""

from __future__ import annotations

from collections.abc import Callable

from ..virtual.world import World


def run_until(world: World, condition: Callable[[], object], timeout_s: float) -> bool:
    """Lets time pass until `condition()` holds; False when `timeout_s` passed."""
    if world.is_real:
        return world.run_real(timeout_s, condition)
    return world.run_until(condition, timeout_s)


def run_for(world: World, seconds: float) -> None:
    """Lets `seconds` pass."""
    run_until(world, lambda: False, seconds)
