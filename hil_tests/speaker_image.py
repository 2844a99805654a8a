"""Flash images of speaker boards with a small program instead of the node, for the bench's tests.

`main` finds `board`, a firmware Board of the manifest, and `parts`, all that is fitted.
"""

from __future__ import annotations

from fieldbeat.host_tools import app_files, boards, file_system, partition_table, standin
from fieldbeat.protocols import cbor

PREPARE = """\
import asyncio, math, sys, time
from array import array
sys.path.insert(0, "/a")
from protocols import cbor
with open("/board.cbor", "rb") as file:
    manifest = cbor.decode(file.read())
from firmware.board import Board
board = Board(manifest)
parts = board.parts({})
tone = bytes(array("h", [int(16384 * math.sin(math.pi * i / 8)) for i in range(16)])) * 1000
"""


def speaker_image(name: str, main: str) -> bytes:
    """Return the whole flash of a board: the stand-in, the app's files, and `main`."""
    board = boards.load(name)
    table = board.partition_table()
    flash = bytearray(b"\xff") * board.flash_bytes
    slot = app_files.slot_files(app_files.source_files())
    files = {f"{app_files.SLOT}/{path}": content for path, content in slot.items()}
    files["board.cbor"] = cbor.encode(boards.device_map(name))
    files["main.py"] = (PREPARE + main).encode()
    vfs = partition_table.find(table, "vfs")
    for offset, data in (
        (board.micropython.offset, standin.base(board.chip, board.micropython.version)),
        (partition_table.TABLE_OFFSET, partition_table.to_bytes(table)),
        (vfs.offset, file_system.pack(files, vfs.size)),
    ):
        flash[offset : offset + len(data)] = data
    return bytes(flash)
