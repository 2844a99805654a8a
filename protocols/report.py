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

from .compat import const
from .schema import COMM_FAULT, NORMAL

MAX_SAMPLES = const(1000)

UNSYNCED = const(1)  # the clock was not synchronised: times are a guess
GAPS = const(2)
INTERVAL = const(4)
TIMES = const(8)
QUALITY = const(16)
UPTIME = const(32)

# Batch.status has the quality of each value; this bit on top: there is none.
ABSENT = const(0x80)


class ReportError(ValueError):
    pass


class Batch:
    # Collects samples in arrays that are allocated once; encode() reads them where they are.
    # Column c begins at c * capacity in values and in status: one array for each would take twice
    # the heap.
    def __init__(self, schema, capacity):
        if not 1 <= capacity <= MAX_SAMPLES:
            raise ReportError("a batch of 1 to %d samples, not %d" % (MAX_SAMPLES, capacity))
        self.schema = schema
        self.capacity = capacity
        self.times = array("I", bytes(4 * capacity))
        self.values = array("i", bytes(4 * capacity * len(schema.columns)))
        self.status = bytearray(capacity * len(schema.columns))
        self.numbers = [0] * (capacity - 1)  # zigzag differences of the column at hand
        self.clear()

    def __len__(self):
        return self.count

    @property
    def full(self):
        return self.count >= self.capacity

    def clear(self):
        self.count = 0
        self.gaps = 0  # bit c: column c has gaps
        self.faults = False  # some quality is not normal

    def add(self, t, values, qualities=None):
        # t: s since 2024; values: an int or None for each column; qualities: see schema.py.
        n = self.count
        if n >= self.capacity:
            raise ReportError("the batch is full: encode() and clear() it")
        columns = len(self.schema.columns)
        if len(values) != columns:
            raise ReportError("%d values for %d columns" % (len(values), columns))
        # MicroPython's arrays cut off what does not fit.
        for value in values:
            if value is not None and not -0x80000000 <= value <= 0x7FFFFFFF:
                raise ReportError("%d does not fit into 32 bits" % value)
        if not 0 <= t <= 0xFFFFFFFF:
            raise ReportError("the time %d is not one since 2024" % t)
        if qualities and not 0 <= min(qualities) <= max(qualities) <= COMM_FAULT:
            raise ReportError("a quality that schema.py does not name")
        at = n
        for c, value in enumerate(values):
            status = qualities[c] if qualities else NORMAL
            if status != NORMAL:
                self.faults = True
            if value is None:
                status |= ABSENT
                self.gaps |= 1 << c
            else:
                self.values[at] = value
            self.status[at] = status
            at += self.capacity
        self.times[n] = t
        self.count = n + 1

    def encode(self, rn, synced=True, uptime_s=None):
        # -> the block as bytes
        from .report_writer import encode

        return encode(self, rn, synced, uptime_s)
