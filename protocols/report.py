# The report block: some samples of a schema's columns, as deltas in Rice code.
# SPDX-License-Identifier: Apache-2.0
#
#   schema id    varint   1 or more; 0 is not a report but an event, see event.py
#   flags        u8       sum of the _flags_ below
#   rn           varint   record number, given by the outbox
#   n            varint   samples, 1..1000
#   t0           u32      time of the first sample, big-endian seconds since 2024-01-01T00:00:00Z
#   interval     varint   in s, only with flag 4; otherwise the schema's
#   uptime       u32      big-endian, in s, only with flag 32
#   gaps         only with flag 2: varint with bit c set if column c has gaps; for each of those columns, in
#                order, n bits in whole bytes, most significant first, 1: there is a value
#   first value  a zigzag varint of each column that has a value
#   bits         most significant first, the last byte filled with zeros:
#     times      only with flag 8: n - 1 numbers, how much longer than the interval each step was
#     columns    for each with two or more values: the zigzag differences from value to value
#     quality    only with flag 16: for each column 1 bit, 0: all normal; after a 1 its runs:
#                3-bit quality; 1 bit, 1: to the last sample, 0: length follows as Elias gamma code
#
# Times and columns are coded as rice.py says. Values have 32 bits with sign; differences of values and times
# are taken modulo 2^32, so that they have 32 bits too. Everything is an integer and a block needs no other
# block. Worst case: about 4 bytes a value and 40 bytes besides, see max_size().
from array import array
from collections import namedtuple

from . import bits, rice
from .bits import BitReader, BitsError, BitWriter, get_varint, put_varint, unzigzag, zigzag
from .compat import const

MAX_SAMPLES = const(1000)

_UNSYNCED = const(1)
_GAPS = const(2)
_INTERVAL = const(4)
_TIMES = const(8)
_QUALITY = const(16)
_UPTIME = const(32)
_FLAGS = const(63)

# Batch._status: the quality of each value; this bit on top: there is none.
_ABSENT = const(0x80)

Block = namedtuple(
    "Block", ("schema", "rn", "times", "columns", "qualities", "synced", "uptime_s")
)


class ReportError(ValueError):
    pass


class UnknownSchema(ReportError):
    def __init__(self, schema_id):
        super().__init__("schema %d is not known: ask the device for it" % schema_id)
        self.schema_id = schema_id


def max_size(columns, n):
    # Bytes of a block of n samples at most.
    header = 5 + 1 + 5 + 2 + 4 + 5 + 4 + 5
    presence = columns * ((n + 7) // 8)
    numbers = (9 + 32 * n) * (columns + 1)
    quality = columns * (1 + 5 * n + 20)
    return header + presence + 5 * columns + (numbers + quality + 7) // 8


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
        for value in values:
            if value is not None and not -0x80000000 <= value <= 0x7FFFFFFF:
                raise ReportError("%d does not fit into 32 bits" % value)
        for c, value in enumerate(values):
            status = qualities[c] if qualities else 0
            if status:
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
        flags = 0 if synced else _UNSYNCED
        flags |= _GAPS if self._gaps else 0
        flags |= _INTERVAL if interval_s != self.schema.interval_s else 0
        flags |= _TIMES if irregular else 0
        flags |= _QUALITY if self._faults else 0
        flags |= _UPTIME if uptime_s is not None else 0
        put_varint(out, self.schema.id)
        out.append(flags)
        put_varint(out, rn)
        put_varint(out, self._n)
        out.extend(self._times[0].to_bytes(4, "big"))
        if flags & _INTERVAL:
            put_varint(out, interval_s)
        if flags & _UPTIME:
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


def peek(block):
    # -> (schema id, rn) of a report or, with schema id 0, of an event
    try:
        schema_id, pos = get_varint(block, 0)
        return schema_id, get_varint(block, pos + 1 if schema_id else pos)[0]
    except BitsError as error:
        raise ReportError(str(error))


def decode(block, lookup):
    # lookup(schema id) -> Schema, or None if it is not known
    try:
        return _Decoder(block, lookup).block()
    except BitsError as error:
        raise ReportError(str(error))


class _Decoder:
    def __init__(self, block, lookup):
        self.data = block
        schema_id, self.pos = get_varint(block, 0)
        if schema_id == 0:
            raise ReportError("an event, not a report")
        self.schema = lookup(schema_id)
        if self.schema is None:
            raise UnknownSchema(schema_id)
        self.flags = self.number(1)
        if self.flags & ~_FLAGS:
            raise ReportError("flags %d of a later version" % self.flags)
        self.rn = self.varint()
        self.n = self.varint()
        if not 1 <= self.n <= MAX_SAMPLES:
            raise ReportError("a block of %d samples" % self.n)

    def varint(self):
        n, self.pos = get_varint(self.data, self.pos)
        return n

    def number(self, size):
        start = self.pos
        self.pos += size
        if self.pos > len(self.data):
            raise ReportError("the block ends inside a number")
        return int.from_bytes(self.data[start : self.pos], "big")

    def block(self):
        flags = self.flags
        t0 = self.number(4)
        interval_s = self.varint() if flags & _INTERVAL else self.schema.interval_s
        uptime_s = self.number(4) if flags & _UPTIME else None
        presence = self.presence(self.varint() if flags & _GAPS else 0)
        firsts = [unzigzag(self.varint()) if sum(present) else None for present in presence]
        reader = BitReader(self.data, self.pos)
        times = self.times(reader, t0, interval_s)
        columns = [self.column(reader, *item) for item in zip(firsts, presence)]
        qualities = [self.quality(reader) for _ in columns]
        if reader.finish() != len(self.data):
            raise ReportError("more bytes after the block")
        synced = not flags & _UNSYNCED
        return Block(self.schema, self.rn, times, columns, qualities, synced, uptime_s)

    def presence(self, mask):
        # -> for each column a list of n: 1 where there is a value
        count = len(self.schema.columns)
        if mask >> count:
            raise ReportError("gaps in a column that the schema does not have")
        result = []
        for c in range(count):
            if mask >> c & 1:
                reader = BitReader(self.data, self.pos)
                result.append([reader.get(1) for _ in range(self.n)])
                self.pos = reader.finish()
            else:
                result.append([1] * self.n)
        return result

    def times(self, reader, t, interval_s):
        times = [t]
        steps = rice.read_column(reader, self.n - 1) if self.flags & _TIMES else [0] * (self.n - 1)
        for step in steps:
            t = t + interval_s + unzigzag(step) & 0xFFFFFFFF
            times.append(t)
        return times

    def column(self, reader, value, present):
        count = sum(present)
        numbers = rice.read_column(reader, count - 1) if count > 1 else ()
        values = [value]
        for number in numbers:
            value = (value + unzigzag(number) + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            values.append(value)
        values = iter(values)
        return [next(values) if here else None for here in present]

    def quality(self, reader):
        if not self.flags & _QUALITY or not reader.get(1):
            return [0] * self.n
        result = []
        while len(result) < self.n:
            quality = reader.get(3)
            left = self.n - len(result)
            count = left if reader.get(1) else bits.get_gamma(reader)
            if count > left:
                raise ReportError("a run of quality beyond the last sample")
            result.extend([quality] * count)
        return result
