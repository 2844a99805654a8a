"""Takes a report block to pieces, bit by bit. The layout is told in `protocols/report.py`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable

from fieldbeat.protocols import report
from fieldbeat.protocols.bits import unzigzag
from fieldbeat.protocols.schema import Column, Schema

from . import scaled
from .explain_cbor import since_2024
from .language import tr
from .layers import Layer
from .scaled import quality_name

_FLAGS = {
    report.UNSYNCED: tr("clock not set"),
    report.GAPS: "gaps",
    report.INTERVAL: "interval",
    report.TIMES: "times",
    report.QUALITY: "quality",
    report.UPTIME: "uptime",
}
_RAW, _ONES_MAX = 15, 24  # as in protocols/rice.py


def walk(layer: Layer, lookup: Callable[[int], Schema | None]) -> None:
    """Note every field of a report block.

    Args:
        layer: holds the block.
        lookup: gives the schema of an id; without one the columns stay closed.

    Raises:
        ValueError: the block ends too early, or has more samples than a report may have.
    """
    schema = lookup(layer.varint(tr("schema id")))
    flags = layer.number(1, "flags", _flags)
    layer.varint("rn", tr("record number {}").format)
    count = layer.varint("n", "{} samples".format)
    layer.number(4, "t0", since_2024)
    if not 1 <= count <= report.MAX_SAMPLES:
        raise ValueError(
            tr("a report has 1 to {max_samples} samples").format(max_samples=report.MAX_SAMPLES)
        )
    if flags & report.INTERVAL:
        layer.varint("interval", "{} s".format)
    if flags & report.UPTIME:
        layer.number(4, "uptime", "{} s".format)
    if schema is None:
        layer.raw(layer.left, "columns", tr("closed: the schema is not known"))
        return
    present = _gaps(layer, schema, flags, count)
    firsts = [
        _first(layer, column) if sum(here) else None
        for column, here in zip(schema.columns, present, strict=True)
    ]
    if flags & report.TIMES:
        _numbers(layer, "times", count - 1, lambda n: f"{unzigzag(n):+d} s")
    for column, first, here in zip(schema.columns, firsts, present, strict=True):
        if first is not None and sum(here) > 1:
            _numbers(layer, column.name, sum(here) - 1, _Steps(column, first))
    if flags & report.QUALITY:
        for column in schema.columns:
            _quality(layer, column, count)
    layer.fill()


class _Steps:
    """Tells what a zigzag difference makes of the value before it."""

    def __init__(self, column: Column, first: int) -> None:
        self.column, self.value = column, first

    def __call__(self, number: int) -> str:
        step = unzigzag(number)
        self.value = (self.value + step + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return f"{step:+d}: {in_units(self.value, self.column)}"


def in_units(counts: int, column: Column) -> str:
    """Return counts as a value with its SenML unit."""
    return f"{scaled.text(counts, column.scale)} {column.unit}"


def _flags(flags: int) -> str:
    names = [name for bit, name in _FLAGS.items() if flags & bit]
    return " + ".join(names) or tr("none")


def _gaps(layer: Layer, schema: Schema, flags: int, count: int) -> list[list[int]]:
    """Return for each column a list of `count` numbers: 1 where there is a value."""
    present = [[1] * count for _ in schema.columns]
    if not flags & report.GAPS:
        return present
    names = [column.name for column in schema.columns]
    mask = layer.varint(
        tr("gaps in"), lambda bits: ", ".join(n for c, n in enumerate(names) if bits >> c & 1)
    )
    for c, name in enumerate(names):
        if mask >> c & 1:
            bits = layer.bits(count, name, tr("1: there is a value"))
            present[c] = [bits >> (count - 1 - i) & 1 for i in range(count)]
            layer.fill()
    return present


def _first(layer: Layer, column: Column) -> int:
    number = layer.varint(
        tr("first value"),
        lambda n: f"{column.name}: {unzigzag(n)} = {in_units(unzigzag(n), column)}",
    )
    return unzigzag(number)


def _numbers(layer: Layer, name: str, count: int, told: Callable[[int], str]) -> None:
    """Note a column of numbers as `protocols/rice.py` codes them."""
    code = layer.bits(4, name, _code)
    if code == 0:
        return
    width = (
        layer.bits(5, "width - 1", lambda n: tr("{value} bits each").format(value=n + 1)) + 1
        if code == _RAW
        else 0
    )
    for _ in range(count):
        start = layer.at
        number = layer.get(width) if width else _rice(layer, code - 1)
        layer.note(start, "", f"{number} -> {told(number)}", binary=True)


def _code(code: int) -> str:
    if code == 0:
        return "constant"
    return "raw" if code == _RAW else tr("Rice, k = {value}").format(value=code - 1)


def _rice(layer: Layer, k: int) -> int:
    ones = 0
    while layer.get(1):
        ones += 1
        if ones == _ONES_MAX:
            return layer.get(32)
    return ones << k | layer.get(k)


def _quality(layer: Layer, column: Column, count: int) -> None:
    name = tr("quality of {name}").format(name=column.name)
    if not layer.bits(1, name, lambda bit: tr("runs follow") if bit else tr("all normal")):
        return
    while count:
        quality = layer.bits(3, "quality", quality_name)
        if layer.bits(
            1, tr("to the end"), lambda bit: "yes" if bit else tr("no: a length follows")
        ):
            return
        start, width = layer.at, 0
        while not layer.get(1):
            width += 1
        run = 1 << width | layer.get(width)
        layer.note(
            start,
            "run",
            tr("{run} samples {quality_name}").format(run=run, quality_name=quality_name(quality)),
            binary=True,
        )
        count -= min(run, count)
