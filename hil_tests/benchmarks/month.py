"""Thirty days of a whole climate station, each night without a link, watched from outside.

An area of its own, since it takes half an hour: `make bench AREA=month`.
"""

from __future__ import annotations

from fieldbeat.hil_tests import greenhouse_month
from fieldbeat.hil_tests.benchmarks import Figure

DAYS = 30


def run() -> list[Figure]:
    month = greenhouse_month.run(DAYS)  # raises where a limit was broken or a record is lost
    runs = ", ".join(f"{name} {count}" for name, count in sorted(month.runs.items()))
    upon = f"{len(month.storms)} storms, {len(month.hands)} times by hand, nights without a link"
    return [
        Figure("month: limits broken", 0, "", 0, f"runs: {runs}"),
        Figure("month: records lost", 0, "", 0, f"of {month.records}; {upon}"),
        Figure("month: datagrams that nobody got", month.away, "", None, ""),
    ]
