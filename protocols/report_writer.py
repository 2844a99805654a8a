# Writes a report block, whose layout is told in report.py. Loaded when a batch is full.
# SPDX-License-Identifier: Apache-2.0
from . import bits
from .bits import BitWriter, put_varint, unzigzag, zigzag
from .compat import const
from .report import ABSENT, GAPS, INTERVAL, QUALITY, TIMES, UNSYNCED, UPTIME, ReportError
from .rice import write_column

_WIDE = const(0x3FFFFFFF)  # a sum of differences, of which perhaps one has more than 32 bits


def encode(batch, rn, synced=True, uptime_s=None):
    # -> the block as bytes
    if not batch.count:
        raise ReportError("the batch is empty")
    out = bytearray()
    interval_s = _step(batch)
    irregular = not _is_regular(batch, interval_s)
    _write_header(batch, out, rn, synced, uptime_s, interval_s, irregular)
    if batch.gaps:
        _write_gaps(batch, out)
    _write_firsts(batch, out)
    writer = BitWriter(out)
    if irregular:
        _write_times(batch, writer, interval_s)
    _write_columns(batch, writer)
    if batch.faults:
        for at in _columns(batch):
            _write_quality(batch, writer, at)
    writer.finish()
    return bytes(out)


# Where each column begins.
def _columns(batch):
    return range(0, len(batch.status), batch.capacity)


def _step(batch):
    # The interval to write: the schema's, or the samples' own if they all agree on another.
    interval_s = batch.schema.interval_s
    if batch.count < 2:
        return interval_s
    own = batch.times[1] - batch.times[0]
    if own != interval_s and 0 < own and _is_regular(batch, own):
        return own
    return interval_s


def _is_regular(batch, interval_s):
    times = batch.times
    t = times[0]
    for i in range(1, batch.count):
        t += interval_s
        if times[i] != t:
            return False
    return True


def _write_header(batch, out, rn, synced, uptime_s, interval_s, irregular):
    flags = 0 if synced else UNSYNCED
    flags |= GAPS if batch.gaps else 0
    flags |= INTERVAL if interval_s != batch.schema.interval_s else 0
    flags |= TIMES if irregular else 0
    flags |= QUALITY if batch.faults else 0
    flags |= UPTIME if uptime_s is not None else 0
    put_varint(out, batch.schema.id)
    out.append(flags)
    put_varint(out, rn)
    put_varint(out, batch.count)
    out.extend(batch.times[0].to_bytes(4, "big"))
    if flags & INTERVAL:
        put_varint(out, interval_s)
    if flags & UPTIME:
        out.extend(uptime_s.to_bytes(4, "big"))


def _write_gaps(batch, out):
    put_varint(out, batch.gaps)
    writer = BitWriter(out)
    gaps = batch.gaps
    for at in _columns(batch):
        if gaps & 1:
            for i in range(at, at + batch.count):
                writer.put(0 if batch.status[i] & ABSENT else 1, 1)
            writer.finish()
        gaps >>= 1


# In the three loops below zigzag() and put_varint() are spelled out: a call costs more than what
# it does.


def _write_firsts(batch, out):
    append = out.append
    gaps = batch.gaps << 1
    for i in _columns(batch):
        gaps >>= 1
        if gaps & 1:
            end = i + batch.count
            while i < end and batch.status[i] & ABSENT:
                i += 1
            if i == end:
                continue
        value = batch.values[i]
        value = value << 1 if value >= 0 else ~value << 1 | 1
        while value > 0x7F:
            append(value & 0x7F | 0x80)
            value >>= 7
        append(value)


def _write_times(batch, writer, interval_s):
    # How much longer than the interval each step was.
    numbers = batch.numbers
    times = batch.times
    last = times[0]
    n = total = 0
    for i in range(1, batch.count):
        t = times[i]
        d = t - last - interval_s << 1
        last = t
        if d < 0:
            d = ~d
        numbers[n] = d
        n = i
        total += d
    if total > _WIDE:
        total = _narrowed(numbers, n)
    write_column(writer, numbers, n, total)


def _write_columns(batch, writer):
    numbers = batch.numbers
    values = batch.values
    gaps = batch.gaps << 1
    n = batch.count - 1
    for at in _columns(batch):
        gaps >>= 1
        if gaps & 1:
            _write_sparse_column(batch, writer, at)
            continue
        last = values[at]
        total = 0
        for i in range(n):
            at += 1
            value = values[at]
            d = value - last << 1
            last = value
            if d < 0:
                d = ~d
            numbers[i] = d
            total += d
        if total > _WIDE:
            total = _narrowed(numbers, n)
        if n:
            write_column(writer, numbers, n, total)


def _write_sparse_column(batch, writer, at):
    # The same, past the gaps.
    numbers = batch.numbers
    values = batch.values
    n = -1
    total = last = 0
    for i in range(at, at + batch.count):
        if not batch.status[i] & ABSENT:
            d = zigzag(values[i] - last)
            last = values[i]
            if n >= 0:
                numbers[n] = d
                total += d
            n += 1
    if total > _WIDE:
        total = _narrowed(numbers, n)
    if n > 0:
        write_column(writer, numbers, n, total)


def _narrowed(numbers, n):
    # Takes differences of more than 32 bits modulo 2^32. -> their new sum
    total = 0
    for i in range(n):
        d = unzigzag(numbers[i])
        d = zigzag((d + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        numbers[i] = d
        total += d
    return total


def _write_quality(batch, writer, i):
    status = batch.status
    end = i + batch.count
    if not any(status[k] & ~ABSENT for k in range(i, end)):
        writer.put(0, 1)
        return
    writer.put(1, 1)
    while i < end:
        quality = status[i] & ~ABSENT
        start = i
        while i < end and status[i] & ~ABSENT == quality:
            i += 1
        writer.put(quality, 3)
        if i == end:
            writer.put(1, 1)
        else:
            writer.put(0, 1)
            bits.put_gamma(writer, i - start)
