"""Flash images with the app's files and a small program in place of its own."""

from __future__ import annotations

from fieldbeat.host_tools import (
    app_cache,
    app_files,
    boards,
    file_system,
    partition_table,
    standin,
)
from fieldbeat.host_tools.app_pruning import Unit
from fieldbeat.protocols import cbor


def app_image(name: str, main: str, role: str | None = None) -> bytes:
    """Return the whole flash of a board: the stand-in, the app's files, and `main` as main.py.

    With a `role`, of the app's files those that a unit of it has.
    """
    board = boards.load(name)
    table = board.partition_table()
    flash = bytearray(b"\xff") * board.flash_bytes
    slot = app_cache.app_of(Unit(board, role)) if role else app_cache.app()
    del slot[app_files.BOOT]
    files = {f"{app_files.SLOT}/{path}": content for path, content in slot.items()}
    files["board.cbor"] = cbor.encode(boards.device_map(name))
    files["main.py"] = main.encode()
    vfs = partition_table.find(table, "vfs")
    for offset, data in (
        (board.micropython.offset, standin.base(board.chip, board.micropython.version)),
        (partition_table.TABLE_OFFSET, partition_table.to_bytes(table)),
        (vfs.offset, file_system.pack(files, vfs.size)),
    ):
        flash[offset : offset + len(data)] = data
    return bytes(flash)
