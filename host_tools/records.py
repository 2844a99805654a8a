"""Decodes records into samples and events of the store, at once or when their schema arrives."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from fieldbeat.protocols import (
    cbor,
    command,
    event,
    event_reader,
    reasons,
    receipt,
    receipt_reader,
    report,
    report_reader,
    schema,
    schema_map,
)

from . import decisions, energy, operations, scaled
from .language import tr
from .schemas import Schemas
from .store import BAD, DECODED, WAITING, Store
from .times import DEVICE_EPOCH_S
from .wording import counted

RN_MAX = 0x7FFFFFFF  # the record numbers of an acknowledgement have 32 bits

# What a sealed record of faulty firmware can make the decoders raise.
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


EVENT_NAMES = {
    event.BOOT: "boot",
    event.SCHEMA: "schema",
    event.HEALTH: "health",
    event.ALARM: "alarm",
    event.CONFIG: "config",
    event.RECEIPT: "receipt",
    event.SELF_TEST: "self-test",
    event.PICTURE: "picture",
    event.SILENCE: "silence",
    event.ENERGY: "energy",
    event.DECISION: "decision",
    event.ACTUATOR_FAULT: "actuator fault",
    event.OPERATION: "operation",
    event.ROOT: "root",
}

COMMAND_NAMES = {
    command.ALERT: "alert",
    command.CANCEL: "cancel",
    command.SELFTEST: "self-test",
    command.ALARM_RULES: "alarm rules",
    command.ISSUERS: "issuers",
    command.STATUS: "status",
    command.PICTURE: "picture",
    command.OPERATE: "operate",
    command.RECORD: "record",
}

STAGE_NAMES = {
    receipt.RECEIVED: "received",
    receipt.ACCEPTED: "accepted",
    receipt.STARTED: "started",
    receipt.DONE: "done",
    receipt.REFUSED: "refused",
    receipt.INTERRUPTED: "interrupted",
    receipt.CANCELLED: "cancelled",
    receipt.SILENT: "silent",
}


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
        if not _is_uint(type_) or not _is_uint(t):
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
        if not _is_uint(schema_id) or not _is_uint(hash_):
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
        if not texts or not _is_uint(column.scale) or column.scale < 1:
            raise schema.SchemaError(tr("a column has a name, a unit and a scale of at least 1"))
    if not all(_is_uint(n) for n in (learned.id, learned.version, learned.interval_s)):
        raise schema.SchemaError(tr("id, version and interval of a schema are numbers"))
    return learned


def floor(type_: int, body: dict) -> int | None:
    """Return the lowest record number that a unit still holds, if an event says so."""
    return number(body, event.HEALTH_FLOOR) if type_ == event.HEALTH else None


def number(body: dict, key: int) -> int | None:
    """Return an event's number, or None if it has none that makes sense."""
    value = body.get(key)
    return value if _is_uint(value) else None


def counters(body: dict) -> dict[str, int]:
    """Return the counted reasons of a health event by name."""
    counts = body.get(event.HEALTH_COUNTERS)
    if not isinstance(counts, dict):
        return {}
    return {
        reasons.name(code): count
        for code, count in counts.items()
        if _is_uint(code) and _is_uint(count)
    }


def describe(decoded: Any) -> str:
    """Return a record in a few words, for a log line."""
    if decoded is None:
        return tr("kept undecoded")
    if isinstance(decoded, report_reader.Block):
        count = len(decoded.times)
        return counted(count, "sample") + ("" if decoded.synced else tr(", clock not set"))
    return describe_event(*decoded)


def describe_event(type_: int, body: dict) -> str:
    """Return an event in a few words."""
    name = EVENT_NAMES.get(type_, tr("event {type}").format(type=type_))
    if type_ == event.BOOT:
        return tr("boot: {body}, app {body_2}").format(
            body=body.get(event.BOOT_CAUSE), body_2=body.get(event.BOOT_VERSION)
        )
    if type_ == event.ALARM:
        return _describe_alarm(body)
    if type_ == event.RECEIPT:
        return _describe_receipt(body)
    if type_ == event.ENERGY:
        return energy.describe(body)
    if type_ == event.DECISION:
        return decisions.describe(body)
    if type_ == event.ACTUATOR_FAULT:
        return decisions.describe_fault(body)
    if type_ == event.OPERATION:
        return operations.describe(body)
    if type_ == event.HEALTH:
        return "health" + "".join(f", {name} {n}" for name, n in counters(body).items())
    return name


def kind_name(kind: int) -> str:
    """Return what kind of command it is."""
    return COMMAND_NAMES.get(kind, tr("command {kind}").format(kind=kind))


def stage_name(stage: int) -> str:
    """Return how far a command came; a unit may be newer than its reader."""
    return STAGE_NAMES.get(stage, tr("stage {stage}").format(stage=stage))


def receipt_of(type_: int, body: dict) -> Any:
    """Return the receipt in an event, or None if it is none that makes sense."""
    if type_ != event.RECEIPT:
        return None
    try:
        return receipt_reader.parse(body)
    except receipt_reader.ReceiptError:
        return None


def _describe_alarm(body: dict) -> str:
    rule, value, scale = (
        number(body, key) for key in (event.ALARM_RULE, event.ALARM_VALUE, event.ALARM_SCALE)
    )
    told = body.get(event.ALARM_VALUE) if value is None else value
    if rule is None or not scale or not isinstance(told, int):
        return "alarm"
    channel, unit = body.get(event.ALARM_CHANNEL), body.get(event.ALARM_UNIT)
    begins = body.get(event.ALARM_BEGINS)
    what = (
        tr("rule {rule} sounds").format(rule=rule)
        if begins is None
        else tr("{rule} begins" if begins else "{rule} ends").format(rule=rule)
    )
    return tr("alarm: {what}, {channel} is {text} {unit}").format(
        what=what, channel=channel, text=scaled.text(told, scale), unit=unit
    )


def _describe_receipt(body: dict) -> str:
    found = receipt_of(event.RECEIPT, body)
    if found is None:
        return tr("receipt that cannot be read")
    why = f", {reasons.name(found.reason)}" if found.reason else ""
    return tr("receipt {id}: {stage_name}{why}").format(
        id=found.id.hex(), stage_name=stage_name(found.stage), why=why
    )


def _is_uint(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFFFF
