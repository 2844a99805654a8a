"""What a trace proves: that nothing between its signed roots was changed, removed or re-ordered.

    proof = prove(trace_file.read(path))
    proof.problems  # in words, none if all is well

It needs the file alone. Whether the key is the unit's is another question: see `Proof.judge_keys`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from fieldbeat.protocols import event, event_reader, event_writer, p256, trace_signed

from . import operations
from .language import tr
from .operations import Operation
from .times import DEVICE_EPOCH_S, iso
from .trace_chain import Walk
from .trace_file import TraceFile, fingerprint

_ES256 = ec.ECDSA(hashes.SHA256())
_HALF = 32
_TOLD = (event.ROOT, event.OPERATION)


@dataclass(frozen=True)
class Gap:
    """Numbers that the chain cannot show, and its value before (None: not known) and after."""

    first: int
    last: int
    before: bytes | None
    after: bytes

    @property
    def is_blind(self) -> bool:
        """Whether records with these numbers are no part of the chain."""
        return self.before in (None, self.after)


@dataclass(frozen=True)
class Root:
    """A day's signature; `t` in Unix seconds."""

    rn: int
    t: int
    synced: bool
    chain: bytes
    first: int
    gaps: tuple[Gap, ...]
    good: bool


@dataclass(frozen=True)
class Done:
    """An operation as it stands in a trace; `proven`: a root has signed it."""

    rn: int
    t: int
    operation: Operation
    proven: bool


@dataclass
class Proof:
    """What is proven; ranges are (first, last) of record numbers."""

    unit: str
    kid: bytes
    keys: tuple[bytes, ...]
    first: int = 0
    last: int = 0
    count: int = 0
    roots: list[Root] = field(default_factory=list)
    given_up: list[tuple[int, int]] = field(default_factory=list)
    unproven: list[tuple[int, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    operations: list[Done] = field(default_factory=list)
    trusted: bool = False  # the keys are those that the reader holds
    judged: bool = False  # the reader held some

    @property
    def good_roots(self) -> list[Root]:
        return [root for root in self.roots if root.good]

    @property
    def proven(self) -> int:
        """How many records are."""
        return self.count - sum(last - first + 1 for first, last in self.unproven)

    def judge_keys(self, fingerprints: Iterable[str]) -> None:
        """Say what is wrong if a key is none of those that the reader trusts, by 32 hex digits."""
        known = {text.lower() for text in fingerprints}
        self.trusted = self.judged = True
        for key in self.keys:
            if fingerprint(key) not in known:
                self.trusted = False
                self.problems.append(
                    tr(
                        "signed with key {fingerprint}, which is none of those of {unit}: "
                        "somebody else made this file, or {unit} had it before, which its "
                        "owner would have to tell you"
                    ).format(fingerprint=fingerprint(key), unit=self.unit)
                )


def prove(trace: TraceFile) -> Proof:
    """Return what a file proves."""
    proof = Proof(trace.unit, trace.kid, trace.keys, count=len(trace.records))
    told = _told(trace)
    for rn, raw, (type_, t, body) in told:
        if type_ == event.ROOT:
            root = _root(trace, proof, rn, raw, t, body)
            proof.roots += [root] if root else []
    Walk(trace, proof).run()
    for rn, _, (type_, t, body) in told:
        operation = operations.parse(body) if type_ == event.OPERATION else None
        if operation:
            proven = not any(first <= rn <= last for first, last in proof.unproven)
            proof.operations.append(Done(rn, t + DEVICE_EPOCH_S, operation, proven))
    return proof


def _told(trace: TraceFile) -> list[tuple[int, bytes, tuple[int, int, dict]]]:
    """Return the events that count here: number, record, (type, time, body)."""
    found = []
    for raw in trace.records:
        if raw[:1] != b"\0":
            continue
        at = 2
        while at < len(raw) and raw[at - 1] & 0x80:
            at += 1
        if len(raw) < at + 3 or raw[at + 1] != event.TYPE or raw[at + 2] not in _TOLD:
            continue
        try:
            rn, type_, t, body = event_reader.decode(raw)
        except ValueError:
            continue  # the chain shows that it was changed
        if type_ in _TOLD and isinstance(t, int):
            found.append((rn, raw, (type_, t, body)))
    return found


def _root(
    trace: TraceFile, proof: Proof, rn: int, raw: bytes, t: int, body: dict[int, Any]
) -> Root | None:
    try:
        gaps = tuple(Gap(*gap) for gap in body.get(event.ROOT_GAPS, ()))
        chain, first = body[event.ROOT_CHAIN], body[event.ROOT_FIRST]
        if not all(_is_gap(gap) for gap in gaps) or not isinstance(chain, bytes):
            raise TypeError
    except (KeyError, TypeError):
        proof.problems.append(
            tr("record {rn} is a root that cannot be read: it was changed").format(rn=rn)
        )
        return None
    fields = {event.TYPE: event.ROOT, event.TIME: t} | body
    named = body.get(event.ROOT_KEY)
    key = next((key for key in trace.keys if trace_signed.key_id(key) == named), None)
    day = iso(t + DEVICE_EPOCH_S)
    problem = ""
    if key is None:
        problem = tr(
            "record {rn}, the root of {day}, is signed with a key that is not in this file"
        ).format(rn=rn, day=day)
    elif event_writer.encode(rn, event.ROOT, t, body) != raw or not is_signed(
        key,
        trace_signed.signed(trace.unit, trace.kid, rn, fields),
        body.get(event.ROOT_SIGNATURE),
    ):
        problem = tr(
            "record {rn}, the root of {day}: its signature is bad. It was changed, "
            "or is no root of {unit}"
        ).format(rn=rn, day=day, unit=trace.unit)
    proof.problems += [problem] if problem else []
    synced = body.get(event.ROOT_SYNCED) is True
    return Root(rn, t + DEVICE_EPOCH_S, synced, chain, first, gaps, not problem)


def _is_gap(gap: Gap) -> bool:
    numbers = all(isinstance(n, int) for n in (gap.first, gap.last))
    return numbers and isinstance(gap.before, bytes | None) and isinstance(gap.after, bytes)


def is_signed(public: bytes, message: bytes, signature: Any) -> bool:
    """Tell whether a signature r | s is good; of its two forms that with the lower s is."""
    if not isinstance(signature, bytes) or len(signature) != 2 * _HALF:
        return False
    r, s = (int.from_bytes(part, "big") for part in (signature[:_HALF], signature[_HALF:]))
    x, y = (int.from_bytes(part, "big") for part in (public[:_HALF], public[_HALF:]))
    if s > p256.CURVE.n // 2:
        return False
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        key.verify(utils.encode_dss_signature(r, s), message, _ES256)
    except (InvalidSignature, ValueError):
        return False
    return True
