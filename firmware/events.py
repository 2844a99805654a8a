# What a unit tells about itself: that it started, how its reports are to be read, how it is.
# SPDX-License-Identifier: Apache-2.0
import gc

from protocols.compat import const
from protocols.event_writer import encode

# As in protocols/event.py, whose names would take heap; a test compares them.
_BOOT = const(1)
_SCHEMA = const(2)
_HEALTH = const(3)
_BOOT_CAUSE = const(2)
_BOOT_VERSION = const(3)
_BOOT_CONFIG_HASH = const(4)
_BOOT_SYNCED = const(5)
_BOOT_SCHEMAS = const(6)
_SCHEMA_MAP = const(2)
_HEALTH_FREE_HEAP = const(2)
_HEALTH_COUNTERS = const(3)
_HEALTH_UPTIME_S = const(4)
_HEALTH_SIGNAL = const(5)
_HEALTH_BATTERY_MV = const(6)
_HEALTH_PENDING = const(7)
_HEALTH_FLOOR = const(8)


def boot(node, cause):
    from protocols import schema_map

    schema = node.sampler.schema
    # A loss of power would have cost the time. Hypothesis: a press of EN looks the same.
    if cause == "power" and node.clock.synced:
        cause = "brown-out"
    body = {
        _BOOT_CAUSE: cause,
        _BOOT_VERSION: node.version,
        _BOOT_CONFIG_HASH: node.config_hash,
        _BOOT_SYNCED: node.clock.synced,
        _BOOT_SCHEMAS: {schema.id: schema_map.hash_of(schema)},
    }
    append(node, _BOOT, body)


def schema(node):
    from protocols import schema_map

    append(node, _SCHEMA, {_SCHEMA_MAP: schema_map.to_map(node.sampler.schema)})


# `urgent` when the host waits for records that will never come.
def health(node, urgent=False):
    from protocols.reasons import code

    counts = node.counters.snapshot()
    gc.collect()
    body = {
        _HEALTH_FREE_HEAP: gc.mem_free(),
        _HEALTH_COUNTERS: {code(name): n for name, n in counts.items() if code(name)},
        _HEALTH_UPTIME_S: node.clock.uptime_s(),
        _HEALTH_SIGNAL: node.uplink.carrier.status(),
        _HEALTH_PENDING: node.outbox.depth,
        _HEALTH_FLOOR: node.outbox.floor,
    }
    millivolts = battery_mv(node)
    if millivolts is not None:
        body[_HEALTH_BATTERY_MV] = millivolts
    append(node, _HEALTH, body, urgent)


# -> its record number, None if it could not be stored.
def append(node, type, body, urgent=False):
    try:
        t = node.clock.now()
        return node.outbox.append(lambda rn: encode(rn, type, t, body), urgent)
    except ValueError:  # too large for any datagram: the profile is wrong
        node.counters.count("config_bad")
    except OSError:
        node.counters.count("fs_corrupt")


# The channel that a profile names "battery" and measures in volts.
def battery_mv(node):
    for column in node.sampler.schema.columns:
        if column.name == "battery" and column.unit == "V":
            value = node.sampler.last.get("battery", (None,))[0]
            return None if value is None else value * 1000 // column.scale
    return None


# What few units tell: loaded for them, so that others need not hold its names.
def __getattr__(name):
    module = "firmware.speaker_events"
    if name == "after_a_wake":
        module = "firmware.silence_events"
    elif name in ("decision", "actuator_fault"):
        module = "firmware.control_events"
    return getattr(__import__(module, None, None, (name,)), name)
