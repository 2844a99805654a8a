"""Reads SenML (RFC 8428), as another program would: what `export` wrote must come back."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from fieldbeat.host_tools import strict_cbor
from fieldbeat.host_tools.senml import LABELS, Pack

_NAMES: dict[Any, str] = {label: name for name, label in LABELS.items()}
VERSION = 10
ABSOLUTE_S = 2**28  # a smaller time is relative to now (4.5.3)


class SenMLError(ValueError):
    """Not a SenML pack."""


class Point(NamedTuple):
    """A resolved record: full name, unit, Unix seconds, value (or sum)."""

    name: str
    unit: str
    t: float
    value: Any


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
    return SenMLError(f"this is no SenML: {what}")
