"""Sends the commands of a store's orders to units, from a collector: seals, addresses, repeats.

What is due comes out as datagrams, so that the socket and the clock stay with who owns them. The
plaintext of a command was signed by its issuer, elsewhere; here it only gets the unit's frame.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from fieldbeat.protocols import frame

from .deliveries import Deliveries
from .downlink import Downlink
from .errors import FieldbeatError
from .fan_out import Delivery, FanOut
from .language import tr
from .opener import Opener
from .orders import is_for_now
from .store import Store
from .traffic import Traffic

_log = logging.getLogger(__name__)
AWAKE_S = 10.0  # a unit that sleeps listens for a few seconds after it spoke
TRIES_WRITTEN_S = 1.0  # how often a send was tried again is written at most this often


class Dispatcher:
    """The commands that one collector sends.

    Args:
        store: has the orders.
        opener: has the units' keys.
        traffic: tells where a unit was heard last, and under which key.
        downlink: gives out sequence numbers.
    """

    def __init__(self, store: Store, opener: Opener, traffic: Traffic, downlink: Downlink) -> None:
        self.fan_out = FanOut()
        self._store = store
        self._deliveries = Deliveries(store)
        self._opener = opener
        self._traffic = traffic
        self._downlink = downlink
        self._plaintexts: dict[bytes, bytes] = {}
        self._version: tuple[int, int] | None = None
        self._unwritten: dict[tuple[bytes, str], Delivery] = {}
        self._written_s = float("-inf")

    def outgoing(self, now_s: float) -> list[tuple[bytes, str]]:
        """Return the datagrams that are to be sent now, each with the address of its unit."""
        try:
            self._follow(now_s)
            due = self.fan_out.due(now_s)
            datagrams = self._sealed(due, now_s) if due else []
        except FieldbeatError as error:  # what is due now is due again in a second
            _log.error(tr("commands cannot be sent: %s"), error)
            return []
        self._write_tries(due, now_s)
        return datagrams

    def next_s(self) -> float | None:
        """Return when `outgoing` has something to return, unless an order comes before."""
        return self.fan_out.next_s()

    def note(self, unit: str, run: int, rn: int, receipt: Any, now_s: float) -> None:
        """Keep a receipt, inside the transaction that keeps its record."""
        self._deliveries.note_receipt(unit, run, rn, receipt, now_s)

    def begin_again(self, unit: str, now_s: float) -> None:
        """Send a unit again what it had, as it speaks under a new key; in a transaction."""
        self._deliveries.reopen(unit, now_s)

    def heard(self, unit: str, receipts: Iterable[Any], now_s: float) -> None:
        """Take note of a frame that is stored: the unit can be reached, and says this."""
        for each in receipts:
            if is_for_now(each.stage, each.reason):
                self.fan_out.refused(each.id, unit)
            else:
                self.fan_out.heard(each.id, unit)
        self.fan_out.spoke(unit, now_s)

    def flush(self) -> None:
        """Write how often what was tried."""
        tries, self._unwritten = self._unwritten, {}
        rows = [(d.tries, d.first_s or 0.0, d.last_s or 0.0, *key) for key, d in tries.items()]
        if rows:
            try:
                self._deliveries.note_sent(rows)
            except FieldbeatError:
                self._unwritten = tries | self._unwritten
                raise

    def _follow(self, now_s: float) -> None:
        """Take what was ordered since the last time, here or by another process."""
        version = self._store.database.outside_version(), self._store.orders_made
        if version == self._version:
            return
        for each in self._deliveries.open(now_s):
            contact = self._traffic.contact(each.unit)
            self._plaintexts[each.command] = each.plaintext
            self.fan_out.add(
                *(each.command, each.unit, each.rank, each.expires_s, now_s),
                reachable=contact is not None,
                awake_s=AWAKE_S if self._opener.sleeps(each.unit) else None,
            )
        self.fan_out.drop(self._deliveries.cancelled(now_s))
        open_ = self.fan_out.commands()
        self._plaintexts = {k: v for k, v in self._plaintexts.items() if k in open_}
        self._version = version

    def _sealed(self, due: Sequence[Delivery], now_s: float) -> list[tuple[bytes, str]]:
        ways = []
        for delivery in due:
            contact = self._traffic.contact(delivery.unit)
            keys = self._opener.keys_of(delivery.unit)
            if contact and keys:
                ways.append((delivery, keys, contact.source))
        self._downlink.reserve([(keys.kid, keys.epoch) for _, keys, _ in ways], now_s)
        datagrams = []
        for delivery, keys, source in ways:
            piv = self._downlink.next(keys.kid, keys.epoch, now_s)
            plaintext = self._plaintexts[delivery.command]
            datagrams.append((keys.seal(frame.COMMAND, frame.DOWN, piv, plaintext), source))
            self._unwritten[delivery.command, delivery.unit] = delivery
        return datagrams

    def _write_tries(self, due: Sequence[Delivery], now_s: float) -> None:
        """Write what is tried before it leaves: whoever was sent an alert needs its cancel.

        That is so whenever this process ends. How often it was tried again can wait.
        """
        is_first = any(each.tries == 1 for each in due)
        if is_first or (self._unwritten and now_s - self._written_s >= TRIES_WRITTEN_S):
            self._written_s = now_s
            with suppress(FieldbeatError):  # they stay in memory until the disk takes them
                self.flush()
