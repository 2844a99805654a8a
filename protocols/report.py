# The report block: some samples of a schema's columns, as deltas in Rice code.
# SPDX-License-Identifier: Apache-2.0
#
#   schema id    varint   1 or more; 0 is not a report but an event, see event.py
#   flags        u8       sum of 1 clock not synchronised, 2 gaps, 4 interval, 8 times,
#                         16 quality, 32 uptime; other bits: a later version
#   rn           varint   record number, given by the outbox
#   n            varint   samples, 1..1000
#   t0           u32      time of the first sample, big-endian seconds since 2024-01-01T00:00:00Z
#   interval     varint   in s, only with flag 4; otherwise the schema's
#   uptime       u32      big-endian, in s, only with flag 32
#   gaps         only with flag 2: varint, bit c: column c has gaps; for each of those columns, in
#                order, n bits in whole bytes, most significant first, 1: there is a value
#   first value  a zigzag varint of each column that has a value
#   bits         most significant first, the last byte filled with zeros:
#     times      only with flag 8: n - 1 numbers, how much longer than the interval each step was
#     columns    for each with two or more values: the zigzag differences from value to value
#     quality    only with flag 16: for each column 1 bit, 0: all normal; after a 1 its runs:
#                3-bit quality; 1 bit, 1: to the last sample, 0: its length follows in Elias gamma
#
# Times and columns are coded as rice.py says. Values have 32 bits with sign; differences of values
# and times are taken modulo 2^32, so that they have 32 bits too. Everything is an integer, and a
# block needs no other block. It has at most 32 bytes and, for the times and for each column, 4 * n
# + 5 more; gaps add a bit to each value of their column, faults 5 bits to each value.
from array import array

from . import bits, rice
from .bits import BitWriter, put_varint, unzigzag, zigzag
from .compat import const
from .schema import COMM_FAULT, NORMAL

MAX_SAMPLES = const(1000)

UNSYNCED = const(1)  # the clock was not synchronised: times are a guess
GAPS = const(2)
INTERVAL = const(4)
TIMES = const(8)
QUALITY = const(16)
UPTIME = const(32)

# Batch._status: the quality of each value; this bit on top: there is none.
_ABSENT = const(0x80)


class ReportError(ValueError):
    pass


