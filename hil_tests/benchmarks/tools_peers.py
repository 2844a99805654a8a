"""The tools that others use for the same steps: esptool, mpflash, mpremote, each a whole process.

mpflash is no part of `fieldbeat[bench]`; it is looked for in build/peers (python -m venv
build/peers && build/peers/bin/pip install mpflash). Its command line takes only ports that the
system lists, and a PTY is none, so what its command calls is called here, without its wait for
the board (15 s here, where there is no line for a reset).
"""

from __future__ import annotations

from pathlib import Path

from fieldbeat.hil_tests.benchmarks.tools_desk import BAUD, BIN, Desk
from fieldbeat.host_tools import image, node_config, partition_table

MPFLASH = Path("build/peers/bin/python")
FLASH = """
import sys
from pathlib import Path
from mpflash.flash.builtins.esp import flash_esp
from mpflash.mpremoteboard import MPRemoteBoard
MPRemoteBoard.wait_for_restart = lambda self, timeout=0: None
board = MPRemoteBoard(sys.argv[1])
board.port, board.board, board.cpu = "esp32", "ESP32_GENERIC", "ESP32"
sys.exit(0 if flash_esp(board, Path(sys.argv[2]), erase=False, retry_on_error=False) else 1)
"""


def esptool(desk: Desk, unit: str, whole: Path) -> float:
    """Seconds of writing a whole image at the baud rate that all of them use."""
    port = desk.units[unit].port
    tool = str(BIN / "esptool")
    return desk.took(tool, "--port", port, "--baud", str(BAUD), "write-flash", "0x0", str(whole))


def mpflash(desk: Desk, unit: str, whole: Path) -> float | None:
    """Seconds of writing the firmware with its partition table; None if it is not installed."""
    if not MPFLASH.exists():
        return None
    firmware = desk.folder / "merged.bin"
    end = partition_table.APP_ALIGNMENT + len(desk.base.read_bytes())
    firmware.write_bytes(whole.read_bytes()[0x1000:end])
    return desk.took(str(MPFLASH), "-c", FLASH, desk.units[unit].port, str(firmware))


def mpremote(desk: Desk, unit: str) -> float:
    """Seconds of copying the files of the app to a unit that has MicroPython, and a reset."""
    folder = desk.folder / "app"
    for path, content in image.files(node_config.load(desk.config)).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    names = sorted(str(path) for path in folder.iterdir())
    port = desk.units[unit].port
    copy = ("cp", "-r", *names, ":")
    return desk.took(str(BIN / "mpremote"), "connect", port, *copy, "+", "reset")
