# What a unit tells about itself: that it started, how its reports are to be read, how it is.
# SPDX-License-Identifier: Apache-2.0
import gc

from protocols import schema_map
from protocols.compat import const
from protocols.event_writer import encode
from protocols.reasons import CODES

# As in protocols/event.py, whose names would take heap; a test compares them.
_BOOT = const(1)
_SCHEMA = const(2)
_HEALTH = const(3)
_ALARM = const(4)
_CONFIG = const(5)
_RECEIPT = const(6)
_SELF_TEST = const(7)
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
_ALARM_RULE = const(2)
_ALARM_CHANNEL = const(3)
_ALARM_UNIT = const(4)
_ALARM_SCALE = const(5)
_ALARM_VALUE = const(6)
_ALARM_SYNCED = const(7)
_CONFIG_ISSUERS = const(2)


def boot(node, cause):
    schema = node.sampler.schema
    body = {
        _BOOT_CAUSE: cause,
        _BOOT_VERSION: node.version,
        _BOOT_CONFIG_HASH: node.config_hash,
        _BOOT_SYNCED: node.clock.synced,
        _BOOT_SCHEMAS: {schema.id: schema_map.hash_of(schema)},
    }
    _append(node, _BOOT, body)


def schema(node):
    _append(node, _SCHEMA, {_SCHEMA_MAP: schema_map.to_map(node.sampler.schema)})


# `urgent` when the host waits for records that will never come.
def health(node, urgent=False):
    counts = node.counters.snapshot()
    gc.collect()
    body = {
        _HEALTH_FREE_HEAP: gc.mem_free(),
        _HEALTH_COUNTERS: {CODES[name]: n for name, n in counts.items() if name in CODES},
        _HEALTH_UPTIME_S: node.clock.uptime_s(),
        _HEALTH_SIGNAL: node.uplink.carrier.status(),
        _HEALTH_PENDING: node.outbox.depth,
        _HEALTH_FLOOR: node.outbox.floor,
    }
    millivolts = _battery_mv(node.sampler)
    if millivolts is not None:
        body[_HEALTH_BATTERY_MV] = millivolts
    _append(node, _HEALTH, body, urgent)


# -> its record number, None if it could not be stored. value: counts of the rule's scale
def alarm(node, rule, value):
    body = {
        _ALARM_RULE: rule.number,
        _ALARM_CHANNEL: rule.channel,
        _ALARM_UNIT: rule.unit,
        _ALARM_SCALE: rule.scale,
        _ALARM_VALUE: value,
        _ALARM_SYNCED: node.clock.synced,
    }
    return _append(node, _ALARM, body, True)


# body: as protocols/receipt.py makes it.
def receipt(node, body):
    _append(node, _RECEIPT, body, True)


# body: as self_test.py makes it.
def self_test(node, body):
    _append(node, _SELF_TEST, body, True)


# Whom it obeys; kids as bytes.
def issuers(node, kids):
    _append(node, _CONFIG, {_CONFIG_ISSUERS: kids}, True)


def _append(node, type, body, urgent=False):
    try:
        t = node.clock.now()
        return node.outbox.append(lambda rn: encode(rn, type, t, body), urgent)
    except ValueError:  # too large for any datagram: the profile is wrong
        node.counters.count("config_bad")
    except OSError:
        node.counters.count("fs_corrupt")


# The channel that a profile names "battery" and measures in volts.
def _battery_mv(sampler):
    for column in sampler.schema.columns:
        if column.name == "battery" and column.unit == "V":
            value = sampler.last.get("battery", (None,))[0]
            return None if value is None else value * 1000 // column.scale
    return None
