"""An app that cannot be loaded: the other slot takes over, or the unit says what to do.

The first boot follows the supply and is no try; three tries make one slot.
"""

from __future__ import annotations

from fieldbeat.hil_tests.test_broken_flash import put, rewritten, said
from fieldbeat.host_tools import app_cache, app_files


def slot(name: str, broken: bool = False) -> dict[str, bytes | None]:
    """The app in another slot; broken: with a file that cannot be imported."""
    files = app_cache.app()
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
