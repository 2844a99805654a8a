# Decodes a report block, whose layout is told in report.py. A device never does.
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple

from .bit_reader import BitReader, get_gamma, read_column
from .bits import BitsError, get_varint, unzigzag
from .report import (
    GAPS,
    INTERVAL,
    MAX_SAMPLES,
    QUALITY,
    TIMES,
    UNSYNCED,
    UPTIME,
    ReportError,
)
from .schema import COMM_FAULT, NORMAL

_KNOWN_FLAGS = UNSYNCED | GAPS | INTERVAL | TIMES | QUALITY | UPTIME

Block = namedtuple(
    "Block", ("schema", "rn", "times", "columns", "qualities", "synced", "uptime_s")
)


class UnknownSchema(ReportError):
    def __init__(self, schema_id):
        super().__init__("schema %d is not known: ask the device for it" % schema_id)
        self.schema_id = schema_id


class Reader:
    def __init__(self, block, lookup):
        self.data = block
        schema_id, self.pos = get_varint(block, 0)
        if schema_id == 0:
            raise ReportError("an event, not a report")
        self.schema = lookup(schema_id)
        if self.schema is None:
            raise UnknownSchema(schema_id)
        self.flags = self.number(1)
        if self.flags & ~_KNOWN_FLAGS:
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
        interval_s = self.varint() if flags & INTERVAL else self.schema.interval_s
        uptime_s = self.number(4) if flags & UPTIME else None
        presence = self.presence(self.varint()) if flags & GAPS else None
        firsts = self.firsts(presence)
        reader = BitReader(self.data, self.pos)
        times = self.times(reader, t0, interval_s)
        columns = self.columns(reader, firsts, presence)
        if flags & QUALITY:
            qualities = [self.quality(reader) for _ in columns]
        else:
            qualities = [[NORMAL] * self.n] * len(columns)  # one list for all: most are normal
        if reader.finish() != len(self.data):
            raise ReportError("more bytes after the block")
        synced = not flags & UNSYNCED
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

    def firsts(self, presence):
        # -> the first value of each column, None where there is none at all
        data, pos = self.data, self.pos
        result = []
        for c in range(len(self.schema.columns)):
            first = None
            if presence is None or 1 in presence[c]:
                first, pos = get_varint(data, pos)
                first = unzigzag(first)
            result.append(first)
        self.pos = pos
        return result

    def times(self, reader, t, interval_s):
        if self.flags & TIMES:
            times = [t] + read_column(reader, self.n - 1, t, interval_s)
        else:
            times = [t + i * interval_s for i in range(self.n)]
        if min(times) < 0 or max(times) > 0xFFFFFFFF:
            times = [t & 0xFFFFFFFF for t in times]
        return times

    def columns(self, reader, firsts, presence):
        if presence is None:
            return [self.column(reader, first, self.n) for first in firsts]
        result = []
        for first, present in zip(firsts, presence):
            values = iter(self.column(reader, first, sum(present)))
            result.append([next(values) if here else None for here in present])
        return result

    def column(self, reader, value, count):
        if count < 2:
            return [value] * count
        values = [value] + read_column(reader, count - 1, value)
        # Differences are taken modulo 2^32.
        if min(values) < -0x80000000 or max(values) > 0x7FFFFFFF:
            values = [(value + 0x80000000 & 0xFFFFFFFF) - 0x80000000 for value in values]
        return values

    def quality(self, reader):
        if not reader.get(1):
            return [NORMAL] * self.n
        result = []
        while len(result) < self.n:
            quality = reader.get(3)
            if quality > COMM_FAULT:
                raise ReportError("quality %d of a later version" % quality)
            left = self.n - len(result)
            count = left if reader.get(1) else get_gamma(reader)
            if count > left:
                raise ReportError("a run of quality beyond the last sample")
            result.extend([quality] * count)
        return result


def peek(block):
    # -> (schema id, rn) of a report or, with schema id 0, of an event
    try:
        schema_id, pos = get_varint(block, 0)
        return schema_id, get_varint(block, pos + 1 if schema_id else pos)[0]
    except BitsError as error:
        raise ReportError(str(error))


def decode(block, lookup):
    # -> Block. lookup(schema id) -> Schema, or None if it is not known.
    try:
        return Reader(block, lookup).block()
    except BitsError as error:
        raise ReportError(str(error))
