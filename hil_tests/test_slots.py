"""An app that cannot be loaded: the other slot takes over, or the unit says what to do.

The first boot follows the supply and is no try; three tries make one slot. And a slot has all that
its board may be asked for, also parts that are switched off where nothing else is said.
"""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.test_broken_flash import config, put, rewritten, said
from fieldbeat.host_tools import app_cache, app_files, boards
from fieldbeat.host_tools.app_pruning import Unit

from .app_image import app_image
from .virtual.bench import Bench

ALL_PARTS = """
import gc, sys
sys.path.insert(0, "/a")
from protocols import cbor
from firmware.board import Board
with open("/board.cbor", "rb") as file:
    manifest = cbor.decode(file.read())
for name in manifest["fitted"]:
    gc.collect()
    Board(manifest).part(name, {"enabled": True, "datum_mm": 4200})
    print("made", name)
if "modem" in manifest:
    Board(manifest).modem()
    print("made modem")
print("END")
"""
ROLES = {
    "greenhouse_esp32": "station",
    "greenhouse_climate_esp32": "station",
    "speaker_esp32_eth": "speaker",
    "speaker_esp32s3_nbiot": "speaker",
    "river_cam_esp32_uart": "camera",
    "river_cam_esp32s3": "camera",
}


@pytest.mark.parametrize("name", boards.names())
def test_a_slot_makes_every_part_that_is_fitted_switched_on_or_not(name):
    with Bench() as bench:
        board = bench.add_board(name, power=False)
        board.flash.load(0, app_image(name, ALL_PARTS, ROLES[name]))
        board.power_on()
        bench.run_until(lambda: b"END" in board.output or b"Traceback" in board.output, 60)
        output = board.output.decode()
    spec = boards.load(name)
    made = {line[5:].strip() for line in output.splitlines() if line.startswith("made ")}
    assert made == {*spec.fitted, *(["modem"] if spec.modem else [])}, output


def slot(name: str, broken: bool = False) -> dict[str, bytes | None]:
    """The app in another slot; broken: with a file that cannot be imported."""
    node = config()
    files = app_cache.app_of(Unit(node.board, node.profile.role))
    del files[app_files.BOOT]
    if broken:
        files["firmware/node.mpy"] = b"torn"
    return {f"/{name}/{path}": data for path, data in files.items()}


def test_an_app_that_cannot_be_loaded_gives_way_to_the_other_slot(bench):
    board = put(bench, rewritten({"/a/firmware/node.mpy": b"torn"} | slot("b")))
    bench.run_for(30)
    assert len(board.resets) == 5 and board.state == "running"
    assert b"gh-01" in said(bench, board, "status")


def test_without_another_slot_it_says_so_and_stays_at_the_repl(bench):
    board = put(bench, rewritten({"/a/firmware/node.mpy": b"torn"}))
    bench.run_for(3600)
    assert len(board.resets) == 5 and board.state == "repl"
    assert b"run fieldbeat flash on this port" in board.output


def test_two_apps_that_cannot_be_loaded_end_at_the_repl_too(bench):
    board = put(bench, rewritten({"/a/firmware/node.mpy": b"torn"} | slot("b", broken=True)))
    bench.run_for(3600)
    assert len(board.resets) == 8 and board.state == "repl"
    assert b"run fieldbeat flash on this port" in board.output
