"""Our flash verb against esptool's own write-flash of the same bytes, on a bare virtual board.

The board takes the time of a real line and a real flash chip (`loader_pace.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fieldbeat.hil_tests.benchmarks import Figure, in_turns, seconds
from fieldbeat.hil_tests.virtual.bench import Bench
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.loader_pace import LoaderPace
from fieldbeat.hil_tests.virtual.site import config
from fieldbeat.host_tools import baud_rates, flasher, image, image_info

ROUNDS = 3
BIN = Path(sys.executable).parent
BAUD = str(baud_rates.FAST_BAUD)


def command(board: VirtualBoard, folder: Path, *words: str) -> float:
    """Wall-clock seconds of one tool, whole process, until the board has booted again."""
    environment = os.environ | {"FIELDBEAT_HOME": str(folder)}
    with board.world.lock:
        board.flash.load(0, b"\xff" * board.flash.size)
    before = len(board.resets)

    def work() -> None:
        subprocess.run(words, check=True, capture_output=True, env=environment)

    took = seconds(work)
    board.world.run_real(10, lambda: len(board.resets) > before and board.state == "running")
    return took


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, Bench(seed=1, workdir=Path(name)) as bench:
        folder = Path(name)
        whole = folder / "node.img"
        content = image.build(config())
        whole.write_bytes(content)
        regions: list[str] = []
        for offset, data in flasher.plan(content, image_info.inspect(content, "image"), None):
            part = folder / f"{offset:x}.bin"
            part.write_bytes(data)
            regions += [hex(offset), str(part)]
        board = bench.add_board("greenhouse_esp32")
        board.loader_pace = LoaderPace()
        bench.start_real()
        ours = (str(BIN / "fieldbeat"), "flash", "--port", board.port, str(whole))
        theirs = (str(BIN / "esptool"), "--port", board.port, "--baud", BAUD, "write-flash")
        ours_s, whole_s, regions_s = in_turns(
            ROUNDS,
            lambda: command(board, folder, *ours),
            lambda: command(board, folder, *theirs, "0x0", str(whole)),
            lambda: command(board, folder, *theirs, *regions),
        )
    return [
        Figure("fieldbeat flash, whole process", ours_s, "s", None, f"median of {ROUNDS}"),
        Figure(
            "fieldbeat flash", ours_s / whole_s, "times", 1.15, "esptool write-flash 0x0 IMAGE"
        ),
        Figure("fieldbeat flash", ours_s / regions_s, "times", 1.15, "esptool, our regions only"),
    ]
