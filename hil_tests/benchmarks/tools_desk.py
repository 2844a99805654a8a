"""A desk of virtual boards whose serial loaders take the time of real ones, and what lies on it.

The official firmware is not here, so the image has a stand-in of its size that compresses as it
does: esptool told "Compressed 1510544 bytes to 976957" of ESP32_GENERIC 1.16
(https://github.com/espressif/esptool/issues/662).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from unittest import mock

from fieldbeat.hil_tests.benchmarks import seconds
from fieldbeat.hil_tests.virtual.bench import Bench
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.loader_pace import LoaderPace
from fieldbeat.hil_tests.virtual.site import CONFIG
from fieldbeat.host_tools import (
    app_cache,
    boards,
    firmware_cache,
    image,
    node_config,
    standin,
    unit_bundle,
)
from fieldbeat.host_tools.node_config import NodeConfig

BIN = Path(sys.executable).parent
BAUD = 921_600
BOARD = "greenhouse_esp32"
FIRMWARE_BYTES, COMPRESSED_BYTES = 1_510_544, 976_957


def firmware() -> bytes:
    """The stand-in's two parts, then noise and zeros in the measure in which it compresses."""
    base = standin.base("esp32", boards.load(BOARD).micropython.version)
    return base + filler(FIRMWARE_BYTES - len(base))


def filler(size: int) -> bytes:
    noise = random.Random(1)
    piece = 1024
    dense = piece * COMPRESSED_BYTES // FIRMWARE_BYTES
    pieces = (noise.randbytes(dense) + bytes(piece - dense) for _ in range(0, size, piece))
    return b"".join(pieces)[:size]


class Desk(Bench):
    """Bare boards at paced ports, the tools' files, and a registry that knows nobody."""

    def __init__(self, folder: Path, units: int) -> None:
        super().__init__(seed=1, workdir=folder)
        self.folder = folder
        self.units = {f"gh-{number + 1}": self._board(number) for number in range(units)}
        self.base = folder / "firmware.bin"
        self.base.write_bytes(firmware())
        self.config = folder / "node.toml"
        self.config.write_text(CONFIG.format(unit="gh-1", board=BOARD))
        self.environment = os.environ | {"FIELDBEAT_HOME": str(folder / "home")}
        self.said = ""  # by the last tool
        self.start_real()

    def _board(self, number: int) -> VirtualBoard:
        board = self.add_board(BOARD, f"unit{number}")
        board.loader_pace = LoaderPace()
        return board

    def image(self) -> Path:
        """The image of the first unit, as its file."""
        whole = self.folder / "whole.img"
        node = node_config.load(self.config)
        whole.write_bytes(image.build(node, self.base.read_bytes(), "firmware"))
        return whole

    def bare(self, *names: str) -> None:
        """Makes boards as they come from the factory."""
        with self.world.lock:
            for name in names:
                board = self.units[name]
                board.flash.load(0, b"\xff" * board.flash.size)
                board.reset()

    def took(self, *words: str) -> float:
        """Wall-clock seconds of one tool, whole process."""

        def work() -> None:
            done = subprocess.run(words, capture_output=True, text=True, env=self.environment)
            assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
            self.said = done.stdout

        return seconds(work)

    def bundle(self, names: tuple[str, ...], longer: dict[str, int]) -> Path:
        """What `fieldbeat bundle` makes of a plan of these units.

        Some files of the app are longer by some bytes, which nobody looks at.
        """
        rows = [f"{name},valley,{self.config.name},{self._slot(name)}" for name in names]
        plan = self.folder / "village.csv"
        plan.write_text("\n".join(["unit,site,config,slot", *rows]) + "\n")
        of_unit, base = app_cache.app_of, self.base.read_bytes()

        def app_of(unit: NodeConfig) -> dict[str, bytes]:
            app = of_unit(unit)
            return {path: data + bytes(longer.get(path, 0)) for path, data in app.items()}

        with (
            mock.patch.object(app_cache, "app_of", app_of),
            mock.patch.object(firmware_cache, "read", lambda board: base),
        ):
            content, _ = unit_bundle.make(plan, virtual=False)
        made = plan.with_suffix(unit_bundle.SUFFIX)
        made.write_bytes(content)
        return made

    def batch(self, *names: str, longer: dict[str, int] | None = None) -> tuple[float, float]:
        """Seconds of `fieldbeat batch` of these units anew: the whole process, and by itself."""
        bundle = self.bundle(names, longer or {})
        words = [str(BIN / "fieldbeat"), "batch", str(bundle), "--json", "--baud", str(BAUD)]
        for name in names:
            words += ["--again", name, "--port", f"{self.units[name].port}@{self._slot(name)}"]
        whole_s = self.took(*words)
        return whole_s, json.loads(self.said.splitlines()[-1])["seconds"]

    def loader_s(self, name: str) -> float:
        """How long the host has waited for a unit's loader until now."""
        pace = self.units[name].loader_pace
        assert pace
        return pace.busy_us / 1e6

    def _slot(self, name: str) -> str:
        return f"1-1.{list(self.units).index(name) + 1}"
