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
    """An event of a unit; `t` in Unix seconds.

    A unit whose flash was erased, or whose board was swapped, counts from 1 in a new `run`.
    """

    run: int
    rn: int
    t: int
    body: dict[int, Any]

    @property
    def operation(self) -> Operation | None:
        return operations.parse(self.body)

    @property
    def batch(self) -> str:
        """Which an operation is of, or ''."""
        return self.operation.batch or "" if self.operation else ""


def events(store: Store, unit: str, type_: int, run: int | None = None) -> list[Told]:
    """Return the events of one type of a unit, by number; default: of all its runs."""
    rows = store.database.all(
        "SELECT run, rn, t, body FROM events JOIN records ON records.id = record"
        " WHERE events.unit = ? AND type = ? AND run = ifnull(?, run) ORDER BY run, rn",
        *(unit, type_, run),
    )
    return [Told(row["run"], row["rn"], row["t"], cbor.decode(row["body"])) for row in rows]


def runs(store: Store, unit: str, batch: str | None = None) -> list[int]:
    """Return the runs in which a unit has told of a batch, or else all, the newest first.

    Raises:
        CannotTry: the unit has told of no such batch.
    """
    if batch is None:
        contact = store.contact(unit)
        signed = {root.run for root in events(store, unit, _ROOT)}
        return sorted(signed | {contact.run if contact else 1}, reverse=True)
    told = [each for each in events(store, unit, _OPERATION) if each.operation]
    found = sorted({each.run for each in told if each.batch == batch}, reverse=True)
    if not found:
        known = sorted({each.batch for each in told} - {""})
        step = (
            tr("known: {listed}").format(listed=", ".join(known))
            if known
            else tr("it has told of no batch yet")
        )
        raise CannotTry(
            tr("{unit} has told of no batch '{batch}'").format(unit=unit, batch=batch), step
        )
    return found


def other_runs(known: list[int], run: int) -> str:
    """Return how one gets what is in other runs than this one, '' if there are none."""
    listed = ", ".join(str(each) for each in sorted(known) if each != run)
    return listed and tr("it began to count anew, --run has the rest: {listed}").format(
        listed=listed
    )


def export(
    store: Store,
    unit: str,
    kid: bytes,
    keys: list[bytes],
    first_s: float | None = None,
    end_s: float | None = None,
    batch: str | None = None,
    run: int | None = None,
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
        run: of this run; default: of the newest, or the newest that tells of the batch.

    Raises:
        CannotTry: nothing of it is signed.
    """
    known = runs(store, unit, batch)
    run = run or known[0]
    others = other_runs(known, run)
    if run not in known:
        raise CannotTry(
            tr("{unit} has told nothing of it in run {run}").format(unit=unit, run=run), others
        )
    roots = events(store, unit, _ROOT, run)
    if not roots:
        step = tr("wait for the first wake of a day; it needs [trace] and 'fieldbeat provision'")
        raise CannotTry(
            tr("nothing that {unit} told is signed yet").format(unit=unit), others or step
        )
    low, high = _wanted(store, unit, roots, first_s, end_s, batch)
    if low:
        schemas = [each.rn for each in events(store, unit, _SCHEMA, run)]
        low = max([rn for rn in schemas if rn <= low], default=0)
        low = max([root.rn for root in roots if root.rn <= low], default=0)
    begin = low or _begin(roots[0])
    records = _records(store, unit, run, begin, high)
    if low > high or len(records) < 2:
        raise CannotTry(
            tr("{unit} has told nothing between these times").format(unit=unit),
            others or tr("give other times"),
        )
    within = [root for root in roots if begin <= root.rn <= high]
    raw = [record for _, record in records]
    return TraceFile(unit, kid, _signers(within, keys), raw, _checks(records, within))


def _signers(roots: list[Told], keys: list[bytes]) -> tuple[bytes, ...]:
    """Return the keys that have signed some of the roots.

    Raises:
        CannotTry: none of them has.
    """
    signers = {root.body.get(event.ROOT_KEY) for root in roots}
    used = tuple(key for key in keys if hashlib.sha256(key).digest()[:8] in signers)
    if not used:
        when = iso(roots[-1].t)
        step = tr("name the registry with which it was provisioned: --registry")
        raise CannotTry(
            tr("the key that has signed {when} is not in the registry").format(when=when), step
        )
    return used


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
        told = events(store, unit, _OPERATION, roots[0].run)
        named = [each.rn for each in told if each.batch == batch]
        low, last = named[0], named[-1]
        high = next((root.rn for root in roots if root.rn > last), 0)
        if not high:
            contact = store.contact(unit)
            if contact and contact.run == roots[0].run:
                step = tr("wait for the first wake of the next day, then export again")
            else:
                step = tr("no root will come: leave out --batch, that has all that is signed")
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


def _records(store: Store, unit: str, run: int, first: int, last: int) -> list[tuple[int, bytes]]:
    rows = store.database.all(
        "SELECT rn, raw FROM records WHERE unit = ? AND run = ? AND rn BETWEEN ? AND ?"
        " ORDER BY rn",
        *(unit, run, first, last),
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
