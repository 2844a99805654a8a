# Reads every part at aligned times and makes report blocks of scaled integers.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc

from drivers.errors import DriverError
from protocols import schema
from protocols.compat import const
from protocols.report import Batch

from . import flight, later

_TRIES = const(3)
_WRITER = const("protocols.report_writer protocols.rice protocols.bits")  # needed once a batch
_STEP = const(0x100)  # and the number of a part, as in host_tools/flight_records.py
_BACKOFF_MS = const(100)  # before the second try, and five times that before the third

# With these reasons the value never reached us; with all others the part itself is in doubt.
_COMM_REASONS = const(("i2c_nack", "sensor_timeout", "sensor_crc"))


# What a profile measures, as the wire knows it.
def schema_of(profile):
    columns = [
        schema.Column(c["name"], c["unit"], c["scale"], c["minimum"], c["maximum"], c["dead_band"])
        for c in profile["channels"]
    ]
    layout = profile["schema"]
    return schema.Schema(layout["id"], layout["version"], profile["interval_s"], columns)


# Counts at one scale (counts per unit) into counts at another, rounded half away from zero.
def rescale(value, scale, wanted):
    if scale == wanted:
        return value
    magnitude = (2 * abs(value) * wanted + scale) // (2 * scale)
    return -magnitude if value < 0 else magnitude


class _Source:
    # A part and what is known of its state.
    def __init__(self, part):
        self.part = part
        self.ready = False  # probed, and the last round read it
        self.values = None
        self.quality = schema.NORMAL


class Sampler:
    # parts: {name: driver, or None where it is disabled}, read while holding the lock. A channel
    # from "air.humidity" is what the part air calls humidity. trim: {name of a channel that was
    # calibrated: (offset in counts, factor in 1/10000)}.
    def __init__(
        self, profile, parts, lock, clock, counters, outbox, interval_s, report_samples, trim=()
    ):
        self.schema = schema_of(profile)
        self.interval_s = interval_s
        self.last = {}  # {channel name: (value or None, quality, time)}
        self.lock = lock
        self._clock = clock
        self._counters = counters
        self._outbox = outbox
        self._batch = Batch(self.schema, report_samples)
        self._kept = False  # a full batch found no memory once: it is tried once more
        self._jumps = clock.jumps
        self._synced = clock.synced
        self._sources = {}
        self.channels = []  # (source, index in its values or None, its scale, trim), one a column
        self._reported = [None] * len(self.schema.columns)  # the last normal value of each
        self._stuck = None
        if any([channel.get("stuck_rounds") for channel in profile["channels"]]):
            self._stuck = later.load("firmware.stuck", "Stuck")(profile["channels"])
        known = {}  # of each part what it measures: some have to look it up
        for channel in profile["channels"]:
            name, own = channel["from"].split(".")
            part = parts.get(name)
            if name not in known:
                self._sources[name] = _Source(part)
                known[name] = part.CHANNELS if part else ()
            trimmed = (trim and trim.get(channel["name"]),)
            self.channels.append((self._sources[name],) + _find(known[name], own) + trimmed)

    # Times are multiples of the interval, so that one that was missed is visible.
    async def run(self, beat):
        while True:
            t = (self._clock.now() // self.interval_s + 1) * self.interval_s
            if await self._clock.until(t, beat):
                await self.round(t)

    # One sample of everything, as of time t by the clock as it is now: it may be set meanwhile.
    async def round(self, t):
        jumps, synced = self._clock.jumps, self._clock.synced
        for n, source in enumerate(self._sources.values()):
            flight.keep(_STEP + n)
            async with self.lock:  # each for itself: a relay on the same line does not wait
                reason = await self.read(source)
            if reason:
                self._counters.count(reason)
        flight.keep(0)
        values, qualities = [], []
        for c, channel in enumerate(self.channels):
            column = self.schema.columns[c]
            value, quality = judge(column, *channel)
            if quality == schema.NORMAL and self.is_stuck(c):
                quality = schema.SENSOR_FAULT
                self._counters.count("sensor_stuck")
            values.append(self._steady(c, value) if quality == schema.NORMAL else value)
            qualities.append(quality)
            if quality == schema.OUT_OF_RANGE:
                self._counters.count("sensor_range")
            self.last[column.name] = (value, quality, t)
        if self._jumps != jumps or self._batch.full:  # a block has one kind of time
            self.flush()
        if not len(self._batch):
            self._jumps, self._synced = jumps, synced
        self._batch.add(t, values, qualities)
        if self._batch.full:
            self.flush()

    # What it measures is told all the same, with the quality of a fault.
    def is_stuck(self, c, counts=True):
        source, index = self.channels[c][:2]
        return self._stuck and self._stuck.holds(c, source.values[index], counts)

    # Within the dead band of what was reported last, that is reported again: it costs fewer bits.
    def _steady(self, c, value):
        reported = self._reported[c]
        if reported is None or abs(value - reported) >= self.schema.columns[c].dead_band:
            self._reported[c] = value
        return self._reported[c]

    # What is in RAM goes to flash, at the end of a batch and before a planned reset. Returns False
    # if it is still in RAM, since there was no memory to write it.
    def flush(self):
        if not len(self._batch):
            return True
        synced = self._synced
        uptime_s = None if synced else self._clock.uptime_s()
        gc.collect()
        try:
            self._outbox.append(
                lambda rn: later.call(_WRITER, "encode", self._batch, rn, synced, uptime_s)
            )
        except MemoryError:  # there may be room at the next round
            if not self._batch.full or not self._kept:
                self._kept = self._batch.full
                return False
            self._counters.count("outbox_full")
        except (OSError, ValueError):  # these samples are lost, the next ones may not be
            self._counters.count("fs_corrupt")
        self._kept = False
        self._batch.clear()
        return True

    # -> the reason if it failed
    async def read(self, source):
        source.values = None
        source.quality = schema.MAINTENANCE  # not fitted, or switched off by the config
        if source.part is None:
            return None
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep_ms(_BACKOFF_MS * (5 if attempt > 1 else 1))
            try:
                if not source.ready:  # from the start, or it may have lost its supply
                    await source.part.probe()
                source.values = await source.part.read()
                source.ready = True
                source.quality = schema.NORMAL
                return None
            except DriverError as error:
                reason = error.reason
            except OSError:
                reason = "sensor_timeout"
            except MemoryError:  # its driver found no room; others may have left at the next try
                if attempt == _TRIES - 1:
                    raise
        source.ready = False
        comm = reason in _COMM_REASONS
        source.quality = schema.COMM_FAULT if comm else schema.SENSOR_FAULT
        return reason


# -> the place of a channel in the values of its part, its scale
def _find(channels, name):
    for index, (own, _, scale) in enumerate(channels):
        if own == name:
            return index, scale
    return None, 1


# -> (value or None, quality) of one column
def judge(column, source, index, scale, trim):
    if source.values is None:
        return None, source.quality
    value = source.values[index] if index is not None else None
    if value is None:  # the part has no such channel, or does not know
        return None, schema.SENSOR_FAULT if index is None else schema.COMM_FAULT
    value = rescale(value, scale, column.scale)
    if trim:
        value = rescale(value * trim[1], 10000, 1) + trim[0]
    if not column.minimum <= value <= column.maximum:
        return value, schema.OUT_OF_RANGE
    return value, schema.NORMAL