class Batch:
    # Collects samples in columns that are allocated once; encode() reads them where they are.
    def __init__(self, schema, capacity):
        if not 1 <= capacity <= MAX_SAMPLES:
            raise ReportError("a batch of 1 to %d samples, not %d" % (MAX_SAMPLES, capacity))
        self.schema = schema
        self.capacity = capacity
        self._times = array("I", bytes(4 * capacity))
        self._columns = [array("i", bytes(4 * capacity)) for _ in schema.columns]
        self._status = [bytearray(capacity) for _ in schema.columns]
        self._numbers = [0] * capacity  # zigzag differences of the column at hand
        self.clear()

    def __len__(self):
        return self._n

    @property
    def full(self):
        return self._n >= self.capacity

    def clear(self):
        self._n = 0
        self._gaps = 0  # bit c: column c has gaps
        self._faults = False  # some quality is not normal

    def add(self, t, values, qualities=None):
        # t: s since 2024; values: an int or None for each column; qualities: see schema.py.
        n = self._n
        if n >= self.capacity:
            raise ReportError("the batch is full: encode() and clear() it")
        if len(values) != len(self._columns):
            raise ReportError("%d values for %d columns" % (len(values), len(self._columns)))
        # MicroPython's arrays cut off what does not fit.
        for value in values:
            if value is not None and not -0x80000000 <= value <= 0x7FFFFFFF:
                raise ReportError("%d does not fit into 32 bits" % value)
        if not 0 <= t <= 0xFFFFFFFF:
            raise ReportError("the time %d is not one since 2024" % t)
        if qualities and not 0 <= min(qualities) <= max(qualities) <= COMM_FAULT:
            raise ReportError("a quality that schema.py does not name")
        for c, value in enumerate(values):
            status = qualities[c] if qualities else NORMAL
            if status != NORMAL:
                self._faults = True
            if value is None:
                status |= _ABSENT
                self._gaps |= 1 << c
            else:
                self._columns[c][n] = value
            self._status[c][n] = status
        self._times[n] = t
        self._n = n + 1

    def encode(self, rn, synced=True, uptime_s=None):
        # -> the block as bytes
        if not self._n:
            raise ReportError("the batch is empty")
        out = bytearray()
        interval_s = self._step()
        irregular = not self._is_regular(interval_s)
        self._write_header(out, rn, synced, uptime_s, interval_s, irregular)
        if self._gaps:
            self._write_gaps(out)
        self._write_firsts(out)
        writer = BitWriter(out)
        if irregular:
            self._write_times(writer, interval_s)
        for c in range(len(self._columns)):
            if self._gaps >> c & 1:
                self._write_sparse_column(writer, c)
            else:
                self._write_column(writer, c)
        if self._faults:
            for status in self._status:
                self._write_quality(writer, status)
        writer.finish()
        return bytes(out)

    def _step(self):
        # The interval to write: the schema's, or the samples' own if they all agree on another.
        interval_s = self.schema.interval_s
        if self._n < 2:
            return interval_s
        own = self._times[1] - self._times[0]
        if own != interval_s and 0 < own and self._is_regular(own):
            return own
        return interval_s

    def _is_regular(self, interval_s):
        times = self._times
        t = times[0]
        for i in range(1, self._n):
            t += interval_s
            if times[i] != t:
                return False
        return True

    def _write_header(self, out, rn, synced, uptime_s, interval_s, irregular):
        flags = 0 if synced else UNSYNCED
        flags |= GAPS if self._gaps else 0
        flags |= INTERVAL if interval_s != self.schema.interval_s else 0
        flags |= TIMES if irregular else 0
        flags |= QUALITY if self._faults else 0
        flags |= UPTIME if uptime_s is not None else 0
        put_varint(out, self.schema.id)
        out.append(flags)
        put_varint(out, rn)
        put_varint(out, self._n)
        out.extend(self._times[0].to_bytes(4, "big"))
        if flags & INTERVAL:
            put_varint(out, interval_s)
        if flags & UPTIME:
            out.extend(uptime_s.to_bytes(4, "big"))

    def _write_gaps(self, out):
        put_varint(out, self._gaps)
        writer = BitWriter(out)
        for c in range(len(self._columns)):
            if self._gaps >> c & 1:
                for i in range(self._n):
                    writer.put(0 if self._status[c][i] & _ABSENT else 1, 1)
                writer.finish()

    def _write_firsts(self, out):
        for c, column in enumerate(self._columns):
            i = 0
            if self._gaps >> c & 1:
                while i < self._n and self._status[c][i] & _ABSENT:
                    i += 1
            if i < self._n:
                put_varint(out, zigzag(column[i]))

    def _write_times(self, writer, interval_s):
        # How much longer than the interval each step was.
        numbers = self._numbers
        times = self._times
        total = 0
        for i in range(1, self._n):
            d = zigzag(times[i] - times[i - 1] - interval_s)
            numbers[i - 1] = d
            total += d
        self._write_numbers(writer, self._n - 1, total)

    def _write_column(self, writer, c):
        numbers = self._numbers
        column = self._columns[c]
        n = total = 0
        last = column[0]
        for i in range(1, self._n):
            value = column[i]
            d = value - last
            last = value
            d = d << 1 if d >= 0 else ~d << 1 | 1
            numbers[n] = d
            n += 1
            total += d
        if n:
            self._write_numbers(writer, n, total)

    def _write_sparse_column(self, writer, c):
        # The same, past the gaps.
        numbers = self._numbers
        column = self._columns[c]
        status = self._status[c]
        n = -1
        total = last = 0
        for i in range(self._n):
            if not status[i] & _ABSENT:
                d = zigzag(column[i] - last)
                last = column[i]
                if n >= 0:
                    numbers[n] = d
                    total += d
                n += 1
        if n > 0:
            self._write_numbers(writer, n, total)

    def _write_numbers(self, writer, n, total):
        numbers = self._numbers
        if total > 0x3FFFFFFF:
            # Perhaps a difference of more than 32 bits.
            total = 0
            for i in range(n):
                d = unzigzag(numbers[i])
                d = zigzag((d + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
                numbers[i] = d
                total += d
        rice.write_column(writer, numbers, n, total)

    def _write_quality(self, writer, status):
        n = self._n
        i = 0
        if not any(status[i] & ~_ABSENT for i in range(n)):
            writer.put(0, 1)
            return
        writer.put(1, 1)
        while i < n:
            quality = status[i] & ~_ABSENT
            start = i
            while i < n and status[i] & ~_ABSENT == quality:
                i += 1
            writer.put(quality, 3)
            if i == n:
                writer.put(1, 1)
            else:
                writer.put(0, 1)
                bits.put_gamma(writer, i - start)
