"""A day of a station in virtual time: how long it takes, what it says, what heap it leaves."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure, seconds
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.site import Site
from fieldbeat.host_tools.views import Views

HOUR_S = 3600
DAY_S = 24 * HOUR_S


def free_heap(site: Site, station: VirtualBoard) -> int:
    """Bytes free after a collection, as the unit's own `status` tells."""
    start = len(station.output)
    station.console_write(b"status\r")
    site.run_for(5)
    line = next(x for x in station.output[start:].splitlines() if x.startswith(b"heap"))
    return int(line.split()[1])


def report_bytes(views: Views, site: Site) -> float:
    """Mean size of the datagrams that carried exactly one report."""
    sizes = [o.size for o in site.outcomes if o.records == ["12 samples"]]
    return sum(sizes) / len(sizes)


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder))


def measure(folder: Path) -> list[Figure]:
    digests = []
    for name in ("first", "second"):
        with Site(seed=1, workdir=folder / name) as site:
            station = site.add_station()
            site.run_for(HOUR_S - 300)
            free_heap(site, station)  # the names that asking needs stay for good
            site.run_for(360)
            after_hour = free_heap(site, station)
            day_s = seconds(lambda site=site: site.run_for(DAY_S))
            after_day = free_heap(site, station)
            digests.append(site.network.digest())
            datagram = report_bytes(site.views, site)
            missing = site.views.unit("gh-01", site.now_s).missing
            heap_kb = station.spec["heap_kb"]
            lost = 100 * (after_hour - after_day) / after_hour
    return [
        Figure("24 h of the station, virtual time", day_s, "s", 5, "wall clock"),
        Figure(
            "runs with one seed that differ on the air", len(set(digests)) - 1, "", 0, "2 runs"
        ),
        Figure("records missing after the day", missing, "", 0, "record numbers"),
        Figure("heap given to the interpreter", heap_kb, "kB", 192, "-X heapsize"),
        Figure("free heap lost from 1 h to 24 h", lost, "%", 5, f"{after_hour} bytes free at 1 h"),
        Figure("a report on the air, frame included", datagram, "bytes", None, "mean of the day"),
    ]
