# Out of a deep sleep: a unit goes on with what deep_sleep.py has kept, as if it had been awake.
# SPDX-License-Identifier: Apache-2.0
import time

import machine

from protocols import cbor
from protocols.compat import const
from protocols.report import ABSENT

from . import later
from .sleep_store import SleepStore

_PARTS = const("firmware.power_parts")
_SPARE_MS = const(1500)  # it wakes earlier by what the last boot took, and by this
_TIMER = const(4)  # machine.wake_reason(): esp_sleep_wakeup_cause_t
_PINS = const((2, 3))
_NS = const(1000000)  # in a millisecond
# As in energy.py.
_DEEP = const(1)
_SLEEPS = const(6)


# Whether the unit goes on where it was. What was kept is for one use: whatever happens next, no
# sequence number in it is given twice.
def wake_up(sleeper, node, role):
    store = SleepStore(node.counters)
    kept = store.get("sleep")
    store.put("sleep", None)
    if kept is None or node._cause != "deep sleep":
        return False
    try:
        ms, lead_ms, ledger, state = cbor.decode(kept)
        passed_ms = _restore(node, role, state)
        _set_ledger(sleeper.ledger, ledger)
    except (ValueError, TypeError, LookupError, AttributeError, MemoryError) as error:
        node.counters.count("rtc_corrupt")
        node.log("what was kept over the sleep is of no use: %r" % error, "sleep")
        return False
    reason = machine.wake_reason()
    if reason == _TIMER:  # what is beyond that was the boot
        lead_ms = max(passed_ms - ms, 0) + _SPARE_MS
    sleeper.lead_ms = lead_ms
    boot_ms = lead_ms - _SPARE_MS
    sleeper.ledger.counts[_DEEP] += min(ms, max(passed_ms - boot_ms, 0))
    sleeper.ledger.counts[_SLEEPS] += 1
    if sleeper.pins:
        later.call(_PARTS, "woken", sleeper.pins, role.parts, reason)
    node._cause = None  # no start of which the collector is told
    cause = "the timer" if reason == _TIMER else "a pin" if reason in _PINS else "something"
    node.log("woken by %s after %d s" % (cause, passed_ms // 1000), "sleep")
    return True


# -> how many ms have passed since the sleep began
def _restore(node, role, state):
    clock, flags, counts, restarts, batch, uplink, parts, watch = state
    passed_ms = _set_clock(node.clock, clock)
    node._contact, node._proven, node._day, node.outbox.host_behind = flags
    for reason, n in counts.items():
        node.counters.count(reason, n)
    node._restarts = restarts
    _set_batch(role.sampler, batch)
    _set_uplink(role.uplink, uplink)
    for name, kept in parts.items():
        role.parts[name].resume(kept, passed_ms)
    if watch:
        role.watch.resume(watch)
    role._started = True
    return passed_ms


def _set_clock(clock, state):
    rtc_ms, uptime_ms, clock._offset_s, clock._last, clock._rank, clock.jumps = state
    clock._ticks = time.ticks_ms()
    passed_ms = max(0, time.time_ns() // _NS - rtc_ms)
    clock._uptime_s, clock.rest_ms = divmod(uptime_ms + passed_ms, 1000)
    return passed_ms


def _set_ledger(ledger, state):
    ledger.counts, ledger.on_ms, ledger.since_ms, ledger.closed_ms, ledger.day = state


def _sums(differences):
    value, found = 0, []
    for difference in differences:
        value += difference
        found.append(value)
    return found


def _set_batch(sampler, state):
    flags, times, columns, status, sampler._reported, last, ready = state
    sampler._kept, sampler._jumps, sampler._synced = flags
    batch = sampler._batch
    times = _sums(times)
    columns = [_sums(column) for column in columns]
    for i, t in enumerate(times):
        own = [status[c][i] if status[c] else 0 for c in range(len(columns))]
        values = [None if own[c] & ABSENT else column[i] for c, column in enumerate(columns)]
        batch.add(t, values, [quality & ~ABSENT for quality in own])
    for column, value in zip(sampler.schema.columns, last):
        if value:
            sampler.last[column.name] = tuple(value)
    for name, was_ready in zip(sorted(sampler._sources), ready):
        sampler._sources[name].ready = was_ready


# The rest of a block of sequence numbers, unless somebody has taken another one since then.
def _set_uplink(uplink, state):
    uplink.outcome, uplink.acked_s, key, day, refused, numbers, uplink.carrier._status = state
    uplink._answered_key = key and tuple(key)
    uplink._budget.day, uplink._budget.spent = day
    uplink._refused = set(refused)
    sequence = uplink._sequence
    if numbers[1] == sequence._limit:
        sequence._next = numbers[0]
