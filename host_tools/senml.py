"""SenML packs (RFC 8428) of stored series, in JSON and in CBOR; and back again.

SenML has no quality and no mark for a clock that was not set: only normal values with a time that
can be trusted go in. Units are written as the schema names them.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .errors import FieldbeatError
from .series import Series

# RFC 8428, table 4: labels in JSON and in CBOR.
LABELS = {
    "bver": -1,
    "bn": -2,
    "bt": -3,
    "bu": -4,
    "bv": -5,
    "bs": -6,
    "n": 0,
    "u": 1,
    "v": 2,
    "vs": 3,
    "vb": 4,
    "s": 5,
    "t": 6,
    "ut": 7,
    "vd": 8,
}
_NAMES: dict[Any, str] = {label: name for name, label in LABELS.items()}
VERSION = 10
ABSOLUTE_S = 2**28  # a smaller time is relative to now (4.5.3)

Pack = list[dict[str, Any]]


class SenMLError(FieldbeatError):
    """Not a SenML pack."""


class Point(NamedTuple):
    """A resolved record: full name, unit, Unix seconds, value (or sum)."""

    name: str
    unit: str
    t: float
    value: Any


def pack(found: Iterable[Series]) -> Pack:
    """Return series as a SenML pack: base name and time once, the base unit once a series."""
    records: Pack = []
    start = 0
    for series in found:
        first = True
        for sample in series.samples:
            if not sample.good:
                continue
            record: dict[str, Any] = {}
            if not records:
                start = sample.t
                record |= {"bn": f"{series.unit}/", "bt": start}
            if first:
                record["bu"] = series.symbol
                first = False
            record["n"] = series.channel
            if sample.t != start:
                record["t"] = sample.t - start
            records.append(record | {"v": series.value(sample)})
    return records


def to_json(records: Pack) -> str:
    """Write a pack as JSON (application/senml+json)."""
    rows = (json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records)
    return "[" + ",\n".join(rows) + "]\n"


def to_cbor(records: Pack) -> bytes:
    """Write a pack as CBOR (application/senml+cbor), by cbor2."""
    import cbor2

    numbered = [{LABELS[name]: value for name, value in record.items()} for record in records]
    return cbor2.dumps(numbered, canonical=True)


def from_json(text: str) -> Pack:
    """Read a pack from JSON.

    Raises:
        SenMLError: it is none.
    """
    try:
        return _checked(json.loads(text))
    except ValueError as error:
        raise _error(f"no JSON: {error}") from None


def from_cbor(data: bytes) -> Pack:
    """Read a pack from CBOR.

    Raises:
        SenMLError: it is none.
    """
    from . import strict_cbor

    try:
        items = _checked(strict_cbor.loads(data))
    except strict_cbor.StrictCBORError as error:
        raise _error(str(error)) from None
    return [{_NAMES.get(key, key): value for key, value in item.items()} for item in items]


def resolve(records: Pack) -> Iterator[Point]:
    """Yield the records with all base values applied (4.6).

    Raises:
        SenMLError: a name or a value is missing, or the version is a later one.
    """
    base: dict[str, Any] = {"bn": "", "bt": 0, "bu": "", "bv": 0, "bs": 0, "bver": VERSION}
    for record in records:
        base |= {name: value for name, value in record.items() if name in base}
        if base["bver"] > VERSION:
            raise _error(f"version {base['bver']}, known up to {VERSION}")
        name = base["bn"] + record.get("n", "")
        if not name:
            raise _error("a record without a name")
        kinds = [kind for kind in ("v", "vs", "vb", "vd", "s") if kind in record]
        if not kinds:
            continue  # base values only
        value = record[kinds[0]]
        if kinds[0] in ("v", "s"):
            value += base["bv" if kinds[0] == "v" else "bs"]
        t = base["bt"] + record.get("t", 0)
        yield Point(name, record.get("u", base["bu"]), t, value)


def _checked(items: Any) -> Pack:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _error("a pack is a list of records")
    return items


def _error(what: str) -> SenMLError:
    return SenMLError(f"this is no SenML: {what}", "see RFC 8428")
