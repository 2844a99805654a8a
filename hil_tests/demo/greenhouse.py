"""One greenhouse station from a bare board to a day in which it keeps a house's climate.

The house is `virtual/glasshouse.py`, its weather the recorded year; the link is away from noon on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fieldbeat.host_tools import control_plan, decision_log, node_config, times
from fieldbeat.host_tools.control_plan import Plan
from fieldbeat.host_tools.decision_log import Told
from fieldbeat.host_tools.views import Views

from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard
from . import common
from .common import Demo, DemoError, collecting

CONFIG = Path("docs/examples/climate.toml")
UNIT, BOARD = "gh-07", "greenhouse_climate_esp32"
FIRST_REPORT_S = (
    150  # power-on of the modem, search, attach, first wake; a hurried station needs 40
)
DAY_S, HOUR_S, NOON_S = 86_400, 3600, 12 * 3600
AWAY_S = 4 * HOUR_S


class Greenhouse(Demo):
    """A climate station at its NB-IoT modem; its day passes in virtual time."""

    aim, enough_s = "24 hours of a greenhouse", 300

    def play(self) -> None:
        self.prepare()
        config = self.write_config("station", CONFIG, host="127.0.0.1")
        with self.bench() as bench:
            board = bench.add_board(BOARD, "desk")
            bench.start_real()
            self.console.print(
                f"[bold]fieldbeat demo[/]: a virtual ESP32 with a BC26 at {board.port}"
            )
            with common.collector(self) as views:
                self.flash(self.build(config), board)
                self.step("Provision it over the serial port: identity, key, configuration")
                self.run("provision", "--port", board.port, config)
                self.first_report(board, bench, views)
                self.run("show")
            self.collector = None
            bench.stop_real()
            self.day(bench, config)
            end_s = bench.world.utc_s
        self.results(config, end_s)
        self.is_there = True
        self.say_where()

    def first_report(self, board: VirtualBoard, bench: Bench, views: Views) -> None:
        self.step("NB-IoT: power key, SIM, search, attach, first authenticated frame")
        modem = board.fitted.modem
        self.wait("the BC26 is registered", lambda: modem.radio.registered, FIRST_REPORT_S)
        self.wait("first frame", lambda: bench.network.counts["up_sent"], FIRST_REPORT_S)
        self.wait(
            "first acknowledgement", lambda: bench.network.counts["down_sent"], FIRST_REPORT_S
        )

    def day(self, bench: Bench, config: Path, seconds: int = DAY_S) -> None:
        """Let a day of a house pass, and tell what it is like and what the station does.

        Raises:
            DemoError: the link was never away, or no actuator has moved.
        """
        self.step("A house around it: a day passes now, as fast as this machine can")
        self.console.print(
            "  Its weather is recorded. From noon on the link is away for four hours: the station"
            " goes on by itself."
        )
        plan = control_plan.read(node_config.load(config))
        assert plan
        scene, plant = bench.scene, bench.scene.plant
        scene.enclose(bench.world.now_us)
        away = False
        with collecting(bench, self.port) as (store, _):
            begin_s = bench.world.utc_s
            told = len(decision_log.of_unit(store, UNIT))
            while bench.world.utc_s < begin_s + seconds:
                local_s = int(bench.world.utc_s) + plan.utc_offset_s
                bench.run_for(HOUR_S - local_s % HOUR_S)
                is_away = 0 <= (bench.world.utc_s + plan.utc_offset_s) % DAY_S - NOON_S < AWAY_S
                if is_away != away:
                    bench.network.away(is_away)
                    away = is_away
                decided = decision_log.of_unit(store, UNIT)
                self.console.print(hour(bench, plan, decided[told:], away), soft_wrap=True)
                told = len(decided)
            bench.network.away(False)
            bench.run_for(2 * HOUR_S)  # until all of it has come
        if not plant.changes or not bench.network.counts["up_outage"]:
            raise DemoError("the link was never away, or no actuator has moved")

    def results(self, config: Path, end_s: float) -> None:
        """What a person at the collector does with it, at the end of the virtual day."""
        plot = common.FOLDER / "greenhouse.png"
        self.step("Nothing got lost while the link was away")
        self.run("show", UNIT, "--gaps")
        self.step("Why does the roof stand where it stands?")
        self.run("rules", "why", UNIT, "roof", "--at", times.iso(end_s))
        self.step("What was measured, and what the actuators did")
        self.run("rules", "plot", UNIT, config, "--out", plot)
        self.console.print(f"  look at {plot}")


def hour(bench: Bench, plan: Plan, told: list[Told], away: bool) -> str:
    """A line about the house as it is."""
    scene, now_us = bench.scene, bench.world.now_us
    local = datetime.fromtimestamp(bench.world.utc_s + plan.utc_offset_s, UTC)
    runs = [
        f"{name} {100 * value:.0f} %"
        for name, value in sorted(scene.plant.outputs.items())
        if value and name in plan.actuators
    ]
    link = "[bold red]no link[/]" if away else f"{len(told)} decisions"
    return (
        f"  {local:%H:%M}  outside {scene.recorded('air_temperature', now_us):4.1f} Cel, inside"
        f" {scene.value('air_temperature', now_us):4.1f} Cel and"
        f" {scene.value('air_humidity', now_us):3.0f} %; {link}; {', '.join(runs) or 'at rest'}"
    )
