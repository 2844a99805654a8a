# What `selftest` looks at of the unit itself. Loaded for each check.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc
import os
import time

from protocols.compat import const

from . import later

_LEAST_HEAP = const(8192)  # bytes: a wake takes more, and forgets this verb before
_LEAST_FLASH_KB = const(64)
_FILE_BYTES = const(1024)
_FILE = const("/selftest.tmp")
_WAIT_MS = const(200)
_OUTBOX_MOST_KB = const(448)  # of 512: when it is full, it gives up what is oldest
_LEAST_DBM = const(-130)  # below it a datagram is lost more often than not
_MOST_DBM = const(-20)
_GOOD = const(("acked", "partly"))


# index: of the names in verbs/selftest.py -> a coroutine, whose rows that explains
def check(index, node):
    return (_heap, _flash, _clock, _outbox, _modem)[index](node)


async def _heap(node):
    gc.collect()
    return [("heap.free", gc.mem_free(), "B", 1, _LEAST_HEAP, None)]


async def _flash(node):
    blocks = os.statvfs(node.root or "/")
    free = ("flash.free", blocks[1] * blocks[3] // 1024, "KiB", 1, _LEAST_FLASH_KB, None)
    path, data = node.root + _FILE, bytes(range(64)) * (_FILE_BYTES // 64)
    try:
        with open(path, "wb") as file:
            file.write(data)
        with open(path, "rb") as file:
            row = ("flash.write", file.read() == data, "%d B" % _FILE_BYTES)
    except OSError as error:
        row = ("flash.write", False, str(error))
    try:
        os.remove(path)
    except OSError:  # it was not even begun
        pass
    return [free, row]


# That a pause ends, and not late. A wrong crystal counts both alike: only others can see it.
async def _clock(node):
    clock, start = node.clock, time.ticks_ms()
    await asyncio.sleep_ms(_WAIT_MS)
    rows = [
        ("clock.ticks", time.ticks_diff(time.ticks_ms(), start), "ms", 1, _WAIT_MS, 4 * _WAIT_MS)
    ]
    if clock.synced:
        text = "%s %s" % (later.call("firmware.civil", "to_iso", clock.now()), clock.source)
        return rows + [("clock.time", True, text)]
    return rows + [("clock.time", None, "not set yet")]


async def _outbox(node):
    outbox = node.outbox
    if not outbox:
        return [("outbox", False, "cannot be opened; see counters")]
    size = ("outbox.size", outbox.size_bytes // 1024, "KiB", 1, 0, _OUTBOX_MOST_KB)
    return [("outbox.records", outbox.depth, "", 1, None, None), size]


async def _modem(node):
    if not node.uplink:
        return [("modem", None, "no uplink")]
    rsrp = node.uplink.carrier.status().get("rsrp_dbm")
    rows = [("modem.uplink", _judged(node.uplink.outcome), node.uplink.outcome)]
    if rsrp is None:
        if not getattr(node.uplink.carrier, "modem", None):
            return rows
        return rows + [("modem.rsrp", None, "not measured yet")]
    return rows + [("modem.rsrp", rsrp, "dBm", 1, _LEAST_DBM, _MOST_DBM)]


def _judged(outcome):
    return None if outcome == "none" else outcome in _GOOD
