# What a unit knows of itself.
# SPDX-License-Identifier: Apache-2.0
import gc

from protocols.compat import const
from protocols.schema import MAINTENANCE, NORMAL, QUALITY_NAMES

from .. import later
from ..rows import decimal, flatten, reading, table, tree

_LOCK = const("firmware.lock")
_ENERGY = const("firmware.energy_events")


async def _status(node, args):
    clock = node.clock
    names = node.config.get("node", {})
    gc.collect()
    time = later.call("firmware.civil", "to_iso", clock.now()) if clock.synced else "not known yet"
    gc.collect()
    state = later.call(_LOCK, "state", node)
    rows = [
        ("unit", names.get("name", "not configured")),
        ("board", names.get("board", "not configured")),
        ("profile", names.get("profile", "not configured")),
        ("version", node.version),
        ("uptime", "%d s" % clock.uptime_s()),
        ("time", "%s (%s)" % (time, clock.source)),
        ("outbox", _waiting(node.outbox)),
        ("uplink", node.uplink.outcome if node.uplink else "off"),
        ("heap", "%d bytes free" % gc.mem_free()),
    ]
    if node.uplink:  # where there are two roads: the one in use
        rows += flatten(node.uplink.carrier.status())
    if node.slot:
        rows.append(("slot", node.slot))
    if state:
        rows.append(("lock", state))
    if node.safe_mode_reason:
        rows.append(("safe mode", node.safe_mode_reason))
    watch = getattr(node.role, "watch", None)
    return table((watch.standing(decimal) if watch else []) + rows)


def _waiting(outbox):
    if not outbox:
        return "none"
    return "%d records, %d bytes, from #%d" % (outbox.depth, outbox.size_bytes, outbox.floor)


async def _id(node, args):
    kid, epoch, unit = node.secrets.identity()
    check = node.secrets.check_value()
    if not check:
        return "not provisioned; run fieldbeat provision on this port"
    rows = [("unit", unit), ("kid", kid.hex()), ("epoch", epoch), ("key check", check.hex())]
    return table(rows)


async def _sensors(node, args):
    sampler = node.sampler
    if not sampler or not sampler.last:
        return "nothing was measured yet; read NAME measures now"
    columns = sorted(sampler.schema.columns)
    return table([(column.name, _reading(column, sampler.last)) for column in columns])


def _reading(column, last):
    value, quality, _ = last[column.name]
    if quality == MAINTENANCE:  # of nothing else: see sampler.py
        return "switched off"
    text = reading(value, column.unit, column.scale)
    return text if quality == NORMAL else "%s (%s)" % (text, QUALITY_NAMES[quality])


async def _counters(node, args):
    return tree(node.counters.snapshot()) or "nothing went wrong"


async def _log(node, args):
    return (
        "\n".join(node.log_lines) or "the log is empty; what went wrong is counted: type counters"
    )


async def _power(node, args):
    return table(later.call(_ENERGY, "rows", node.role.ledger))


def run(index, *args):
    return (_status, _id, _sensors, _counters, _log, _power)[index](*args)
