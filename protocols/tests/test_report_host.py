"""Report blocks: random round trips, random bytes, and the size of a greenhouse hour."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from protocols import report_reader, rice
from protocols.bit_reader import BitReader, read_column
from protocols.bits import BitWriter, unzigzag
from protocols.report import Batch, ReportError
from protocols.schema import Column, Schema
from protocols.tests import greenhouse

INT32 = st.integers(-(2**31), 2**31 - 1)
SMALL = st.integers(-20, 20)
QUALITY = st.integers(0, 5)


def schema_of(count: int, interval_s: int = 300) -> Schema:
    return Schema(1, 1, interval_s, [Column(f"c{c}", "1", 1, 0, 0, 0) for c in range(count)])


@st.composite
def batches(draw: st.DrawFn) -> tuple[Schema, list[tuple[int, list[int | None], list[int]]]]:
    """Columns that are constant, wander, jump or have gaps; times with and without jitter."""
    samples = draw(st.integers(1, 40))
    columns: list[list[int | None]] = []
    qualities = []
    for _ in range(draw(st.integers(1, 8))):
        value = draw(st.sampled_from([st.just(5), SMALL, INT32, SMALL | st.none(), st.none()]))
        columns.append(draw(st.lists(value, min_size=samples, max_size=samples)))
        quality = draw(st.sampled_from([st.just(0), QUALITY, st.sampled_from([0, 0, 0, 2])]))
        qualities.append(draw(st.lists(quality, min_size=samples, max_size=samples)))
    jitter = draw(st.sampled_from([st.just(0), st.integers(-2, 2), st.integers(0, 2**31)]))
    offsets = draw(st.lists(jitter, min_size=samples, max_size=samples))
    rows = [
        (2 + 300 * i + offsets[i], [c[i] for c in columns], [q[i] for q in qualities])
        for i in range(samples)
    ]
    return schema_of(len(columns), draw(st.sampled_from([300, 60]))), rows


@given(batches(), st.integers(0, 2**32 - 1), st.booleans(), st.none() | st.integers(0, 2**32 - 1))
def test_round_trip(
    batch_of: tuple[Schema, list[tuple[int, list[int | None], list[int]]]],
    rn: int,
    synced: bool,
    uptime_s: int | None,
) -> None:
    schema, rows = batch_of
    batch = Batch(schema, len(rows))
    for row in rows:
        batch.add(*row)
    back = report_reader.decode(batch.encode(rn, synced, uptime_s), lambda _: schema)
    assert (back.rn, back.synced, back.uptime_s) == (rn, synced, uptime_s)
    assert back.times == [t for t, _, _ in rows]
    assert list(zip(*back.columns, strict=True)) == [tuple(values) for _, values, _ in rows]
    assert list(zip(*back.qualities, strict=True)) == [tuple(codes) for _, _, codes in rows]


@given(st.binary(max_size=60), st.integers(0, 63), st.integers(1, 20))
def test_any_bytes_give_a_block_or_report_error(rest: bytes, flags: int, samples: int) -> None:
    schema = schema_of(3)
    for data in (rest, bytes((1, flags, 9, samples)) + rest):
        try:
            block = report_reader.decode(data, lambda _: schema)
        except ReportError:
            continue
        assert len(block.times) == len(block.columns[0]) == len(block.qualities[0])


def test_1000_samples_of_32_columns() -> None:
    schema = schema_of(32)
    batch = Batch(schema, 1000)
    for i in range(1000):
        batch.add(300 * i, [(i * 37 + c) % 11 for c in range(32)])
    back = report_reader.decode(batch.encode(1), lambda _: schema)
    assert back.times[-1] == 300 * 999
    assert back.columns[31] == [(i * 37 + 31) % 11 for i in range(1000)]


def column_bits(numbers: list[int]) -> int:
    out = bytearray()
    writer = BitWriter(out)
    rice.write_column(writer, numbers, len(numbers), sum(numbers))
    bits = 8 * len(out) + writer.used
    writer.finish()
    assert read_column(BitReader(out), len(numbers)) == list(accumulate(map(unzigzag, numbers)))
    return bits


def best_bits(numbers: list[int]) -> int:
    """The shortest that any Rice parameter gives, or raw."""
    n = len(numbers)
    widths = [sum((x >> k) + 1 + k if x >> k < 24 else 56 for x in numbers) for k in range(14)]
    return 4 + min([*widths, 5 + n * max(x.bit_length() for x in numbers)])


@given(st.integers(0, 32), st.data())
def test_a_column_is_bounded(width: int, data: st.DataObject) -> None:
    number = st.integers(0, 2**width - 1) if width else st.just(0)
    numbers = data.draw(st.lists(number | st.integers(0, 1), min_size=1, max_size=40))
    assert column_bits(numbers) <= 9 + 32 * len(numbers)


def test_the_rule_for_k_loses_nothing() -> None:
    """Within 1 % of trying every k, over a week of differences."""
    chosen = best = 0
    rows = greenhouse.samples(2)
    for start in range(0, len(rows), 12):
        for c in range(len(greenhouse.CHANNELS)):
            column = [values[c] for _, values in rows[start : start + 12]]
            steps = [b - a for a, b in zip(column, column[1:], strict=False)]
            numbers = [2 * d if d >= 0 else -2 * d - 1 for d in steps]
            if any(numbers):
                chosen += column_bits(numbers)
                best += best_bits(numbers)
    assert chosen <= 1.01 * best


def test_a_greenhouse_hour_takes_85_bytes() -> None:
    """12 samples of 10 channels with jitter, over a week: the mean is what energy is paid for."""
    schema = Schema(
        1, 1, 300, [Column(c[0], c[1], c[2], -(2**31), 2**31 - 1, 0) for c in greenhouse.CHANNELS]
    )
    for seed in (2, 3, 4):
        rows = greenhouse.samples(seed)
        sizes = []
        batch = Batch(schema, 12)
        for start in range(0, len(rows), 12):
            batch.clear()
            for t, values in rows[start : start + 12]:
                batch.add(t, values)
            sizes.append(len(batch.encode(1000 + start // 12)))
        assert len(sizes) == 168
        assert sum(sizes) / len(sizes) <= 85
        assert max(sizes) <= 100
