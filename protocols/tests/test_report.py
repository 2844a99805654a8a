# Report blocks: golden bytes, round trips at the limits, and what a decoder refuses.
# SPDX-License-Identifier: Apache-2.0
from binascii import hexlify, unhexlify

from protocols import report_reader
from protocols.bits import put_varint
from protocols.report import Batch, ReportError
from protocols.report_reader import UnknownSchema
from protocols.schema import Column, Schema
from protocols.tests.support import raises, vectors

T0 = 78000000


def schema_of(count, interval_s=300, id=1):
    columns = [Column("c%d" % c, "1", 1, 0, 0, 0) for c in range(count)]
    return Schema(id, 1, interval_s, columns)


def check(schema, rows, rn=1, synced=True, uptime_s=None, capacity=None):
    # Encodes rows of (t, values, qualities), decodes, compares; -> the block
    batch = Batch(schema, capacity or len(rows))
    for row in rows:
        batch.add(*row)
    block = batch.encode(rn, synced, uptime_s)
    back = report_reader.decode(block, lambda id: schema if id == schema.id else None)
    assert back.schema is schema
    assert (back.rn, back.synced, back.uptime_s) == (rn, synced, uptime_s)
    assert back.times == [row[0] for row in rows]
    for c in range(len(schema.columns)):
        assert back.columns[c] == [row[1][c] for row in rows], c
        assert back.qualities[c] == [row[2][c] if row[2] else 0 for row in rows], c
    assert report_reader.peek(block) == (schema.id, rn)
    assert len(block) <= bound(rows)
    return block


