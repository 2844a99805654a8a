"""SenML packs (RFC 8428) of stored series, in JSON and in CBOR.

SenML has no quality and no mark for a clock that was not set: only normal values with a time that
can be trusted go in. Units are written as the schema names them.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

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

Pack = list[dict[str, Any]]


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
