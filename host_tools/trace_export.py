"""Takes a trace out of a collector's store."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import cbor, event, trace

from . import operations
from .errors import CannotTry
from .language import tr
from .operations import Operation
from .store import Store
from .times import iso
from .trace_file import CHECK_BYTES, NO_CHECK, TraceFile

_ROOT, _OPERATION, _SCHEMA = event.ROOT, event.OPERATION, event.SCHEMA


@dataclass(frozen=True)
class Told:
    """An event of a unit; `t` in Unix seconds."""

    rn: int
    t: int
    body: dict[int, Any]

    @property
    def operation(self) -> Operation | None:
        return operations.parse(self.body)


def events(store: Store, unit: str, type_: int) -> list[Told]:
    """Return the events of one type in a unit's present run, by number."""
    contact = store.contact(unit)
    rows = store.database.all(
        "SELECT rn, t, body FROM events JOIN records ON records.id = record"
        " WHERE events.unit = ? AND type = ? AND run = ? ORDER BY rn",
        *(unit, type_, contact.run if contact else 0),
    )
    return [Told(row["rn"], row["t"], cbor.decode(row["body"])) for row in rows]


def batch_span(store: Store, unit: str, batch: str) -> tuple[int, int]:
    """Return the first and the last record of a batch.

    Raises:
        CannotTry: the unit has told of no such batch.
    """
    told = events(store, unit, _OPERATION)
    named = [each for each in told if each.operation and each.operation.batch == batch]
    if not named:
        known = sorted({each.operation.batch or "" for each in told if each.operation} - {""})
        step = (
            tr("known: {listed}").format(listed=", ".join(known))
            if known
            else tr("it has told of no batch yet")
        )
        raise CannotTry(
            tr("{unit} has told of no batch '{batch}'").format(unit=unit, batch=batch), step
        )
    return named[0].rn, named[-1].rn


def export(
    store: Store,
    unit: str,
    kid: bytes,
    keys: list[bytes],
    first_s: float | None = None,
    end_s: float | None = None,
    batch: str | None = None,
) -> TraceFile:
    """Return a trace from the root before what is wanted to the root after it.

    It has the schemas of its reports in it, since they are records as well.

    Args:
        store: the collector's.
        unit: its name.
        kid: its key id.
        keys: its public keys, of which those that have signed go into the file.
        first_s: from then on, Unix seconds; default: from the beginning.
        end_s: until then; default: until the last root.
        batch: from the first record of a batch to its last one.

    Raises:
        CannotTry: nothing of it is signed.
    """
    roots = events(store, unit, _ROOT)
    if not roots:
        step = tr("wait for the first wake of a day; it needs [trace] and 'fieldbeat provision'")
        raise CannotTry(tr("nothing that {unit} told is signed yet").format(unit=unit), step)
    low, high = _wanted(store, unit, roots, first_s, end_s, batch)
    if low:
        schemas = [each.rn for each in events(store, unit, _SCHEMA)]
        low = max([rn for rn in schemas if rn <= low], default=0)
        low = max([root.rn for root in roots if root.rn <= low], default=0)
    begin = low or _begin(roots[0])
    records = _records(store, unit, begin, high)
    if low > high or len(records) < 2:
        raise CannotTry(
            tr("{unit} has told nothing between these times").format(unit=unit),
            tr("give other times"),
        )
    within = [root for root in roots if begin <= root.rn <= high]
    signers = {root.body.get(event.ROOT_KEY) for root in within}
    used = [key for key in keys if hashlib.sha256(key).digest()[:8] in signers]
    if not used:
        when = iso(within[-1].t)
        step = tr("name the registry with which it was provisioned: --registry")
        raise CannotTry(
            tr("the key that has signed {when} is not in the registry").format(when=when), step
        )
    raw = [record for _, record in records]
    return TraceFile(unit, kid, tuple(used), raw, _checks(records, within))


def _wanted(
    store: Store,
    unit: str,
    roots: list[Told],
    first_s: float | None,
    end_s: float | None,
    batch: str | None,
) -> tuple[int, int]:
    """Return the root before what is wanted, 0 for the begin, and the root after it."""
    low, high = 0, roots[-1].rn
    if batch is not None:
        low, last = batch_span(store, unit, batch)
        high = next((root.rn for root in roots if root.rn > last), 0)
        if not high:
            step = tr("wait for the first wake of the next day, then export again")
            raise CannotTry(
                tr("the last record of batch {batch}, {last}, is not signed yet").format(
                    batch=batch, last=last
                ),
                step,
            )
    if first_s is not None:
        low = max([root.rn for root in roots if root.t <= first_s], default=0)
    if end_s is not None:
        high = next((root.rn for root in roots if root.t >= end_s), high)
    return low, high


def _begin(root: Told) -> int:
    """Return where the chain begins that the first root signs."""
    gaps = root.body.get(event.ROOT_GAPS, ())
    starts = [gap[1] + 1 for gap in gaps if gap[2] is None and gap[3] == trace.START]
    return starts[0] if starts else root.rn


def _records(store: Store, unit: str, first: int, last: int) -> list[tuple[int, bytes]]:
    contact = store.contact(unit)
    rows = store.database.all(
        "SELECT rn, raw FROM records WHERE unit = ? AND run = ? AND rn BETWEEN ? AND ?"
        " ORDER BY rn",
        *(unit, contact.run if contact else 0, first, last),
    )
    return [(row["rn"], row["raw"]) for row in rows]


def _checks(records: list[tuple[int, bytes]], roots: list[Told]) -> bytes:
    """Return the beginnings of the chain's values, as they are when the file is made."""
    anchors: dict[int, bytes] = {}
    for root in roots:
        for _, last, _, after in root.body.get(event.ROOT_GAPS, ()):
            anchors[last + 1] = after
    anchors |= {root.rn: root.body[event.ROOT_CHAIN] for root in roots}
    blind = [
        (first, last)
        for root in roots
        for first, last, before, after in root.body.get(event.ROOT_GAPS, ())
        if before in (None, after)
    ]
    value, expected, checks = None, 0, bytearray()
    for rn, raw in records:
        if rn != expected or any(first <= rn <= last for first, last in blind):
            value = None
        value = anchors.get(rn, value)
        if value is not None:
            value = trace.link(value, rn, raw)
        checks += value[:CHECK_BYTES] if value else NO_CHECK
        expected = rn + 1
    return bytes(checks)
