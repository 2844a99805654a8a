"""Flash images with a few files on littlefs: what the bench's own tests put on a board."""

import struct
from typing import Any

from littlefs import LittleFS

SECTOR = 4096
VFS_OFFSET = 0x200000
PARTITIONS = (
    ("nvs", 1, 2, 0x9000, 0x6000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, 0x10000, 0x1F0000),
    ("vfs", 1, 0x83, VFS_OFFSET, 0x200000),
)
MANIFEST: dict[str, Any] = {
    "id": "bare",
    "chip": "esp32",
    "flash_mb": 4,
    "heap_kb": 192,
    "micropython": {"offset": 0x1000},
    "buses": {
        "i2c0": {"kind": "i2c", "id": 0, "scl": 22, "sda": 21, "freq_hz": 100_000},
        "serial": {"kind": "uart", "uart": 2, "tx": 17, "rx": 16, "baud": 9600},
    },
}


def table() -> bytes:
    """The partition table in ESP-IDF's binary form, without the optional MD5.

    Not by host_tools/partition_table.py, so that the bench is tested against another writer.
    """
    rows = (
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, label.encode(), 0)
        for label, kind, subtype, offset, size in PARTITIONS
    )
    return b"".join(rows)


def file_system(files: dict[str, str]) -> bytes:
    """A littlefs image that fills the vfs partition."""
    fs = LittleFS(block_size=SECTOR, block_count=PARTITIONS[-1][4] // SECTOR, disk_version=0x20000)
    for name, text in files.items():
        if "/" in name:
            fs.makedirs(name.rpartition("/")[0], exist_ok=True)
        with fs.open(name, "w") as file:
            file.write(text)
    return bytes(fs.context.buffer)


def read_file(file_system: bytes, name: str) -> str:
    """A text file out of a littlefs image, read by littlefs-python."""
    return read_file_bytes(file_system, name).decode()


def read_file_bytes(file_system: bytes, name: str) -> bytes:
    """Any file out of one."""
    fs = LittleFS(block_size=SECTOR, block_count=len(file_system) // SECTOR, mount=False)
    fs.context.buffer[:] = file_system
    fs.mount()
    with fs.open(name, "rb") as file:
        return bytes(file.read())


def image(files: dict[str, str]) -> bytes:
    """A whole flash: the first bytes of a loader and an app, the table, the files."""
    flash = bytearray(b"\xff" * (MANIFEST["flash_mb"] << 20))
    flash[0x1000] = flash[0x10000] = 0xE9
    flash[0x8000 : 0x8000 + len(table())] = table()
    flash[VFS_OFFSET:] = file_system(files)
    return bytes(flash)
