"""Speed and memory, one module an area: `make bench`, or `make bench AREA=cli`.

An area is a module of this package with `run() -> list[Figure]`. Every figure is a ratio against
a peer measured in the same run, or a count, wherever it can be one: machines are noisy, ratios
are not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number; `limit`: the most it may be; `peer`: what it was measured against."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    peer: str = ""

    @property
    def ok(self) -> bool:
        return self.limit is None or self.value <= self.limit


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(rounds: int, *works: Callable[[], float]) -> list[float]:
    """The median of each work, measured in turns so that a slow minute hits all of them."""
    figures = [[work() for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*figures, strict=True)]
