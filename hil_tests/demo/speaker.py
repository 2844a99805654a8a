"""Three loudspeakers from bare boards to an alert that is heard, and proven to have sounded."""

from __future__ import annotations

import math
import secrets
import time
import wave
from array import array
from contextlib import closing
from functools import partial
from pathlib import Path

from fieldbeat.host_tools import alert_tables, files
from fieldbeat.host_tools.coverage import Coverage, coverage
from fieldbeat.host_tools.orders import Orders
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import receipt
from rich.console import RenderableType
from rich.live import Live

from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard
from . import common
from .common import Demo, DemoError

CONFIG = Path("docs/examples/speaker.toml")
POLES = {"pole-1": "riverside", "pole-2": "riverside", "pole-3": "school"}  # and their sites
TEXT = "Leave the river bank now."
ASKED_S = 60  # cable, address, first question and its answer
SOUNDED_S = 120
LAST_STAGES = (
    receipt.DONE,
    receipt.REFUSED,
    receipt.INTERRUPTED,
    receipt.CANCELLED,
    receipt.SILENT,
)

RATE_HZ = 16_000
GONG_HZ = (659, 523, 440)
PEAK = 24_000


class Speaker(Demo):
    """Poles at their Ethernet, an issuer, and what he orders."""

    aim, enough_s = "alerts that all have sounded", 120

    def play(self) -> None:
        self.prepare()
        configs = {
            name: self.write_config(name, CONFIG, name=name, site=site, host="127.0.0.1")
            for name, site in POLES.items()
        }
        with self.bench() as bench, common.collector(self):
            boards = {name: bench.add_board("speaker_esp32_eth", name) for name in POLES}
            bench.start_real()
            ports = ", ".join(board.port for board in boards.values())
            self.console.print(f"[bold]fieldbeat demo[/]: three virtual ESP32 at {ports}")
            key_file = self.issuer()
            self.make_units(boards, configs)
            with closing(Store(common.FOLDER / "store.sqlite", create=False)) as store:
                self.alerts(store, key_file)
            bench.stop_real()
            self.keep_sound(bench)
        self.is_there = True
        self.say_where()

    def issuer(self) -> Path:
        self.step(
            "Make an issuer: whatever sounds is signed by him (here with a random passphrase)"
        )
        key_file = common.FOLDER / "passphrase"
        files.write_atomically(key_file, secrets.token_hex(16).encode(), files.PRIVATE)
        self.run("issuer", "new", "district", "--key-file", key_file)
        return key_file

    def make_units(self, boards: dict[str, VirtualBoard], configs: dict[str, Path]) -> None:
        clips = common.FOLDER / "clips"
        clips.mkdir()
        write_gong(clips / "gong.wav")
        image = self.build(configs["pole-1"], "--clips", clips)
        self.flash(image, *boards.values())
        self.step("Provision them: identity, key, configuration, and whom to obey")
        for name, board in boards.items():
            self.run("provision", "--port", board.port, configs[name])

    def alerts(self, store: Store, key_file: Path) -> None:
        self.step("Each asks the collector: that keeps the way back open, and tells it the time")
        for name in POLES:
            self.wait(f"{name} has asked", partial(store.contact, name), ASKED_S)
        send = ("alert", "send", "--all", "--key-file", key_file, "--yes")
        self.step("A silent drill: everything but the sound, with the time that it took")
        self.run(*send, "--drill", "--silent", "--clip", "gong")
        self.follow(Orders(store))
        self.step("An emergency: attention tone, stored clip, spoken text")
        self.run(*send, "--level", "1", "--clip", "gong", "--text", TEXT)
        self.follow(Orders(store))

    def follow(self, orders: Orders) -> None:
        """Shows the last alert until all have told how it ended.

        Raises:
            DemoError: one of them did not sound, or does not tell.
        """
        self.type("fieldbeat", "alert", "status", "--follow")
        id_ = orders.all()[0].id.hex()

        def found() -> Coverage:
            order = orders.find(id_)
            return coverage(order, orders.deliveries(order), time.time())

        def screen() -> RenderableType:
            return alert_tables.screen(found(), True, time.time())

        end_s = time.monotonic() + SOUNDED_S
        with Live(screen(), console=self.console, auto_refresh=False, transient=True) as table:
            while not is_over(found()):
                self.check_collector()
                if time.monotonic() > end_s:
                    break
                time.sleep(0.2)
                table.update(screen(), refresh=True)
        self.console.print(screen())
        if not (is_over(found()) and found().is_complete):
            raise DemoError("not every loudspeaker has sounded it to its end")

    def keep_sound(self, bench: Bench) -> None:
        self.step("What was heard at each of them")
        for name in POLES:
            file = common.FOLDER / f"heard-{name}.wav"
            bench.boards[name].fitted.sinks["i2s0"].wav(file)
            with wave.open(str(file)) as sound:
                seconds = sound.getnframes() / sound.getframerate()
            self.console.print(f"  {file}, {seconds:.1f} s; listen: aplay {file}")


def is_over(found: Coverage) -> bool:
    """Whether every unit has told how an alert ended."""
    return all(unit.delivery.stage in LAST_STAGES for unit in found.units)


def write_gong(path: Path) -> None:
    """Writes a clip: three strokes that fade away."""
    samples = array("h")
    for hz in GONG_HZ:
        step = 2 * math.pi * hz / RATE_HZ
        samples.extend(
            round(PEAK * math.exp(-5 * i / RATE_HZ) * math.sin(step * i)) for i in range(RATE_HZ)
        )
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
