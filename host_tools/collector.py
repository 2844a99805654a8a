"""Takes sealed frames, keeps what they carry, and answers: parse, open, store, acknowledge.

No socket and no clock inside: the UDP server and the virtual bench hand in datagrams and the time.
Nothing is acknowledged before the transaction that keeps it has been committed. To commit means to
wait for the disk, so datagrams that arrive together share one transaction.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from fieldbeat.protocols import frame, report_reader

from . import control_spoken
from .answers import Answers
from .database import DatabaseBusy
from .dispatcher import Dispatcher
from .downlink import Downlink
from .errors import FieldbeatError
from .event_bodies import floor, receipt_of
from .language import tr
from .opener import Opened, Opener
from .outcome import Outcome, source_text
from .pictures import Arrivals
from .record_words import describe
from .records import Decoder, identify
from .refusals import Refusals
from .registered_unit import Unit
from .registry import KEY_SIZE, Registry
from .store import Store
from .traffic import Link, Traffic

_log = logging.getLogger(__name__)


class Collector:
    """Receives the frames of all units of a registry.

    Args:
        store: where everything is kept.
        registry: units and keys.
        observer: is told the `Outcome` of every datagram, when the answers are ready.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        observer: Callable[[Outcome], None] | None = None,
    ) -> None:
        self.store = store
        self.registry = registry
        self._observer = observer
        self._decoder = Decoder(store)
        self._traffic = Traffic(store)
        downlink = Downlink(registry)
        self._refusals = Refusals(store)
        self._pictures = Arrivals(store)
        self.refused = self._refusals.counts
        self._opener = Opener(registry, self._traffic)
        self._dispatcher = Dispatcher(store, self._opener, self._traffic, downlink)
        self._answers = Answers(store, self._traffic, downlink)
        with store.transaction():
            self._decoder.catch_up()

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
        outcomes = [Outcome(now_s, source_text(source), len(data)) for data, source in datagrams]
        try:
            self._follow_others()
        except FieldbeatError as error:
            for outcome in outcomes:
                outcome.refuse("store", str(error))
        opened = [
            None if outcome.reason else self._opener.open(bytes(data), outcome)
            for (data, _), outcome in zip(datagrams, outcomes, strict=True)
        ]
        free = self._keep_all([item for item in opened if item])
        for item in opened:
            if item and not item.outcome.reason:
                self._dispatcher.heard(item.outcome.unit, item.receipted, now_s)
        replies = self._answers.to(opened)
        for outcome in outcomes:
            if outcome.reason:
                self._refusals.count(outcome)
        if free:
            self._refusals.flush_if_due(now_s)
        self._tell(outcomes)
        return replies

    def outgoing(self, now_s: float) -> list[tuple[bytes, str]]:
        """Return the commands that are to be sent now, as (datagram, address of the unit).

        Who owns the socket asks for them every few milliseconds, and after it has answered: an
        answer tells the time to a unit that would refuse a command without.

        Args:
            now_s: the time, Unix seconds.
        """
        try:
            self._follow_others()
        except FieldbeatError as error:
            _log.error(tr("commands cannot be sent: %s"), error)
            return []
        return self._dispatcher.outgoing(now_s)

    def next_outgoing_s(self) -> float | None:
        """Return when `outgoing` has something to return, unless somebody orders more before."""
        return self._dispatcher.next_s()

    def flush(self) -> None:
        """Write what is counted in memory; called by itself, and once at the end by its owner."""
        self._refusals.flush()
        self._dispatcher.flush()

    def tidy(self) -> None:
        """Bring the files up to date for whoever copies them; now and then, when there is time."""
        with suppress(FieldbeatError):  # the next time
            self.flush()
            self.store.database.checkpoint()
            self.registry.checkpoint()

    def require_files(self) -> None:
        """Refuse to go on where nobody would see what is stored, and no order would come.

        Raises:
            DatabaseGone: store or registry was deleted, moved or replaced.
        """
        self.store.database.require_file()
        self.registry.require_file()

    def _tell(self, outcomes: list[Outcome]) -> None:
        """Tell the observer; if it fails, that must not keep answers from the units."""
        try:
            if self._observer:
                for outcome in outcomes:
                    self._observer(outcome)
        except Exception:
            self._observer = None
            _log.exception(tr("what became of datagrams is told no more"))

    def _follow_others(self) -> None:
        """Read again what another process has changed."""
        self._opener.follow()
        if not self._traffic.is_current():
            self._forget()

    def _forget(self) -> None:
        self._traffic.forget()
        self._decoder.forget()
        self._pictures.forget()
        self.store.forget()

    def take_by_cable(
        self, unit: Unit, epoch: int, records: Sequence[tuple[int, bytes]], now_s: float
    ) -> tuple[int, int]:
        """Keep records that were read out of a unit's flash, as if it had sent them.

        Args:
            unit: whose they are.
            epoch: of the key that the board has, which may have been replaced since.
            records: number and content.
            now_s: the time, Unix seconds.

        Returns:
            How many are new, and how many were here already.

        Raises:
            DatabaseError: the store did not take them; none was kept.
        """
        outcome = Outcome(now_s, "cable", 0, unit.name, unit.kid, epoch=epoch)
        outcome.piv = max(0, self._traffic.window(unit.kid, epoch).high)
        numbered = [(*identify(raw), raw) for _, raw in records]
        keys = frame.KeySet(bytes(KEY_SIZE), unit.kid, epoch)  # nothing is opened by it
        item = Opened(keys, numbered, "", False, b"", outcome)
        try:
            with self.store.transaction():
                self._forget()
                self._keep_records(item, self._traffic.change(unit.name, now_s))
                self._traffic.save()
        except BaseException:
            self._forget()
            raise
        return len(outcome.records), outcome.duplicates

    def begin_again(self, unit: Unit) -> None:
        """Count the records of a unit from 1 again: another board begins under its newest key."""
        with self.store.transaction():
            self._forget()
            link = self._traffic.link(unit.name, 0.0)
            if link.contact.frames and link.contact.run_epoch < unit.epoch:
                self._traffic.change(unit.name, 0.0).begin_run(unit.epoch, 0)
                self._traffic.save()

    # What it carried

    def _keep_all(self, opened: list[Opened]) -> bool:
        """Store frames in one transaction; if one of them does not fit, each in its own.

        Returns:
            False if another program keeps the store locked.
        """
        groups = deque([opened] if opened else [])
        while groups:
            group = groups.popleft()
            try:
                self._keep_together(group)
            except DatabaseBusy as error:  # each of the others would wait as long in vain
                for item in (*group, *(item for more in groups for item in more)):
                    item.outcome.renew()
                    item.outcome.refuse("store", str(error))
                return False
            except FieldbeatError as error:
                for item in group:
                    item.outcome.renew()
                if len(group) == 1:
                    group[0].outcome.refuse("store", str(error))
                else:
                    groups.extend([item] for item in group)
        return True

    def _keep_together(self, group: list[Opened]) -> None:
        try:
            with self.store.transaction():
                if not self._traffic.is_current():
                    self._forget()
                for item in group:
                    self._keep(item)
                self._traffic.save()
        except BaseException:
            self._forget()
            raise

    def _keep(self, item: Opened) -> None:
        """Store a frame that was opened, inside a transaction."""
        keys, outcome = item.keys, item.outcome
        unit, at_s = outcome.unit, outcome.at_s
        if not self._traffic.window(keys.kid, keys.epoch).check(outcome.piv):
            outcome.refuse("replay")
            return
        if 0 < self._traffic.newest_epoch(keys.kid) < keys.epoch:
            self._dispatcher.begin_again(unit, at_s)
        newest = outcome.piv > self._traffic.window(keys.kid, keys.epoch).high
        self._traffic.accept(keys.kid, keys.epoch, outcome.piv)
        link = self._traffic.change(unit, at_s)
        contact = link.contact
        contact.last_s = at_s
        if newest or not contact.source:  # a late one came over a road that the unit may have left
            contact.source = outcome.source
        contact.frames += 1
        contact.bytes += outcome.size
        if item.block is not None:
            item.answer = self._pictures.take(unit, item.block, at_s)
            outcome.is_part = True
            outcome.records += [self._pictures.told] if self._pictures.told else []
            return
        self._keep_records(item, link)

    def _keep_records(self, item: Opened, link: Link) -> None:
        """Store the records of a frame, inside a transaction, and follow what they say."""
        outcome, contact = item.outcome, link.contact
        unit, at_s = outcome.unit, outcome.at_s
        run = self._run(link, item)
        frame_id = self.store.add_frame(
            unit, item.keys.epoch, outcome.piv, at_s, outcome.source, item.datagram
        )
        for schema_id, rn, raw in item.numbered:
            now = run == contact.run
            if (link.knows(rn) or not now) and self.store.raw_record(unit, run, rn) is not None:
                outcome.duplicates += 1
                continue
            decoded = self._decoder.take(unit, run, rn, frame_id, schema_id, raw)
            outcome.records.append(describe(decoded, partial(self._is_motor, unit)))
            self._note_receipt(item, run, rn, decoded)
            if now:
                link.add(rn)
                self._follow(link, decoded, at_s)
        link.advance(contact.cumulative)

    def _is_motor(self, unit: str, actuator: str) -> bool:
        with suppress(Exception):  # a record is kept, whatever the registry says of its words
            spoken = control_spoken.parse(self.registry.control(unit))
            return spoken is not None and actuator in spoken.travels_s
        return False

    def _note_receipt(self, item: Opened, run: int, rn: int, decoded: Any) -> None:
        """Keep what a unit says of a command, if it says so."""
        if decoded is None or isinstance(decoded, report_reader.Block):
            return
        found = receipt_of(*decoded)
        if found:
            unit, at_s = item.outcome.unit, item.outcome.at_s
            self._dispatcher.note(unit, run, rn, found, at_s)
            item.receipted.append(found)

    def _run(self, link: Link, item: Opened) -> int:
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
