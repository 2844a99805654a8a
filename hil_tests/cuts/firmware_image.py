"""The flash of a provisioned unit, also with changes to its firmware.

    build(node, identity, {"firmware/outbox.py": (("old text", "new text"),)})

A changed file is what proves that the oracle can see: a firmware with a known fault has to fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fieldbeat.host_tools import (
    app_files,
    file_system,
    image,
    nvs_image,
    partition_table,
    short_names,
)
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.host_tools.nvs_image import Identity
from fieldbeat.host_tools.partition_table import Partition
from fieldbeat.protocols import cbor
from littlefs import LittleFS, UserContext

from ..virtual.errors import BenchError

Patches = Mapping[str, tuple[tuple[str, str], ...]]  # path: (old, new) of a text that is there

_built: dict[bytes, bytes] = {}  # by configuration: to compile the firmware takes a second


class Layout(NamedTuple):
    """The partitions that the campaign looks into."""

    nvs: Partition
    vfs: Partition


def layout(node: NodeConfig) -> Layout:
    """Return where the unit keeps its data."""
    table = node.board.partition_table()
    return Layout(partition_table.find(table, "nvs"), partition_table.find(table, "vfs"))


def build(node: NodeConfig, identity: Identity, patches: Patches | None = None) -> bytes:
    """Return the whole flash of a unit, with its key in NVS."""
    key = cbor.encode(node.to_device_map())
    if key not in _built:
        _built[key] = image.build(node)
    flash = bytearray(_built[key])
    vfs, nvs = layout(node).vfs, layout(node).nvs
    if patches:
        flash[vfs.offset : vfs.end] = patched(bytes(flash[vfs.offset : vfs.end]), patches)
    flash[nvs.offset : nvs.end] = nvs_image.build(identity, nvs.size)
    return bytes(flash)


def patched(content: bytes, patches: Patches) -> bytes:
    """Return a unit's file system with some of its program's files changed.

    Raises:
        BenchError: a text to be replaced is not there exactly once, or the unit lacks its file.
    """
    sources = app_files.source_files()
    before = short_names.shorten(sources)
    for path, changes in patches.items():
        text = sources[path].decode()
        for old, new in changes:
            if text.count(old) != 1:
                raise BenchError(f"{path} has {old!r} {text.count(old)} times: change the patch")
            text = text.replace(old, new)
        sources[path] = text.encode()
    disk = LittleFS(
        context=UserContext(buffer=bytearray(content)),
        block_size=file_system.BLOCK_SIZE,
        block_count=len(content) // file_system.BLOCK_SIZE,
        disk_version=file_system.LITTLEFS_VERSION,
        **file_system.LITTLEFS_SIZES,
    )
    held = {f"{folder}/{name}" for folder, _, names in disk.walk("/") for name in names}
    for path, short in short_names.shorten(sources).items():
        target = f"/{app_files.SLOT}/{app_files.compiled(path)}"
        if path in patches and target not in held:
            raise BenchError(f"{path} is not in this unit's slot: patch what it loads")
        if short == before[path] or target not in held:
            continue
        with disk.open(target, "wb") as file:
            file.write(app_files.compile_source(path, short))
    return bytes(disk.context.buffer)
