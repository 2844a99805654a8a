"""One river station from a bare board to a flood: alarms, pictures, and the gauge that is in them.

The flood is no record: `virtual/river.py` makes it of rain, by Nash's unit hydrograph.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fieldbeat.host_tools import pictures
from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.record_words import describe_event
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.views import Views
from fieldbeat.protocols import cbor, event

from ..scenes import face, trials
from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard
from ..virtual.river_view import RiverView
from . import common
from .common import Demo, DemoError, collecting
from .greenhouse import FIRST_REPORT_S

CONFIG = Path("docs/examples/river-demo.toml")
UNIT, BOARD = "river-01", "river_cam_esp32s3"
FRAME = (800, 600)
STORM_MM, STORM_STEP_S = (1.5, 3.5, 4, 1.5), 1800
QUIET_S = 2400  # before the rain
FLOOD_S = 6 * 3600
LOOK_S = 60  # virtual time between two looks at what is new
TOLD_S = 1800  # between two lines where nothing is


class River(Demo):
    """A station at a river; the flood passes in virtual time."""

    aim, enough_s = "pictures of a flood", 240

    def play(self) -> None:
        self.prepare()
        config = self.write_config("river", CONFIG, host="127.0.0.1")
        with self.bench() as bench:
            board = bench.add_board(BOARD, "river")
            view: RiverView = board.fitted.parts["view"]
            view.faults.light = "day"  # whenever somebody plays this
            write_region(config, view)
            bench.start_real()
            self.console.print(
                f"[bold]fieldbeat demo[/]: a virtual ESP32-S3 with a camera at {board.port}"
            )
            with common.collector(self):
                self.flash(self.build(config), board)
                self.step("Provision it over the serial port: identity, key, configuration")
                self.run("provision", "--port", board.port, config)
                self.step("NB-IoT: search, attach, first authenticated frame")
                seen = bench.network.counts
                self.wait("first acknowledgement", lambda: seen["down_sent"], FIRST_REPORT_S)
            self.collector = None
            bench.stop_real()
            self.flood(bench, board)
        self.results(view)
        self.is_there = True
        self.say_where()

    def flood(self, bench: Bench, board: VirtualBoard, seconds: float = FLOOD_S) -> None:
        """Lets hours pass, as fast as this machine can, and tells what the collector hears.

        Raises:
            DemoError: there was no alarm, or no picture of one.
        """
        self.step("Rain upstream, and its wave: hours pass now, as fast as this machine can")
        self.console.print(
            "  In virtual time the collector goes on in this process, by the bench's clock (UTC)."
        )
        river = bench.scene.river
        river.storm(bench.world.now_us / 1e6 + QUIET_S, STORM_MM, STORM_STEP_S)
        with collecting(bench, self.port) as (store, views):
            news = News(store, views)
            told_s = bench.world.utc_s
            end_s = told_s + seconds
            while bench.world.utc_s < end_s:
                bench.run_for(LOOK_S)
                lines = news.lines()
                now_s = bench.world.utc_s
                if not lines and now_s - told_s < TOLD_S:
                    continue
                told_s = now_s
                level_m = river.level_mm(bench.world.now_us) / 1000
                rain = river.rain_mm_h(bench.world.now_us)
                clock = common.clock(now_s)
                what = "; ".join(lines)
                self.console.print(
                    f"  {clock}  {level_m:.2f} m, rain {rain:4.1f} mm/h, {news.step(UNIT):18}"
                    f"  [bold]{what}[/]",
                    soft_wrap=True,
                )
            if not news.alarms or "full" not in news.kinds:
                raise DemoError("there was no alarm, or its picture did not come")

    def results(self, view: RiverView) -> None:
        """What a person at the collector does with it."""
        folder = common.FOLDER
        self.step("The pictures: as files, on one sheet, and the staff gauge in them")
        self.run("pictures", "list", UNIT)
        self.run("pictures", "sheet", UNIT, "--out", folder / "pictures.png")
        mounted = folder / "mounted.jpg"
        mounted.write_bytes(trials.mounted(view.site))
        self.run(*calibrate(view, mounted, folder / "river-01.toml"))
        region = ",".join(map(str, view.site.gauge_region(FRAME)))
        found: list[str | Path] = ["--calibration", folder / "river-01.toml", "--region", region]
        self.step("Does the gauge say what the level sensor said? Exit code 1 if not")
        code = self.run("pictures", "read", UNIT, *found, codes=(0, 1))
        self.console.print(
            "  gauge and sensor disagree in one of them: go and look"
            if code
            else "  wherever the gauge could be read, it agrees with the sensor"
        )
        self.step("Level, rain, alarms, and where pictures were taken")
        self.run("show", UNIT, "--plot", folder / "river.png", "--last", "2000")
        self.console.print(f"  look at {folder / 'river.png'} and {folder / 'pictures.png'}")


class News:
    """What has come to the collector since it was last asked."""

    def __init__(self, store: Store, views: Views) -> None:
        self._store, self._views = store, views
        self._record = self._newest()
        self._pictures: set[int] = set()
        self.alarms = 0
        self.kinds: set[str | None] = set()

    def _newest(self) -> int:
        return self._store.database.one("SELECT max(record) FROM events")[0] or 0

    def lines(self) -> list[str]:
        """Alarms, and pictures that have come whole."""
        rows = self._store.database.all(
            "SELECT record, body FROM events WHERE type = ? AND record > ? ORDER BY record",
            *(event.ALARM, self._record),
        )
        lines = [describe_event(event.ALARM, cbor.decode(row["body"])) for row in rows]
        self.alarms += len(rows)
        self._record = self._newest()
        for each in pictures.of_unit(self._store, UNIT):
            if each.done_s is not None and each.id not in self._pictures:
                self._pictures.add(each.id)
                self.kinds.add(each.kind)
                lines.append(f"{each.kind} picture, {each.size} bytes")
        return lines

    def step(self, unit: str) -> str:
        """How far apart the last two values are that have come."""
        with suppress(FieldbeatError, ValueError):  # fewer have
            before, last = self._views.history(unit, "level", 2)
            return f"a value each {last.at_s - before.at_s:3.0f} s"
        return "no value yet"


def write_region(config: Path, view: RiverView) -> None:
    """Puts into the config where the gauge stands in this scene."""
    region = list(view.site.gauge_region(FRAME))
    before = config.read_text()
    config.write_text(before.replace("gauge = [0, 0, 16, 16]", f"gauge = {region}"))


def calibrate(view: RiverView, mounted: Path, out: Path) -> list[str | Path]:
    """The command that learns the gauge, with the points that a person would click on."""
    points = [
        f"--point={mark['x']:.1f},{mark['y']:.1f},{mark['edge']},{mark['height_mm']}"
        for mark in trials.marks(view.site)
    ]
    level = ["--level-mm", str(trials.LOW_WATER_MM), "--high-mm", str(face.HEIGHT_MM)]
    return ["pictures", "calibrate", mounted, "--out", out, *level, *points]
