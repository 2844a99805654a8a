# Into a deep sleep, which ends the program. What a unit keeps over it is a list, in the RTC's
# memory; deep_wake.py takes it up again. Both look into the others, who so need no names for a
# sleep that few units have.
# SPDX-License-Identifier: Apache-2.0
import time

import machine

from protocols import cbor
from protocols.compat import const

from . import later
from .sleep_store import SleepStore

_PARTS = const("firmware.power_parts")
_NS = const(1000000)  # in a millisecond


# It comes back only if what the unit has to keep does not fit. A batch that is too long goes to
# flash as a report of its own.
def go(sleeper, node, role, ms):
    store = SleepStore(node.counters)
    for _ in range(2):
        # As bytes, so that whoever else looks into the store need not take it apart.
        kept = bytearray()
        state = [ms, sleeper.lead_ms, _ledger(sleeper.ledger), _collect(node, role)]
        cbor.write_item(kept, state, 0)
        if store.put("sleep", kept):
            if sleeper.pins:
                later.call(_PARTS, "arm", sleeper.pins)
            machine.deepsleep(ms)
        role.sampler.flush()
    node.log("too much to keep for a deep sleep: only light sleep from here on", "sleep")


def _collect(node, role):
    return [
        _clock(node.clock),
        [node._contact, node._proven, node._day, node.outbox.host_behind],
        node.counters.snapshot(),
        node._restarts,
        _batch(role.sampler),
        _uplink(role.uplink),
        {name: part.keep() for name, part in role.parts.items() if hasattr(part, "keep")},
        role.watch and role.watch.keep(),
    ]


def _ledger(ledger):
    ledger.settle()
    return [ledger.counts, ledger.on_ms, ledger.since_ms, ledger.closed_ms, ledger.day]


# The RTC runs on, so it knows how long the sleep was, whether somebody has set it or not.
def _clock(clock):
    clock.uptime_s()
    uptime_ms = clock._uptime_s * 1000 + clock.rest_ms
    rtc_ms = time.time_ns() // _NS
    return [rtc_ms, uptime_ms, clock._offset_s, clock._last, clock._rank, clock.jumps]


# As differences, which are short in CBOR.
def _differences(values):
    before, found = 0, []
    for value in values:
        found.append(value - before)
        before = value
    return found


def _faults(status):
    return bytes(status) if any(status) else b""


def _batch(sampler):
    batch, n = sampler._batch, len(sampler._batch)
    starts = range(0, len(batch.status), batch.capacity)
    names = [column.name for column in sampler.schema.columns]
    return [
        [sampler._kept, sampler._jumps, sampler._synced],
        _differences(batch.times[:n]),
        [_differences(batch.values[at : at + n]) for at in starts],
        [_faults(batch.status[at : at + n]) for at in starts],
        sampler._reported,
        [sampler.last.get(name) for name in names],
        [sampler._sources[name].ready for name in sorted(sampler._sources)],
    ]


def _uplink(uplink):
    sequence = uplink._sequence
    return [
        uplink.outcome,
        uplink.acked_s,
        uplink._answered_key,
        [uplink._budget.day, uplink._budget.spent],
        list(uplink._refused),
        [sequence._next, sequence._limit],
        uplink.carrier._status,
    ]
