"""Takes sealed frames, keeps what they carry, and answers: parse, open, store, acknowledge.

No socket and no clock inside: the UDP server and the virtual bench hand in datagrams and the time.
Nothing is acknowledged before the transaction that keeps it has been committed.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from fieldbeat.protocols import (
    ack,
    ack_writer,
    frame,
    packing,
    packing_reader,
    report,
    report_reader,
)
from fieldbeat.protocols.sequence import Sequence

from .errors import FieldbeatError
from .records import Decoder, describe, floor, identify
from .registry import Registry, Unit
from .store import Contact, Store
from .times import DEVICE_EPOCH_S

BAD_TAGS_AN_HOUR = 100  # more of them lock a key id: 2^64 guesses take long at that rate
HOUR_S = 3600.0
FLUSH_S = 1.0  # refusals are written at most this often: a flood of forgeries must not wear a disk


@dataclass
class Outcome:
    """What became of one datagram; `reason` is empty when its records are stored."""

    at_s: float
    source: str
    size: int
    unit: str = ""
    kid: bytes = b""
    reason: str = ""
    detail: str = ""
    epoch: int = 0
    piv: int = -1
    records: list[str] = field(default_factory=list)  # the new ones, in words
    duplicates: int = 0
    cumulative: int | None = None  # what was acknowledged, if an answer was sent


@dataclass
class _Peer:
    """A unit with its keys, newest first."""

    unit: Unit
    keysets: list[frame.KeySet]


class Collector:
    """Receives the frames of all units of a registry.

    Args:
        store: where everything is kept.
        registry: units and keys.
        observer: is told the `Outcome` of every datagram.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        observer: Callable[[Outcome], None] | None = None,
    ) -> None:
        self.store = store
        self.registry = registry
        self.refused: Counter[str] = Counter()  # reason -> count, since the start
        self._observer = observer
        self._decoder = Decoder(store)
        self._peers: dict[bytes, _Peer | None] = {}
        self._registry_version: Any = None
        self._sequences: dict[tuple[bytes, int], Sequence] = {}
        self._bad_tags: dict[bytes, deque[float]] = {}
        self._unwritten: dict[tuple[str, str], tuple[int, float, str]] = {}
        self._flushed_s = float("-inf")

    def handle(self, datagram: bytes, source: Any, now_s: float) -> list[bytes]:
        """Take one datagram and return the datagrams to send back to its source.

        Args:
            datagram: the bytes, of any quality: nothing in them raises.
            source: where it came from, for the log; identity is the key id.
            now_s: the time, Unix seconds.
        """
        outcome = Outcome(now_s, _text(source), len(datagram))
        replies: list[bytes] = []
        try:
            replies = self._take(bytes(datagram), outcome)
        except frame.FrameError as error:
            self._refuse(outcome, error.reason)
        except packing.PackingError as error:
            self._refuse(outcome, "record", str(error))
        except FieldbeatError as error:
            self._refuse(outcome, "store", str(error))
        if self._observer:
            self._observer(outcome)
        return replies

    def flush(self, now_s: float) -> None:
        """Write the counts of refusals; called by itself, and once at the end by who owns it."""
        if self._unwritten:
            rows = [(*key, *value) for key, value in self._unwritten.items()]
            self.store.add_refusals(rows)
            self._unwritten.clear()
        self._flushed_s = now_s

    def _take(self, datagram: bytes, outcome: Outcome) -> list[bytes]:
        header = frame.parse(datagram, self.registry.kid_size)
        outcome.kid = header.kid
        peer = self._peer(header.kid)
        if peer is None:
            raise frame.FrameError("kid")
        outcome.unit = peer.unit.name
        if self.store.locked_until(header.kid) > outcome.at_s:
            raise frame.FrameError("locked")
        keys, plaintext = self._open(peer, header, datagram)
        outcome.epoch, outcome.piv = keys.epoch, header.piv
        if header.cls != frame.TELEMETRY:
            raise frame.FrameError("class")
        records, last = packing_reader.unpack(plaintext)
        numbered, broken = _numbered(records)
        with self.store.transaction():
            contact = self._keep(keys, numbered, datagram, outcome)
        if broken:  # its number is unknown: the others are kept, this one cannot be acknowledged
            self._refuse(outcome, "record", broken)
        return [self._answer(keys, contact, outcome)] if last else []

    # Who sent it

    def _peer(self, kid: bytes) -> _Peer | None:
        version = self.registry.version()
        if version != self._registry_version:
            self._peers.clear()
            self._registry_version = version
        if kid not in self._peers:
            unit = self.registry.unit_of_kid(kid)
            if unit is None:
                return None  # not cached: strangers must not fill the memory
            keys = self.registry.keys(kid)
            keysets = [frame.KeySet(master, kid, epoch) for epoch, master in keys]
            self._peers[kid] = _Peer(unit, keysets)
        return self._peers[kid]

    def _open(
        self, peer: _Peer, header: frame.Header, datagram: bytes
    ) -> tuple[frame.KeySet, bytes]:
        """Open a frame under the newest key that fits; a key ends when a newer one has spoken."""
        oldest = self.store.newest_epoch(header.kid)
        reason = "epoch"
        for keys in peer.keysets:
            if keys.epoch < oldest or header.epoch not in (None, keys.epoch):
                continue
            try:
                _, _, plaintext = keys.open(frame.UP, datagram)
            except frame.FrameError as error:
                reason = error.reason
                continue
            return keys, plaintext
        raise frame.FrameError(reason)

    # What it carried

    def _keep(
        self,
        keys: frame.KeySet,
        numbered: list[tuple[int, int, bytes]],
        datagram: bytes,
        outcome: Outcome,
    ) -> Contact:
        """Store a frame that was opened, inside a transaction."""
        store, unit, at_s = self.store, outcome.unit, outcome.at_s
        window = store.window(keys.kid, keys.epoch)
        if not window.check(outcome.piv):
            raise frame.FrameError("replay")
        window.accept(outcome.piv)
        store.save_window(keys.kid, keys.epoch, window)
        contact = store.contact(unit) or Contact(unit, at_s, at_s)
        contact = contact.heard(at_s, outcome.source, outcome.size)
        contact, run = self._run(contact, numbered, outcome)
        frame_id = store.add_frame(unit, keys.epoch, outcome.piv, at_s, outcome.source, datagram)
        for schema_id, rn, raw in numbered:
            record = store.add_record(unit, run, rn, frame_id, schema_id, raw)
            if record is None:
                outcome.duplicates += 1
                continue
            decoded = self._decoder.decode(unit, run, rn, record, schema_id, raw)
            outcome.records.append(describe(decoded))
            if run == contact.run:
                contact = self._follow(contact, decoded, at_s)
        contact = self._advance(contact)
        store.save_contact(contact)
        if at_s - self._flushed_s >= FLUSH_S:
            self.flush(at_s)
        return contact

    def _run(
        self, contact: Contact, numbered: list[tuple[int, int, bytes]], outcome: Outcome
    ) -> tuple[Contact, int]:
        """Return the contact and the run that the records belong to.

        A unit repeats a record byte for byte, so a known number over other bytes shows that its
        log was erased and counts from 1 again.
        """
        if (outcome.epoch, outcome.piv) < (contact.run_epoch, contact.run_piv):
            return contact, contact.run - 1  # it was under way while the log was erased
        for _, rn, raw in numbered:
            known = self.store.raw_record(contact.unit, contact.run, rn)
            if known is not None and known != raw:
                contact = replace(contact, run=contact.run + 1, cumulative=0)
                contact = replace(contact, run_epoch=outcome.epoch, run_piv=outcome.piv)
                break
        return contact, contact.run

    def _follow(self, contact: Contact, decoded: Any, now_s: float) -> Contact:
        """Learn from a record how often its unit reports, and what it no longer has."""
        if isinstance(decoded, report_reader.Block):
            steps = decoded.times[-1] - decoded.times[0] + decoded.schema.interval_s
            return replace(contact, report_s=max(steps, 1))
        lowest = floor(*decoded) if decoded else None
        if lowest is None or lowest <= contact.cumulative + 1:
            return contact
        known = self.store.stored_after(
            contact.unit, contact.run, contact.cumulative, lowest - 1 - contact.cumulative
        )
        first = contact.cumulative + 1
        for rn in (*known, lowest):
            if first < rn:
                self.store.add_lost(contact.unit, contact.run, first, rn - 1, now_s)
            first = rn + 1
        return replace(contact, cumulative=lowest - 1)

    def _advance(self, contact: Contact) -> Contact:
        """Move the cumulative number over every record that is stored without a gap."""
        cumulative = contact.cumulative
        while self.store.raw_record(contact.unit, contact.run, cumulative + 1) is not None:
            cumulative += 1
        return replace(contact, cumulative=cumulative)

    # The answer

    def _answer(self, keys: frame.KeySet, contact: Contact, outcome: Outcome) -> bytes:
        cumulative = contact.cumulative
        ahead = self.store.stored_after(contact.unit, contact.run, cumulative, ack.BITMAP_SIZE)
        plaintext = ack_writer.encode(
            cumulative,
            bitmap=sum(1 << (rn - cumulative - 1) for rn in ahead),
            time=max(0, int(outcome.at_s) - DEVICE_EPOCH_S),
            schemas=self.store.schemas_wanted(contact.unit),
        )
        outcome.cumulative = cumulative
        piv = self._sequence(keys, outcome.at_s).next()
        return keys.seal(frame.ACK, frame.DOWN, piv, plaintext)

    def _sequence(self, keys: frame.KeySet, now_s: float) -> Sequence:
        """Return the downlink sequence of a key.

        It starts no lower than the seconds since 2024, so that it goes on upwards even when the
        registry was restored from an old copy.
        """
        kid, epoch = keys.kid, keys.epoch
        if (kid, epoch) not in self._sequences:
            self._sequences[kid, epoch] = Sequence(
                lambda: max(self.registry.down_limit(kid, epoch), int(now_s) - DEVICE_EPOCH_S),
                lambda limit: self.registry.reserve_down(kid, epoch, limit),
            )
        return self._sequences[kid, epoch]

    # What was refused

    def _refuse(self, outcome: Outcome, reason: str, detail: str = "") -> None:
        outcome.reason, outcome.detail = reason, detail
        self.refused[reason] += 1
        key = (outcome.unit, reason)
        count = self._unwritten.get(key, (0, 0.0, ""))[0] + 1
        self._unwritten[key] = (count, outcome.at_s, outcome.source)
        try:
            if reason == "tag":
                self._count_bad_tag(outcome)
            if outcome.at_s - self._flushed_s >= FLUSH_S:
                self.flush(outcome.at_s)
        except FieldbeatError as error:  # they stay in memory until the disk takes them
            outcome.detail = outcome.detail or str(error)

    def _count_bad_tag(self, outcome: Outcome) -> None:
        times = self._bad_tags.setdefault(outcome.kid, deque())
        times.append(outcome.at_s)
        while times[0] <= outcome.at_s - HOUR_S:
            times.popleft()
        if len(times) > BAD_TAGS_AN_HOUR:
            times.clear()
            self.store.lock(outcome.kid, outcome.at_s + HOUR_S)
            outcome.detail = (
                f"more than {BAD_TAGS_AN_HOUR} bad tags in an hour: "
                "frames of this key id are refused for one hour"
            )


def _numbered(records: list[bytes]) -> tuple[list[tuple[int, int, bytes]], str]:
    """Return (schema id, record number, bytes) of records, and what is wrong with one of them."""
    numbered, broken = [], ""
    for record in records:
        try:
            numbered.append((*identify(record), record))
        except report.ReportError as error:
            broken = str(error)
    return numbered, broken


def _text(source: Any) -> str:
    if isinstance(source, tuple) and len(source) >= 2:
        return f"{source[0]}:{source[1]}"
    return str(source)
