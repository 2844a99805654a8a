"""The same report in other encodings, each as small as its rules allow, and the bound of entropy.

A report is a list of (time in s, counts of each channel). Where an encoding carries floats, they
are as short as the channel's resolution allows.
"""

from __future__ import annotations

import json
import math
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cbor2

Row = tuple[int, Sequence[int]]
Report = Sequence[Row]


class Channel(NamedTuple):
    """A column: its name, SenML unit and counts per unit."""

    name: str
    unit: str
    scale: int


def json_rows(report: Report, channels: Sequence[Channel]) -> int:
    """JSON with one letter a key, no spaces: what many devices send."""
    keys = "abcdefghijklmnopqrstuvwxyz"
    maps = [
        {"t": t, **{keys[c]: values[c] / channels[c].scale for c in range(len(channels))}}
        for t, values in report
    ]
    return len(json.dumps(maps, separators=(",", ":")))


def senml_cbor(report: Report, channels: Sequence[Channel]) -> int:
    """SenML-CBOR (RFC 8428): base name and unit of each channel, whole numbers as integers.

    Numbers that are no integers are floats of 16 or 32 bits, whichever keeps the resolution.
    """
    bn, bt, bu, bv, v, t = -2, -3, -4, -5, 2, 6
    start = report[0][0]
    records = []
    for c, channel in enumerate(channels):
        counts = [values[c] for _, values in report]
        whole = channel.scale == 1
        for i, (time, _) in enumerate(report):
            value = counts[i] - counts[0] if whole else _short(counts[i], channel.scale)
            record: dict[int, object] = {v: value}
            if time != start:
                record[t] = time - start
            if i == 0:
                record |= {bn: channel.name, bu: channel.unit}
                record |= {bt: start} if c == 0 else {}
                record |= {bv: counts[0] if whole else 0}  # it would go on to the next channel
            records.append(record)
    return len(cbor2.dumps(records, canonical=True))


def _short(counts: int, scale: int) -> float:
    """The float of fewest bits that still rounds to these counts."""
    value = counts / scale
    for form in ("e", "f"):
        short = struct.unpack(form, struct.pack(form, value))[0]
        if round(short * scale) == counts and abs(short * scale - counts) < 0.05:
            return short
    return value


def packed_structs(report: Report, channels: Sequence[Channel]) -> int:
    """A fixed template, as for LoRa or a Notecard: u32 time and 16 bits a value."""
    form = struct.Struct(f">I{len(channels)}H")
    rows = [form.pack(t, *(value & 0xFFFF for value in values)) for t, values in report]
    return len(b"".join(rows))


def cbor_rows(report: Report, channels: Sequence[Channel]) -> int:
    """CBOR arrays of scaled integers."""
    return len(cbor2.dumps([[t, *values] for t, values in report]))


def cbor_delta_columns(report: Report, channels: Sequence[Channel]) -> int:
    """CBOR arrays, one a column, of a first value and differences."""
    columns = [[t for t, _ in report]]
    columns += [[values[c] for _, values in report] for c in range(len(channels))]
    steps = [[x[0], *(b - a for a, b in zip(x, x[1:], strict=False))] for x in columns]
    return len(cbor2.dumps(steps))


def gorilla(report: Report, channels: Sequence[Channel]) -> int:
    """Gorilla (VLDB 2015, 4.1): times as differences of differences, values as XORed float32."""
    bits = 32 + _gorilla_times([t for t, _ in report])
    for c, channel in enumerate(channels):
        words = [
            struct.unpack(">I", struct.pack(">f", values[c] / channel.scale))[0]
            for _, values in report
        ]
        bits += 32 + _gorilla_values(words)
    return (bits + 7) // 8


def _gorilla_times(times: list[int]) -> int:
    steps = [b - a for a, b in zip(times, times[1:], strict=False)]
    bits = 14
    for before, step in zip(steps, steps[1:], strict=False):
        d = step - before
        bits += 1 if d == 0 else 9 if -63 <= d <= 64 else 12 if -255 <= d <= 256 else 16
    return bits


def _gorilla_values(words: list[int]) -> int:
    bits, window = 0, (33, 33)
    for before, word in zip(words, words[1:], strict=False):
        x = before ^ word
        if not x:
            bits += 1
            continue
        leading, trailing = 32 - x.bit_length(), (x & -x).bit_length() - 1
        if leading >= window[0] and trailing >= window[1]:
            bits += 2 + 32 - sum(window)
        else:
            window = (leading, trailing)
            bits += 2 + 5 + 5 + 32 - leading - trailing
    return bits


ENCODINGS: dict[str, Callable[[Report, Sequence[Channel]], int]] = {
    "JSON, keys of one letter": json_rows,
    "SenML-CBOR, tightest legal form": senml_cbor,
    "CBOR rows of scaled integers": cbor_rows,
    "packed structs": packed_structs,
    "Gorilla, float32": gorilla,
    "CBOR delta columns": cbor_delta_columns,
}

_HEADER = 1 + 1 + 1 + 4  # schema, flags, number of samples, time of the first one


def entropy_bound(reports: Sequence[Report], interval_s: int) -> float:
    """Bytes of a report that no coder of independent differences can beat on average.

    For each channel the entropy of the differences within reports, over all reports (so a coder
    would have to know their distribution beforehand), the same for the times, and what every
    report begins with: a header and first values in whole bytes.
    """
    channels = range(len(reports[0][0][1]))
    columns = [[t - interval_s * i for i, (t, _) in enumerate(report)] for report in reports]
    bits = _difference_bits(columns)
    firsts = 0
    for c in channels:
        columns = [[values[c] for _, values in report] for report in reports]
        bits += _difference_bits(columns)
        firsts += sum(_varint_size(column[0]) for column in columns)
    return _HEADER + (firsts + bits / 8) / len(reports)


def _difference_bits(columns: list[list[int]]) -> float:
    counts = Counter(b - a for x in columns for a, b in zip(x, x[1:], strict=False))
    total = sum(counts.values())
    return -sum(n * math.log2(n / total) for n in counts.values())


def _varint_size(value: int) -> int:
    zigzag = 2 * value if value >= 0 else -2 * value - 1
    return max(1, (zigzag.bit_length() + 6) // 7)
