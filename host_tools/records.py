"""Decodes records into samples and events of the store, at once or when their schema arrives."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from fieldbeat.protocols import (
    cbor,
    event,
    event_reader,
    report,
    report_reader,
    schema,
    schema_map,
)

from .event_bodies import is_uint
from .language import tr
from .schemas import Schemas
from .store import BAD, DECODED, WAITING, Store
from .times import DEVICE_EPOCH_S

RN_MAX = 0x7FFFFFFF  # the record numbers of an acknowledgement have 32 bits

# What a sealed record of faulty firmware can make the decoders raise.
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


def identify(raw: bytes) -> tuple[int, int]:
    """Return (schema id, record number) of a record; schema 0 is an event.

    Raises:
        ReportError: the record does not begin like one.
    """
    schema_id, rn = report_reader.peek(raw)
    if not 1 <= rn <= RN_MAX:
        raise report.ReportError(
            tr("record number {rn}, allowed 1 to {rn_max}").format(rn=rn, rn_max=RN_MAX)
        )
    return schema_id, rn


class Decoder:
    """Decodes what a `Store` holds; call it inside the transaction that stored the record."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._schemas = Schemas(store)

    def forget(self) -> None:
        """Forget what was learned in a transaction that failed, or before others wrote."""
        self._schemas.forget()

    def take(self, unit: str, run: int, rn: int, frame: int, schema_id: int, raw: bytes) -> Any:
        """Store a record and what it says.

        Returns:
            A `report_reader.Block`, an event's (type, body), or None: waiting or bad.
        """
        add = self._store.add_record
        if schema_id == 0:
            return self._decode_event(unit, run, rn, add(unit, run, rn, frame, 0, raw), raw)
        block, state = self._read(unit, run, rn, schema_id, raw)
        synced = block.synced if block else True
        record = add(unit, run, rn, frame, schema_id, raw, state, synced)
        if block:
            self._add_report(record, unit, block)
        return block

    def catch_up(self) -> None:
        """Decode what waits although its schema is known, as after the tables changed."""
        for row in self._store.waiting():
            self._decode_again(row)

    def _decode_again(self, row: Any) -> None:
        """Decode a report that is stored, by the schema that counts now."""
        record, unit = row["id"], row["unit"]
        block, state = self._read(unit, row["run"], row["rn"], row["schema"], row["raw"])
        if block:
            self._add_report(record, unit, block)
        else:
            self._store.drop_report(record)
        self._store.set_state(record, state, block.synced if block else True)

    def _read(
        self, unit: str, run: int, rn: int, schema_id: int, raw: bytes
    ) -> tuple[report_reader.Block | None, str]:
        found = self._schemas.find(unit, run, rn, schema_id)
        if found is None:
            return None, WAITING
        try:
            return report_reader.decode(raw, lambda _: found), DECODED
        except _NONSENSE:
            return None, BAD

    def _add_report(self, record: int, unit: str, block: report_reader.Block) -> None:
        times = [t + DEVICE_EPOCH_S for t in block.times]
        self._store.add_report(record, unit, block.schema, times, block.columns, block.qualities)

    def _decode_event(self, unit: str, run: int, rn: int, record: int, raw: bytes) -> Any:
        try:
            return self._event(unit, run, rn, record, raw)
        except _NONSENSE:
            self._store.set_state(record, BAD)
        return None

    def _event(self, unit: str, run: int, rn: int, record: int, raw: bytes) -> tuple[int, dict]:
        _, type_, t, body = event_reader.decode(raw)
        if not is_uint(type_) or not is_uint(t):
            raise event_reader.EventError(tr("type and time of an event are numbers of 32 bits"))
        self._store.add_event(record, unit, type_, t + DEVICE_EPOCH_S, cbor.encode(body))
        self._store.set_state(record, DECODED)
        if type_ == event.SCHEMA:
            self._learn(unit, run, rn, body[event.SCHEMA_MAP])
        elif type_ == event.BOOT:
            for schema_id, hash_ in body.get(event.BOOT_SCHEMAS, {}).items():
                self._announce(unit, run, rn, schema_id, hash_)
        return type_, body

    def _learn(self, unit: str, run: int, rn: int, map_: dict) -> None:
        """Take a schema that a unit sent, and decode what waited for it, of any unit."""
        learned = checked(schema_map.from_map(map_))
        self._announce(unit, run, rn, learned.id, self._schemas.add(learned))
        for row in self._store.waiting(learned.id):
            self._decode_again(row)

    def _announce(self, unit: str, run: int, rn: int, schema_id: int, hash_: int) -> None:
        """Note which schema counts from a record on; decode again what came early."""
        if not is_uint(schema_id) or not is_uint(hash_):
            raise schema.SchemaError(tr("a schema id and its hash are numbers"))
        known = self._schemas.hash_of(unit, run, rn, schema_id)
        if known == hash_:
            return
        self._schemas.announce(unit, run, rn, schema_id, hash_)
        first = 0 if known is None else rn
        for row in self._store.records_of_schema(unit, run, schema_id, first):
            self._decode_again(row)


def checked(learned: schema.Schema) -> schema.Schema:
    """Return a schema whose names, units and scales are of the right type.

    Raises:
        SchemaError: they are not.
    """
    for column in learned.columns:
        texts = isinstance(column.name, str) and isinstance(column.unit, str)
        if not texts or not is_uint(column.scale) or column.scale < 1:
            raise schema.SchemaError(tr("a column has a name, a unit and a scale of at least 1"))
    if not all(is_uint(n) for n in (learned.id, learned.version, learned.interval_s)):
        raise schema.SchemaError(tr("id, version and interval of a schema are numbers"))
    return learned
