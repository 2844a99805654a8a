"""Measured values as results of their own: a number, a unit, and what is allowed.

measure("boot time", 1.8, "s", limits=(0, 3))     # outside: the test fails when it ends
measure("energy", 0.4, "J", limits=(None, 0.5))   # at most
"""

from __future__ import annotations

from ..results import Measurement
from ..results.results import Limits


class Measured:
    """The measurements of one test; every one is taken before the test is judged."""

    def __init__(self) -> None:
        self.rows: list[Measurement] = []

    def __call__(
        self, name: str, value: float, unit: str, limits: Limits | None = None
    ) -> Measurement:
        """Records a value; `limits` are the lowest and highest allowed, None where none is."""
        low, high = limits or (None, None)
        row = Measurement(name, float(value), unit, low, high)
        self.rows.append(row)
        return row

    def complaints(self) -> list[str]:
        """One line for each value outside its limits."""
        return [
            f"OUTSIDE LIMITS: {row.name} is {row}, allowed is {row.allowed()}"
            for row in self.rows
            if not row.ok
        ]
