"""A river station whose level is a flood wave, and what its collector hears of it.

The wave is synthetic: height * x * exp(1 - x) above the base, x being the time since its begin in
units of `RISE_S`, a gamma curve as unit hydrographs have it.
"""

from __future__ import annotations

import math

from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.site import UNIT, Site
from fieldbeat.host_tools import node_config
from fieldbeat.protocols import cbor, event

DATUM_MM = 4200
BASE_MM, HEIGHT_MM, RISE_S = 1000, 2000, 5400
MARK_MM = 2500
NODE = f"""
[node]
name = "{UNIT}"
site = "bench"
board = "river_cam_esp32s3"
profile = "river"
[uplink]
host = "collector.example.org"
port = 5690
apn = "iot.example"
[fitted.river]
datum_mm = {DATUM_MM}
[fitted.camera]
enabled = false
[[alarm]]
number = 1
channel = "level"
above = "2.50 m"
back = "0.10 m"
hold = "3 s"
"""
PACE = """
[pace]
interval_s = 60
look_s = 3
[[pace.when]]
channel = "level"
above = "2.00 m"
[[pace.when]]
channel = "level"
rises = "150 mm/h"
"""


class River:
    """A station above water whose level is `level_mm(seconds since the begin)`."""

    def __init__(self, site: Site, more: str = "") -> None:
        self.site = site
        self.begin_s = math.inf
        self.station: VirtualBoard = site.add_station(node_config.parse(NODE + PACE + more, "r"))
        self.sensor = self.station.fitted.parts["river"]
        self.sensor.hang(lambda: DATUM_MM - self.level_mm())

    def level_mm(self) -> float:
        x = max(0.0, (self.site.now_s - self.begin_s) / RISE_S)
        return BASE_MM + HEIGHT_MM * x * math.exp(1 - x)

    def told(self) -> list[tuple[int, bool, float]]:
        """Alarms as they are stored: number, whether it begins, when it was received."""
        rows = self.site.store.database.all(
            "SELECT events.body, received_s FROM events JOIN records ON records.id = events.record"
            " JOIN frames ON frames.id = records.frame WHERE type = ? ORDER BY rn",
            event.ALARM,
        )
        bodies = [(cbor.decode(row["body"]), row["received_s"]) for row in rows]
        return [(b[event.ALARM_RULE], b[event.ALARM_BEGINS], at) for b, at in bodies]

    def steps(self) -> list[int]:
        """Seconds between the rows of all reports."""
        rows = self.site.store.database.all("SELECT DISTINCT t FROM samples ORDER BY t")
        times = [row["t"] for row in rows]
        return [round(b - a) for a, b in zip(times, times[1:], strict=False)]

    def rise(self) -> float:
        """Lets the wave come until the alarm's mark is crossed; returns when that was."""
        self.begin_s = self.site.now_s
        assert self.site.run_until(lambda: self.level_mm() >= MARK_MM, RISE_S)
        return self.site.now_s

    def alarm_after_s(self, crossed_s: float) -> float:
        """Seconds from the crossing until the collector has the alarm.

        Raises:
            AssertionError: it has none after a minute.
        """
        begun = lambda: (1, True) in [told[:2] for told in self.told()]  # noqa: E731
        assert self.site.run_until(begun, 60), self.told()
        return self.site.now_s - crossed_s

    def day_bytes(self) -> int:
        """What a day without anything costs on the air, frames both ways."""
        before = len(self.site.network.capture)
        self.site.run_for(24 * 3600)
        return sum(len(data) for _, _, data in self.site.network.capture[before:])
