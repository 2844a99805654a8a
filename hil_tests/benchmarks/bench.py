"""The bench itself: how long virtual weeks take, beside what the machine does at that moment."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fieldbeat.hil_tests import soak
from fieldbeat.hil_tests.benchmarks import Figure, seconds
from fieldbeat.hil_tests.virtual.board import VirtualBoard
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


def processor_s(board: VirtualBoard) -> float:
    """Seconds of processor time that this process and a board's interpreter have used."""
    assert board.processor.interpreter is not None
    stat = Path(f"/proc/{board.processor.interpreter.process.pid}/stat").read_text()
    ticks = sum(int(number) for number in stat.rpartition(")")[2].split()[11:13])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def run() -> list[Figure]:
    with Site(seed=1) as site:
        station = site.add_station()
        site.run_for(HOUR_S)
        events, requests = site.world.events_run, station.processor.requests
        used_s = processor_s(station)
        week_s, week_loop = beside_the_loop(lambda: site.run_for(WEEK_S))
        used_s = processor_s(station) - used_s
        events = site.world.events_run - events
        requests = station.processor.requests - requests
        missing = site.views.unit("gh-01", site.now_s).missing
    found: list[soak.Results] = []
    soak_s, soak_loop = beside_the_loop(
        lambda: found.append(soak.run(soak.Options(days=SOAK_DAYS))[0])
    )
    results = found[0]
    faults = Counter(results.faults)
    return [
        Figure("a week of one station, virtual time", week_s, "s", 10, f"loop {week_loop:.0f} ms"),
        Figure("the same in processor time", used_s, "s", None, "both take turns on one"),
        Figure("records missing after the week", missing, "", 0, "record numbers"),
        Figure("events a virtual day", events / 7, "", None, "the bench's own"),
        Figure("requests of the board a virtual day", requests / 7, "", 18_000, "over the link"),
        Figure(f"{SOAK_DAYS} days of soak", soak_s, "s", 120, f"loop {soak_loop:.0f} ms"),
        Figure("promises broken in the soak", len(results.broken), "", 0, "the ledger"),
        Figure("faults that never took effect", len(results.invalid), "", 0, f"{faults.total()}"),
        Figure("kinds of faults in the soak", len(faults), "", None, "faults/kinds.py"),
    ]
