"""A river station in virtual time: a flood wave comes, and the collector hears of it at once.

The wave is synthetic: height * x * exp(1 - x) above the base, x being the time since its begin in
units of `RISE_S`, a gamma curve as unit hydrographs have it.
"""

from __future__ import annotations

import math

import pytest
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.site import UNIT, Site
from fieldbeat.host_tools import node_config
from fieldbeat.protocols import cbor, event

DATUM_MM = 4200
BASE_MM, HEIGHT_MM, RISE_S = 1000, 2000, 5400
MARK_MM = 2500
LATEST_S = 15
QUIET_DAY_BYTES = 2048
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


@pytest.fixture
def river():
    with Site(seed=5) as site:
        yield River(site)


def test_a_flood_wave(river):
    site = river.site
    site.run_for(4 * 3600)
    assert river.told() == [] and set(river.steps()) == {300}
    river.begin_s = site.now_s
    assert site.run_until(lambda: river.level_mm() >= MARK_MM, RISE_S)
    crossed_s = site.now_s
    assert site.run_until(lambda: (1, True) in [told[:2] for told in river.told()], 60)
    assert site.now_s - crossed_s <= LATEST_S


def test_a_quiet_day_is_cheap(river):
    site = river.site
    site.run_for(3 * 3600)  # its start is told, too
    before = len(site.network.capture)
    site.run_for(24 * 3600)
    rows = site.network.capture[before:]
    size = sum(len(data) for _, _, data in rows)
    assert river.told() == [] and rows
    assert size <= QUIET_DAY_BYTES, size


@pytest.mark.parametrize(
    ("lasts_s", "expected"), [(20, []), (60, [(1, True), (1, False)])], ids=["boat", "flood"]
)
def test_what_passes_under_the_sensor_is_no_flood_and_what_stays_is_one(river, lasts_s, expected):
    site, faults = river.site, river.sensor.faults
    river.sensor.hang(DATUM_MM - 2100)  # above the mark of the quick pace, below that of the alarm
    site.run_for(2 * 3600)
    assert river.told() == [] and river.steps()[-1] == 60
    faults.spike = 800  # in mm from the sensor: 3.4 m
    site.run_for(lasts_s)
    assert faults.fired["spike"] > 5 * lasts_s
    faults.spike = 0
    site.run_for(180)
    assert [told[:2] for told in river.told()] == expected
