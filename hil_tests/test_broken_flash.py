"""Flash content that is not what it should be: the unit says so, and a technician can mend it."""

from __future__ import annotations

import random

import pytest
from fieldbeat.hil_tests.virtual.site import Site, config
from fieldbeat.host_tools import flasher, image, image_info, partition_table
from fieldbeat.protocols import cbor
from littlefs import LittleFS

SECTOR = 4096


def rewritten(files: dict[str, bytes | None]) -> bytes:
    """The image of a station with some files replaced, or removed where there is None."""
    node = config()
    content = bytearray(image.build(node))
    vfs = partition_table.find(node.board.partition_table(), "vfs")
    disk = LittleFS(block_size=SECTOR, block_count=vfs.size // SECTOR, mount=False)
    disk.context.buffer = bytearray(content[vfs.offset : vfs.end])
    disk.mount()
    for path, data in files.items():
        if data is None:
            disk.remove(path)
        else:
            disk.makedirs(path.rpartition("/")[0] or "/", exist_ok=True)
            with disk.open(path, "wb") as file:
                file.write(data)
    content[vfs.offset : vfs.end] = disk.context.buffer
    return bytes(content)


def put(bench: Site, content: bytes):
    node = config()
    board = bench.add_board("greenhouse_esp32", "gh-01", image=content, power=False)
    bench.give_key(board, node)
    bench.attach_collector(bench.collector, "collector.example.org", 5690)
    board.power_on()
    return board


def said(bench: Site, board, verb: str) -> bytes:
    before = len(board.output)
    board.console_write(verb.encode() + b"\r")
    bench.run_for(2)
    return board.output[before:]


@pytest.mark.parametrize(
    "path, data",
    [
        ("/config.cbor", b"\xff" * 40),
        ("/config.cbor", b""),
        ("/config.cbor", None),
        ("/config.cbor", cbor.encode({"control": {}})),  # what this board cannot do
        ("/board.cbor", b"\xa0"),
        ("/profile.cbor", None),
    ],
)
def test_broken_settings_end_in_safe_mode_that_answers(bench, path, data):
    board = put(bench, rewritten({path: data}))
    bench.run_for(5)
    status = said(bench, board, "status")
    assert b"safe mode" in status and path.strip("/").split(".")[0].encode() in status
    bench.run_for(2 * 3600)
    assert b"safe mode" in said(bench, board, "status")
    assert not bench.outcomes


def test_blocks_that_no_file_stands_on_may_hold_anything(bench):
    """`fieldbeat flash` leaves them: old metadata, noise. The unit writes over them."""
    whole = image.build(config())
    content = bytearray(random.Random(5).randbytes(len(whole)))
    older = whole[0x200000:0x202000]  # what looks like a file system of its own
    for offset in range(0x200000, len(whole), 3 * SECTOR):
        content[offset : offset + SECTOR] = older[:SECTOR]
    for offset, data in flasher.plan(whole, image_info.inspect(whole, "image"), None):
        content[offset : offset + len(data)] = data
    content[0x9000:0xF000] = b"\xff" * 0x6000
    board = put(bench, bytes(content))
    bench.network.away(True)
    bench.run_for(3 * 3600 + 60)
    bench.network.away(False)
    board.reset()
    bench.run_for(3600)
    assert board.flash.erases > 4 and not board.flash.violations
    view = bench.views.unit("gh-01", bench.now_s)
    assert view.missing == 0 and not view.counters.get("outbox_corrupt")
    assert b"safe mode" not in said(bench, board, "status")


def test_an_erased_file_system_is_made_anew(bench):
    content = bytearray(image.build(config()))
    content[0x200000:] = b"\xff" * (len(content) - 0x200000)
    board = bench.add_board("greenhouse_esp32", image=bytes(content))
    bench.run_for(2)
    assert board.state == "repl"


def test_a_corrupt_file_system_is_said_so(bench):
    content = bytearray(image.build(config()))
    content[0x200000:0x204000] = bytes(range(256)) * 64
    board = bench.add_board("greenhouse_esp32", image=bytes(content))
    bench.run_for(2)
    assert b"filesystem appears to be corrupted" in board.output and board.state == "repl"


@pytest.mark.long
def test_a_torn_outbox_is_cut_and_counted(bench):
    """Garbage behind the last record, as a cut write leaves it: what was whole is still sent."""
    board = put(bench, rewritten({}))
    bench.network.away(True)
    bench.run_for(3 * 3600 + 60)
    board.power_off()
    vfs = partition_table.find(config().board.partition_table(), "vfs")
    disk = LittleFS(block_size=SECTOR, block_count=vfs.size // SECTOR, mount=False)
    disk.context.buffer = bytearray(board.flash.read(vfs.offset, vfs.size))
    disk.mount()
    logs = sorted(disk.listdir("/outbox"))
    with disk.open(f"/outbox/{logs[-1]}", "ab") as file:
        file.write(b"\x55" * 37)
    board.flash.load(vfs.offset, bytes(disk.context.buffer))
    bench.network.away(False)
    board.power_on()
    bench.run_for(26 * 3600)
    assert bench.views.unit("gh-01", bench.now_s).counters.get("outbox_corrupt", 0) >= 1
    # The three full batches from before the cut; record numbers jump, so that none comes twice.
    start_s = bench.world.start.timestamp()
    rows = [
        row for row in bench.views.history("gh-01", "co2", 10_000) if row.at_s <= start_s + 10_800
    ]
    assert len(rows) == 36
