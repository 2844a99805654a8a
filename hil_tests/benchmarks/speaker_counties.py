"""How soon all receipts are there: 100 to 10,000 loudspeakers, with and without loss."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure
from fieldbeat.hil_tests.county import County
from fieldbeat.hil_tests.county_virtual import VirtualCounty
from fieldbeat.protocols import receipt

FOLDER = Path("build")  # on a disk, where a collector's files would be
POLES = 10
LIMITS_S = {(1000, 0.0): 3, (1000, 0.1): 10, (10_000, 0.0): 20, (10_000, 0.1): 20}


def figures() -> list[Figure]:
    FOLDER.mkdir(exist_ok=True)
    return [*virtual(), *real()]


def virtual() -> list[Figure]:
    """No socket and no other program: the network's delays, and the collector's own time."""
    found = []
    for units in (100, 1000, 10_000):
        for loss in (0.0, 0.1):
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                county = VirtualCounty(Path(folder), units, loss)
                took_s = county.alarm()
            lost = county.counts["down_lost"] + county.counts["up_lost"]
            assert bool(lost) == bool(loss)
            name = f"{units:,} receipts at {100 * loss:.0f} % loss, virtual time"
            used = f"of it the collector's processor {county.used_s:.2f} s; {lost} lost"
            found.append(Figure(name, took_s, "s", LIMITS_S.get((units, loss)), used))
    return found


def real() -> list[Figure]:
    """`fieldbeat collect`, its UDP socket and its SQLite files, by the wall clock."""
    found = []
    for crowd, poles in ((1000 - POLES, POLES), (10_000, 0)):
        for loss in (0.0, 0.1):
            with (
                tempfile.TemporaryDirectory(dir=FOLDER) as folder,
                County(Path(folder), crowd, poles, loss) as county,
            ):
                told = county.alarm()
            lost = told.lost["down_lost"] + told.lost["up_lost"]
            at_poles = told.lost["poles_down_lost"] + told.lost["poles_up_lost"]
            assert bool(lost) == bool(loss) and told.lost["obeyed"] == crowd
            name = f"{crowd + poles:,} receipts at {100 * loss:.0f} % loss, real sockets"
            used = f"{told.collector_s:.2f} s of its processor; {lost} + {at_poles} lost"
            limit = LIMITS_S[crowd + poles, loss]
            found.append(Figure(name, told.all_s, "s", limit, used))
            if poles:
                whole = f"of these {poles} whole boards, {100 * loss:.0f} % loss"
                done = sum(each.stage == receipt.DONE for each in told.deliveries)
                sounded = f"{done} of them sounded to the end, with current in the line"
                found.append(Figure(whole, told.poles_s, "s", limit, sounded))
    return found