def bound(rows):
    # The worst case as report.py states it.
    n = len(rows)
    columns = len(rows[0][1])
    size = 32 + (columns + 1) * (4 * n + 5)
    if any(None in row[1] for row in rows):
        size += columns * ((n + 7) // 8)
    if any(row[2] and any(row[2]) for row in rows):
        size += (columns * 5 * n + 7) // 8
    return size


def series(values, step_s=300):
    return [(T0 + step_s * i, [value], None) for i, value in enumerate(values)]


def test_golden_blocks():
    for hexed, columns, given, meaning in vectors("report.hex"):
        given = eval(given)
        rows = given.pop("rows")
        block = check(schema_of(int(columns)), rows, **given)
        assert hexlify(block) == hexed.encode(), meaning


def test_the_greenhouse_hour_is_small():
    # 12 samples of 10 channels with jitter of the times: 90 bytes in the hour that was picked.
    hexed = [line for line in vectors("report.hex")][-1][0]
    assert len(hexed) // 2 == 90


def test_every_count_of_samples():
    for n in list(range(1, 20)) + [127, 128]:
        check(schema_of(1), series([(i * 37) % 11 for i in range(n)]))


def test_32_columns():
    rows = [(T0 + 300 * i, [c * 1000 + i * c for c in range(32)], None) for i in range(4)]
    check(schema_of(32), rows)


def test_steps_of_every_size():
    # Zigzag differences of every bit length, alone and among small ones: Rice, 24 ones and raw.
    for bits in range(33):
        for step in ((1 << bits) - 1, -(1 << bits)):
            high = max(-(1 << 31), min((1 << 31) - 1, step))
            check(schema_of(1), series([0, high]))
            check(schema_of(1), series([0, high, 0, high, 0]))
            check(schema_of(1), series([0] * 20 + [high] + [1] * 20))


def test_steps_over_the_whole_range():
    low, high = -(1 << 31), (1 << 31) - 1
    check(schema_of(1), series([low, high, low, 0, high, -1, high, low]))


def test_what_a_batch_refuses():
    batch = Batch(schema_of(2), 4)
    for value in (1 << 31, -(1 << 31) - 1):
        raises(ReportError, batch.add, T0, [0, value])
    raises(ReportError, batch.add, -1, [0, 0])
    raises(ReportError, batch.add, 1 << 32, [0, 0])
    raises(ReportError, batch.add, T0, [0])
    raises(ReportError, batch.add, T0, [0, 0], [0, 6])
    raises(ReportError, batch.add, T0, [0, 0], [-1, 0])
    assert len(batch) == 0


def test_times():
    schema = schema_of(1)
    for times in (
        [T0, T0 + 300, T0 + 600],  # as the schema says
        [T0, T0 + 60, T0 + 120],  # regular in another way
        [T0, T0 + 301, T0 + 599, T0 + 900],  # jitter
        [T0, T0 + 300, T0 + 1200],  # rounds missed
        [T0, T0, T0],
        [T0, T0 - 500, T0 + 300],  # the clock was set
        [0, 0xFFFFFFFF, 5],
        [0xFFFFFFFF],
    ):
        check(schema, [(t, [5], None) for t in times])


def test_regular_times_cost_nothing():
    regular = check(schema_of(1), series([5] * 12))
    jitter = check(schema_of(1), [(T0 + 300 * i + i % 2, [5], None) for i in range(12)])
    assert len(regular) == 10
    assert len(jitter) == 14


def test_gaps():
    for pattern in range(32):
        values = [None if pattern >> i & 1 else i * i for i in range(5)]
        rows = [(T0 + 300 * i, [7, value, 2 * i], None) for i, value in enumerate(values)]
        check(schema_of(3), rows)


def test_no_value_at_all():
    check(schema_of(2), [(T0 + 300 * i, [None, None], [5, 2]) for i in range(12)])


def test_quality():
    schema = schema_of(3)
    for period in (1, 2, 3, 7):
        rows = []
        for i in range(20):
            quality = i // period % 6
            value = None if quality == 5 else i
            rows.append((T0 + 300 * i, [value, 1, i], [quality, 0, 0 if i < 19 else 1]))
        check(schema, rows)


def test_a_fault_of_a_whole_hour_is_a_byte():
    good = check(schema_of(2), [(T0 + 300 * i, [5, 5], [0, 0]) for i in range(12)])
    bad = check(schema_of(2), [(T0 + 300 * i, [5, 5], [0, 2]) for i in range(12)])
    assert len(bad) - len(good) <= 1


def test_noise_is_bounded():
    # The worst input for the coder: values without any order over all 32 bits, gaps and faults.
    state = 1
    rows = []
    for _ in range(60):
        values = []
        qualities = []
        for _ in range(4):
            state = (state * 1103515245 + 12345) & 0xFFFFFFFF
            values.append(None if state >> 28 == 3 else state - (1 << 31))
            qualities.append((state >> 20) % 6)
        rows.append(((state * 69069) & 0xFFFFFFFF, values, qualities))
    check(schema_of(4), rows, rn=0xFFFFFFFF, uptime_s=0xFFFFFFFF, synced=False)


def test_a_batch_is_used_again():
    schema = schema_of(2)
    batch = Batch(schema, 3)
    raises(ReportError, batch.encode, 1)
    blocks = []
    for rn in (1, 2):
        assert not batch.full
        batch.add(T0, [1, None], [0, 5])
        batch.add(T0 + 300, [2, 2])
        batch.add(T0 + 600, [3, 3])
        assert batch.full and len(batch) == 3
        raises(ReportError, batch.add, T0, [1, 1])
        blocks.append(batch.encode(rn))
        assert batch.encode(rn) == blocks[-1]  # encoding changes nothing
        batch.clear()
    for i in range(3):
        batch.add(T0 + 300 * i, [1, 2])
    fresh = Batch(schema, 3)
    for i in range(3):
        fresh.add(T0 + 300 * i, [1, 2])
    assert batch.encode(3) == fresh.encode(3)


def test_capacity_is_bounded():
    raises(ReportError, Batch, schema_of(1), 0)
    raises(ReportError, Batch, schema_of(1), 1001)


def lookup(id):
    return schema_of(3) if id == 1 else None


def sample_block():
    batch = Batch(schema_of(3), 8)
    for i in range(8):
        batch.add(T0 + 300 * i + i % 3, [i * i, None if i == 3 else 5 * i, 9], [0, 0, i // 6])
    return batch.encode(77, False, 1000)


def test_unknown_schema():
    batch = Batch(schema_of(1, id=9), 1)
    batch.add(T0, [1])
    block = batch.encode(42)
    assert raises(UnknownSchema, report_reader.decode, block, lookup).schema_id == 9
    assert report_reader.peek(block) == (9, 42)


def test_every_cut_is_refused():
    block = sample_block()
    for size in range(len(block)):
        raises(ReportError, report_reader.decode, block[:size], lookup)
    raises(ReportError, report_reader.decode, block + b"\0", lookup)


def test_every_changed_bit_is_survived():
    # A frame's tag keeps such blocks away: here it only matters that nothing else is raised.
    block = sample_block()
    refused = 0
    for bit in range(8 * len(block)):
        bad = bytearray(block)
        bad[bit >> 3] ^= 1 << (bit & 7)
        try:
            report_reader.decode(bad, lookup)
        except ReportError:
            refused += 1
    assert refused > 20


def header(flags, n, rest=b""):
    out = bytearray(b"\x01")
    out.append(flags)
    put_varint(out, 1)
    put_varint(out, n)
    return bytes(out) + unhexlify("04a62f80") + rest


def test_refused():
    for block in (
        b"",
        b"\x00\x05\xa0",  # an event
        header(64, 1, b"\0\0\0"),
        header(128, 1, b"\0\0\0"),
        header(0, 0),
        header(0, 1001, b"\0\0\0\0\0"),
        header(2, 1, b"\x08\x80\0\0\0"),  # gaps in column 3 of 3
        header(2, 1, b"\x01\x81\0\0\0"),  # the bits after the last sample are not zero
        header(16, 1, b"\0\0\0\xf8"),  # quality 7
        header(16, 2, b"\0\0\0\x00\x08\x92"),  # a run of 2 or more beyond the last sample
    ):
        raises(ReportError, report_reader.decode, block, lookup)
    raises(ReportError, report_reader.peek, b"")
    raises(ReportError, report_reader.peek, b"\x01\x00")
