"""One greenhouse station from a bare board to live values."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from fieldbeat.host_tools import tables
from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.views import Views
from rich.console import RenderableType
from rich.live import Live

from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard
from . import common
from .common import Demo

CONFIG = Path("docs/examples/demo.toml")
UNIT = "greenhouse-07"
FIRST_REPORT_S = (
    150  # power-on of the modem, search, attach, first wake; a hurried station needs 40
)


class Greenhouse(Demo):
    """A station at its NB-IoT modem."""

    aim, enough_s = "live values", 90

    def play(self) -> None:
        self.prepare()
        config = self.write_config("station", CONFIG)
        with self.bench() as bench, common.collector(self) as views:
            board = bench.add_board("greenhouse_esp32", "desk")
            bench.start_real()
            self.console.print(
                f"[bold]fieldbeat demo[/]: a virtual ESP32 with a BC26 at {board.port}"
            )
            self.flash(self.build(config), board)
            self.step("Provision it over the serial port: identity, key, configuration")
            self.run("provision", "--port", board.port, config)
            self.first_report(board, bench, views)
            self.live(views)
        self.say_where()

    def first_report(self, board: VirtualBoard, bench: Bench, views: Views) -> None:
        self.step("NB-IoT: power key, SIM, search, attach, first authenticated frame")
        modem = board.fitted.modem
        self.wait("the BC26 is registered", lambda: modem.radio.registered, FIRST_REPORT_S)
        self.wait("first frame", lambda: bench.network.counts["up_sent"], FIRST_REPORT_S)
        self.wait(
            "first acknowledgement", lambda: bench.network.counts["down_sent"], FIRST_REPORT_S
        )
        self.wait("first report with the time set", lambda: dated(views), FIRST_REPORT_S)

    def live(self, views: Views) -> None:
        self.step("Live values, as `fieldbeat show --follow` shows them (Ctrl-C ends the demo)")

        def screen() -> RenderableType:
            now_s = time.time()
            return tables.screen([views.unit(UNIT, now_s)], views.refusals(), now_s, True)

        self.is_there = True
        table = Live(screen(), console=self.console, auto_refresh=False, transient=True)
        with suppress(KeyboardInterrupt), table:
            while True:
                table.update(screen(), refresh=True)
                time.sleep(0.5)
        self.console.print(screen())


def dated(views: Views) -> bool:
    """Whether values have come that were measured after the unit had learnt the time."""
    with suppress(FieldbeatError):
        return any(reading.clock_set for reading in views.unit(UNIT, time.time()).readings)
    return False
