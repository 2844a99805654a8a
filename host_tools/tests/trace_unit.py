"""A unit with [trace], as its collector sees it: chained and signed by cryptography's ECDSA."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from fieldbeat.host_tools import trace_export
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.trace_file import TraceFile
from fieldbeat.host_tools.trace_keys import TraceKey, TraceKeys
from fieldbeat.protocols import cbor, cose, event

from .sender import T0, Sender, boot_record, health_record, report_record, schema_record

DAY_S = 86_400
BATCH = "tomato-07"
RFC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SITE = ("192.0.2.7", 4000)


def signature_of(key: TraceKey, message: bytes) -> bytes:
    """r | s with the lower s."""
    private = ec.derive_private_key(int.from_bytes(key.for_unit[:32], "big"), ec.SECP256R1())
    r, s = utils.decode_dss_signature(private.sign(message, RFC))
    return r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")


class TraceUnit:
    """Makes records and roots; those in `lost` never reach the collector."""

    def __init__(self, folder: Path, name: str = "gh-01") -> None:
        folder.mkdir(exist_ok=True)
        self.registry = Registry(folder / "registry.sqlite")
        self.store = Store(folder / "store.sqlite")
        self.collector = Collector(self.store, self.registry)
        self.name = name
        self.sender = Sender(self.registry, name)
        self.kid = self.sender.keys.kid
        self.key = TraceKeys(self.registry).make(name)
        self.value, self.rn, self.root_rn = bytes(32), 1, 0
        self.gaps: list[list] = [[1, 0, None, bytes(32)]]
        self.now_s = T0
        self.records: list[bytes] = []

    def tell(self, raw: bytes, lost: bool = False) -> int:
        """The next record."""
        rn = self.rn
        self.value = hashlib.sha256(self.value + rn.to_bytes(4, "big") + raw).digest()
        self.rn += 1
        if not lost:
            self.records.append(raw)
        return rn

    def report(self, lost: bool = False) -> int:
        self.now_s += 3600
        return self.tell(report_record(self.rn, t=self.now_s), lost)

    def done(self, kind: str, amount: int | None = None, unit: str | None = None, **more) -> int:
        """An operation."""
        body = {2: kind, 4: amount, 5: unit, 7: 1, 9: True, 3: more.get("batch"), 6: None}
        body = {key: value for key, value in body.items() if value is not None}
        return self.tell(event.encode(self.rn, event.OPERATION, self.now_s, body))

    def root(self, key: TraceKey | None = None) -> int:
        """The signature of a day."""
        key = key or self.key
        body: dict = {
            event.ROOT_FIRST: self.root_rn + 1,
            event.ROOT_CHAIN: self.value,
            event.ROOT_KEY: hashlib.sha256(key.public).digest()[:8],
            event.ROOT_SYNCED: True,
        }
        if self.gaps:
            body[event.ROOT_GAPS] = self.gaps
        fields = {0: event.ROOT, 1: self.now_s} | body
        protected = cbor.encode({1: -7, 4: body[event.ROOT_KEY]})
        payload = cbor.encode([self.name, self.kid, self.rn, fields])
        message = cose.structure(cose.SIGN1, protected, b"", payload)
        body[event.ROOT_SIGNATURE] = signature_of(key, message)
        self.gaps, self.root_rn = [], self.rn
        return self.tell(event.encode(self.rn, event.ROOT, self.now_s, body))

    def day(self, reports: int = 6) -> int:
        """Some reports, and the root of the next morning."""
        for _ in range(reports):
            self.report()
        self.now_s = (self.now_s // DAY_S + 1) * DAY_S
        return self.root()

    def live(self, days: int = 4) -> None:
        """A boot, a schema, days, and a batch in the second one."""
        self.tell(boot_record(self.rn))
        self.tell(schema_record(self.rn))
        self.day()
        self.done("batch-begin", batch=BATCH)
        self.done("irrigated", 30_000, "l", batch=BATCH)
        self.day()
        self.done("harvested", 12_500, "kg", batch=BATCH)
        self.done("batch-end", batch=BATCH)
        for _ in range(days - 2):
            self.tell(health_record(self.rn, _2=90_000))
            self.day()

    def send(self) -> None:
        """All that was not lost arrives."""
        for record in self.records:
            self.collector.handle(self.sender.seal([record]), SITE, self.now_s + 1_704_067_200)
        self.records = []

    def export(self, **wanted) -> TraceFile:
        """What `trace export` gives."""
        self.send()
        keys = TraceKeys(self.registry).of_unit(self.name)
        return trace_export.export(self.store, self.name, self.kid, keys, **wanted)
