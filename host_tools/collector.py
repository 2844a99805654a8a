"""Takes sealed frames, keeps what they carry, and answers: parse, open, store, acknowledge.

No socket and no clock inside: the UDP server and the virtual bench hand in datagrams and the time.
Nothing is acknowledged before the transaction that keeps it has been committed. To commit means to
wait for the disk, so datagrams that arrive together share one transaction.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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

from .downlink import Downlink
from .errors import FieldbeatError
from .records import Decoder, describe, floor, identify
from .registry import Registry, Unit
from .store import Store
from .times import DEVICE_EPOCH_S
from .traffic import Link, Traffic

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

    def renew(self, reason: str = "", detail: str = "") -> None:
        """Begin again after a transaction that failed."""
        self.reason, self.detail = reason, detail
        self.records, self.duplicates = [], 0


@dataclass
class _Peer:
    """A unit with its keys, newest first."""

    unit: Unit
    keysets: list[frame.KeySet]


@dataclass
class _Opened:
    """A frame that was opened, with what is to become of it."""

    keys: frame.KeySet
    numbered: list[tuple[int, int, bytes]]  # schema id, record number, record
    broken: str  # what is wrong with a record whose number is unknown
    last: bool
    datagram: bytes
    outcome: Outcome


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
        self._traffic = Traffic(store)
        self._peers: dict[bytes, _Peer | None] = {}
        self._registry_version: Any = None
        self._downlink = Downlink(registry)
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
        return self.handle_many([(datagram, source)], now_s)[0]

    def handle_many(
        self, datagrams: Sequence[tuple[bytes, Any]], now_s: float
    ) -> list[list[bytes]]:
        """Take datagrams that arrived together; return for each what to send back to its source.

        Args:
            datagrams: (bytes, source) as for `handle`.
            now_s: the time, Unix seconds.
        """
        outcomes = [Outcome(now_s, _text(source), len(data)) for data, source in datagrams]
        try:
            self._follow_others()
        except FieldbeatError as error:
            for outcome in outcomes:
                outcome.renew("store", str(error))
        opened = [
            None if outcome.reason else self._open(bytes(data), outcome)
            for (data, _), outcome in zip(datagrams, outcomes, strict=True)
        ]
        self._keep_all([item for item in opened if item])
        replies = []
        for item, outcome in zip(opened, outcomes, strict=True):
            replies.append(self._answer(item) if item and item.last and not outcome.reason else [])
            if item and item.broken and not outcome.reason:
                # The others are kept, this one cannot be acknowledged.
                outcome.reason, outcome.detail = "record", item.broken
            if outcome.reason:
                self._count(outcome)
            if self._observer:
                self._observer(outcome)
        return replies

    def flush(self, now_s: float) -> None:
        """Write the counts of refusals; called by itself, and once at the end by who owns it."""
        if self._unwritten:
            rows = [(*key, *value) for key, value in self._unwritten.items()]
            with self.store.transaction():
                self.store.add_refusals(rows)
            self._unwritten.clear()
        self._flushed_s = now_s

    def _follow_others(self) -> None:
        """Read again what another process has changed."""
        version = self.registry.version()
        if version != self._registry_version:
            self._peers.clear()
            self._registry_version = version
        if not self._traffic.is_current():
            self._forget()

    def _forget(self) -> None:
        self._traffic.forget()
        self._decoder.forget()
        self.store.forget()

    # Who sent it

    def _open(self, datagram: bytes, outcome: Outcome) -> _Opened | None:
        """Open a datagram, or tell in its outcome why not."""
        try:
            header = frame.parse(datagram, self.registry.kid_size)
            outcome.kid = header.kid
            peer = self._peer(header.kid)
            outcome.unit = peer.unit.name
            if self._traffic.locked_until(header.kid) > outcome.at_s:
                raise frame.FrameError("locked")
            keys, plaintext = self._decrypt(peer, header, datagram)
            outcome.epoch, outcome.piv = keys.epoch, header.piv
            if header.cls != frame.TELEMETRY:
                raise frame.FrameError("class")
            records, last = packing_reader.unpack(plaintext)
            return _Opened(keys, *_numbered(records), last, datagram, outcome)
        except frame.FrameError as error:
            outcome.reason = error.reason
        except packing.PackingError as error:
            outcome.reason, outcome.detail = "record", str(error)
        except FieldbeatError as error:
            outcome.reason, outcome.detail = "store", str(error)
        return None

    def _peer(self, kid: bytes) -> _Peer:
        peer = self._peers.get(kid)
        if peer is None:
            unit = self.registry.unit_of_kid(kid)
            if unit is None:
                raise frame.FrameError("kid")  # not kept: strangers must not fill the memory
            keys = self.registry.keys(kid)
            keysets = [frame.KeySet(master, kid, epoch) for epoch, master in keys]
            peer = self._peers[kid] = _Peer(unit, keysets)
        return peer

    def _decrypt(
        self, peer: _Peer, header: frame.Header, datagram: bytes
    ) -> tuple[frame.KeySet, bytes]:
        """Open a frame under the newest key that fits; a key ends when a newer one has spoken."""
        newest = self._traffic.newest_epoch(header.kid)
        reason = "epoch"
        for keys in peer.keysets:
            if keys.epoch < newest or header.epoch not in (None, keys.epoch):
                continue
            try:
                return keys, keys.open(frame.UP, datagram)[2]
            except frame.FrameError as error:
                reason = error.reason
        raise frame.FrameError(reason)

    # What it carried

    def _keep_all(self, opened: list[_Opened]) -> None:
        """Store frames in one transaction; if it fails, each in its own."""
        if not opened:
            return
        try:
            with self.store.transaction():
                if not self._traffic.is_current():
                    self._forget()
                for item in opened:
                    self._keep(item)
                self._traffic.save()
        except FieldbeatError as error:
            self._forget()
            if len(opened) == 1:
                opened[0].outcome.renew("store", str(error))
                return
            for item in opened:
                item.outcome.renew()
                self._keep_all([item])
        except BaseException:
            self._forget()
            raise
        else:
            if opened[0].outcome.at_s - self._flushed_s >= FLUSH_S:
                with suppress(FieldbeatError):  # they stay in memory until the disk takes them
                    self.flush(opened[0].outcome.at_s)

    def _keep(self, item: _Opened) -> None:
        """Store a frame that was opened, inside a transaction."""
        keys, outcome = item.keys, item.outcome
        unit, at_s = outcome.unit, outcome.at_s
        if not self._traffic.window(keys.kid, keys.epoch).check(outcome.piv):
            outcome.reason = "replay"
            return
        self._traffic.accept(keys.kid, keys.epoch, outcome.piv)
        link = self._traffic.link(unit, at_s)
        contact = link.contact
        contact.last_s, contact.source = at_s, outcome.source
        contact.frames += 1
        contact.bytes += outcome.size
        run = self._run(link, item)
        frame_id = self.store.add_frame(
            unit, keys.epoch, outcome.piv, at_s, outcome.source, item.datagram
        )
        for schema_id, rn, raw in item.numbered:
            now = run == contact.run
            if (link.knows(rn) or not now) and self.store.raw_record(unit, run, rn) is not None:
                outcome.duplicates += 1
                continue
            decoded = self._decoder.take(unit, run, rn, frame_id, schema_id, raw)
            outcome.records.append(describe(decoded))
            if now:
                link.add(rn)
                self._follow(link, decoded, at_s)
        link.advance(contact.cumulative)

    def _run(self, link: Link, item: _Opened) -> int:
        """Return the run that the records belong to, and begin another if they show one.

        A unit repeats a record byte for byte, so a known number over other bytes shows that its
        log was erased and counts from 1 again.
        """
        contact, outcome = link.contact, item.outcome
        if (outcome.epoch, outcome.piv) < (contact.run_epoch, contact.run_piv):
            return contact.run - 1  # it was under way while the log was erased
        for _, rn, raw in item.numbered:
            if link.knows(rn):
                known = self.store.raw_record(contact.unit, contact.run, rn)
                if known is not None and known != raw:
                    link.begin_run(outcome.epoch, outcome.piv)
                    break
        return contact.run

    def _follow(self, link: Link, decoded: Any, now_s: float) -> None:
        """Learn from a record how often its unit reports, and what it no longer has."""
        contact = link.contact
        if isinstance(decoded, report_reader.Block):
            steps = decoded.times[-1] - decoded.times[0] + decoded.schema.interval_s
            contact.report_s = max(steps, 1)
            return
        lowest = floor(*decoded) if decoded else None
        if lowest is None or lowest <= contact.cumulative + 1:
            return
        first = contact.cumulative + 1
        for rn in (*sorted(rn for rn in link.ahead if rn < lowest), lowest):
            if first < rn:
                self.store.add_lost(contact.unit, contact.run, first, rn - 1, now_s)
            first = rn + 1
        link.advance(lowest - 1)

    # The answer

    def _answer(self, item: _Opened) -> list[bytes]:
        """Return the acknowledgement of what is stored of a unit."""
        outcome = item.outcome
        try:
            link = self._traffic.link(outcome.unit, outcome.at_s)
            cumulative = link.contact.cumulative
            plaintext = ack_writer.encode(
                cumulative,
                bitmap=sum(
                    1 << n for n in range(ack.BITMAP_SIZE) if cumulative + 1 + n in link.ahead
                )
                if link.ahead
                else 0,
                time=max(0, int(outcome.at_s) - DEVICE_EPOCH_S),
                schemas=self.store.schemas_wanted(outcome.unit),
            )
            piv = self._downlink.next(item.keys.kid, item.keys.epoch, outcome.at_s)
        except FieldbeatError as error:
            outcome.reason, outcome.detail = "store", str(error)
            return []
        outcome.cumulative = cumulative
        return [item.keys.seal(frame.ACK, frame.DOWN, piv, plaintext)]

    # What was refused

    def _count(self, outcome: Outcome) -> None:
        """Count a datagram that was refused."""
        reason = outcome.reason
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
            self._traffic.lock(outcome.kid, outcome.at_s + HOUR_S)
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
