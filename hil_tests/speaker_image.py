"""Flash images of speaker boards with a small program instead of the node, for the bench's tests.

`main` finds `board`, a firmware Board of the manifest, and `parts`, all that is fitted.
"""

from __future__ import annotations

from .app_image import app_image

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
    """Return the whole flash of a board."""
    return app_image(name, PREPARE + main)
