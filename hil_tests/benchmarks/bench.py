"""The bench itself: how long virtual weeks take, beside what the machine does at that moment."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fieldbeat.hil_tests import soak
from fieldbeat.hil_tests.benchmarks import Figure, seconds
from fieldbeat.hil_tests.virtual.site import Site

HOUR_S = 3600
WEEK_S = 7 * 24 * HOUR_S
SOAK_DAYS = 30
# A million additions: 42 ms on the machine that the limits were set on while nothing else ran.
LOOP = """
import time
def loop():
    s = 0
    for i in range(1000000):
        s += i
start = time.ticks_us()
loop()
print(time.ticks_diff(time.ticks_us(), start))
"""


def loop_ms() -> float:
    """What MicroPython needs for a million additions now: other programs make it longer."""
    command = [str(Path(sys.executable).parent / "micropython"), "-c", LOOP]
    return int(subprocess.run(command, capture_output=True, check=True).stdout) / 1000


def beside_the_loop(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of `work`, and the loop's median from before and after it."""
    before = [loop_ms() for _ in range(3)]
    took = seconds(work)
    return took, statistics.median([*before, *(loop_ms() for _ in range(3))])


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, Site(seed=1, workdir=Path(folder)) as site:
        site.add_station()
        site.run_for(HOUR_S)
        events = site.world.events_run
        requests = site.boards["gh-01"].processor.requests
        week_s, week_loop = beside_the_loop(lambda: site.run_for(WEEK_S))
        events = site.world.events_run - events
        requests = site.boards["gh-01"].processor.requests - requests
        missing = site.views.unit("gh-01", site.now_s).missing
    found: list[soak.Results] = []
    soak_s, soak_loop = beside_the_loop(
        lambda: found.append(soak.run(soak.Options(days=SOAK_DAYS))[0])
    )
    results = found[0]
    faults = Counter(results.faults)
    return [
        Figure("a week of one station, virtual time", week_s, "s", 10, f"loop {week_loop:.0f} ms"),
        Figure("records missing after the week", missing, "", 0, "record numbers"),
        Figure("events a virtual day", events / 7, "", None, "the bench's own"),
        Figure("requests of the board a virtual day", requests / 7, "", 18_000, "over the link"),
        Figure(f"{SOAK_DAYS} days of soak", soak_s, "s", 120, f"loop {soak_loop:.0f} ms"),
        Figure("promises broken in the soak", len(results.broken), "", 0, "the ledger"),
        Figure("faults that never took effect", len(results.invalid), "", 0, f"{faults.total()}"),
        Figure("kinds of faults in the soak", len(faults), "", None, "faults/kinds.py"),
    ]
