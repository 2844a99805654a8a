# What a unit tells about itself: that it started, how its reports are to be read, how it is.
# SPDX-License-Identifier: Apache-2.0
import gc

from protocols import event, schema_map
from protocols.reasons import CODES


def boot(node, cause):
    schema = node.sampler.schema
    body = {
        event.BOOT_CAUSE: cause,
        event.BOOT_VERSION: node.version,
        event.BOOT_CONFIG_HASH: node.config_hash,
        event.BOOT_SYNCED: node.clock.synced,
        event.BOOT_SCHEMAS: {schema.id: schema_map.hash_of(schema)},
    }
    _append(node, event.BOOT, body)


def schema(node):
    _append(node, event.SCHEMA, {event.SCHEMA_MAP: schema_map.to_map(node.sampler.schema)})


# `urgent` when the host waits for records that will never come.
def health(node, urgent=False):
    counts = node.counters.snapshot()
    gc.collect()
    body = {
        event.HEALTH_FREE_HEAP: gc.mem_free(),
        event.HEALTH_COUNTERS: {CODES[name]: n for name, n in counts.items() if name in CODES},
        event.HEALTH_UPTIME_S: node.clock.uptime_s(),
        event.HEALTH_SIGNAL: node.uplink.carrier.status(),
        event.HEALTH_PENDING: node.outbox.depth,
        event.HEALTH_FLOOR: node.outbox.floor,
    }
    millivolts = _battery_mv(node.sampler)
    if millivolts is not None:
        body[event.HEALTH_BATTERY_MV] = millivolts
    _append(node, event.HEALTH, body, urgent)


def _append(node, type, body, urgent=False):
    try:
        t = node.clock.now()
        node.outbox.append(lambda rn: event.encode(rn, type, t, body), urgent)
    except OSError:
        node.counters.count("fs_corrupt")


# The channel that a profile names "battery" and measures in volts.
def _battery_mv(sampler):
    for column in sampler.schema.columns:
        if column.name == "battery" and column.unit == "V":
            value = sampler.last.get("battery", (None,))[0]
            return None if value is None else value * 1000 // column.scale
    return None
