# What a unit keeps over a deep sleep, as a list, and how it takes it up again: it goes on as if it
# had been awake. It looks into the others, who so need no names for a sleep that few units have.
# SPDX-License-Identifier: Apache-2.0
import time

from protocols.compat import const
from protocols.report import ABSENT

_NS = const(1000000)  # in a millisecond


# -> a list for restore()
def collect(node, role):
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


# -> how many ms have passed since collect()
def restore(node, role, state):
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


# The RTC runs on, so it knows how long the sleep was, whether somebody has set it or not.
def _clock(clock):
    clock.uptime_s()
    uptime_ms = clock._uptime_s * 1000 + clock._rest_ms
    rtc_ms = time.time_ns() // _NS
    return [rtc_ms, uptime_ms, clock._offset_s, clock._last, clock._rank, clock.jumps]


def _set_clock(clock, state):
    rtc_ms, uptime_ms, clock._offset_s, clock._last, clock._rank, clock.jumps = state
    clock._ticks = time.ticks_ms()
    passed_ms = max(0, time.time_ns() // _NS - rtc_ms)
    clock._uptime_s, clock._rest_ms = divmod(uptime_ms + passed_ms, 1000)
    return passed_ms


def _differences(values):
    before, found = 0, []
    for value in values:
        found.append(value - before)
        before = value
    return found


def _sums(differences):
    value, found = 0, []
    for difference in differences:
        value += difference
        found.append(value)
    return found


def _batch(sampler):
    batch, n = sampler._batch, len(sampler._batch)
    names = [column.name for column in sampler.schema.columns]
    return [
        [sampler._kept, sampler._jumps, sampler._synced],
        _differences(batch.times[:n]),
        [_differences(column[:n]) for column in batch.columns],
        [bytes(status[:n]) if any(status[:n]) else b"" for status in batch.status],
        sampler._reported,
        [sampler.last.get(name) for name in names],
        [sampler._sources[name].ready for name in sorted(sampler._sources)],
    ]


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


# The rest of a block of sequence numbers, unless somebody has taken another one since then.
def _set_uplink(uplink, state):
    uplink.outcome, uplink.acked_s, key, day, refused, numbers, uplink.carrier._status = state
    uplink._answered_key = key and tuple(key)
    uplink._budget.day, uplink._budget.spent = day
    uplink._refused = set(refused)
    sequence = uplink._sequence
    if numbers[1] == sequence._limit:
        sequence._next = numbers[0]
