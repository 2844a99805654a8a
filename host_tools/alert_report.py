"""What verbs show of an order: its coverage, once, after a while, or as it changes."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import typer
from fieldbeat.protocols import cbor, command, event

from . import coverage, coverage_map, following, self_tests
from .coverage import Coverage
from .event_bodies import counters
from .language import tr
from .orders import Order, Orders
from .output import console, print_json, remark
from .store import Store
from .wording import first

REFRESH_S = 0.5


def state(store: Store, order: Order, now_s: float) -> str:
    """Return in words whether an order counts still."""
    if order.cancelled_s is None or order.expires_s <= now_s:
        return order.state(now_s, Orders(store).is_over(order))
    return Report(store, order.id.hex(), every_unit=False).coverage().state(now_s)


class Report:
    """What became of one order.

    Args:
        store: has it.
        id_: its id in hexadecimal, or the beginning.
        every_unit: show each unit, however many they are.
        asleep: names of the units that sleep.
    """

    def __init__(
        self, store: Store, id_: str, every_unit: bool, asleep: Collection[str] = ()
    ) -> None:
        self._store = store
        self._asleep = asleep
        self._orders = Orders(store)
        self._id = id_
        self._every_unit = every_unit

    def wait(self, wait_s: float, as_json: bool = False) -> None:
        """Wait until every unit has told how it ended, or for a time.

        That no collector sends it is told as soon as it is seen.
        """
        end_s = time.monotonic() + wait_s
        found, warned = self.coverage(), False
        while not found.is_decided and time.monotonic() < end_s:
            if not warned and any(unit.why == coverage.NO_COLLECTOR for unit in found.units):
                remark(coverage.NO_COLLECTOR, as_json)
                warned = True
            time.sleep(min(REFRESH_S, max(0.0, end_s - time.monotonic())))
            found = self.coverage()

    def tell(self, as_json: bool, waited_s: float = 0) -> None:
        """Write it; end with exit code 1 if somebody did not sound to the end.

        After a wait it is 1, too, if somebody has not told how it ended.
        """
        found = self.coverage()
        if as_json:
            print_json(self._as_map(found))
        else:
            console().print(self._screen(found))
        late = [unit.unit for unit in found.units if waited_s and not unit.is_over]
        if late:
            remark(
                tr("not told in {waited_s:g} s how it ended: {first}").format(
                    waited_s=waited_s, first=first(late)
                ),
                as_json,
            )
        if late or found.has_failed:
            raise typer.Exit(1)

    def follow(self, as_json: bool) -> None:
        """Show it, and every change, until Ctrl-C."""
        if as_json:
            following.as_json(lambda: self._as_map(self.coverage()), REFRESH_S)
        else:
            following.on_screen(lambda: self._screen(self.coverage()), REFRESH_S)

    def coverage(self) -> Coverage:
        """Return who sounded until now."""
        order = self._orders.find(self._id)
        heard = {contact.unit for contact in self._store.contacts()}
        cancels = self._orders.cancelling(order)
        deliveries = self._orders.deliveries(order)
        now_s = time.time()
        crowded = set()
        if order.kind in (command.OPERATE, command.RECORD):
            crowded = {each.unit for each in deliveries if self._had_no_room(each.unit)}
        return coverage.coverage(order, deliveries, now_s, heard, cancels, self._asleep, crowded)

    def _had_no_room(self, unit: str) -> bool:
        """Tell whether a unit has last said that it had no memory to judge an order."""
        row = self._store.database.one(
            "SELECT body FROM events WHERE unit = ? AND type = ? ORDER BY record DESC LIMIT 1",
            *(unit, event.HEALTH),
        )
        return row is not None and "order_no_room" in counters(cbor.decode(row["body"]))

    def _tests(self, found: Coverage) -> list[self_tests.SelfTest]:
        if found.order.kind in (command.PICTURE, command.OPERATE):
            return []  # neither a camera nor a station tests a loudspeaker
        return self_tests.last(self._store, dict.fromkeys(unit.unit for unit in found.units))

    def _as_map(self, found: Coverage) -> dict[str, Any]:
        now_s = time.time()
        tests = [test.as_map(now_s) for test in self._tests(found)]
        state = found.state(now_s)
        return coverage_map.as_map(found) | {"state": state, "self_tests": tests}

    def _screen(self, found: Coverage) -> Any:
        from .alert_tables import screen

        return screen(found, self._every_unit, time.time(), self._tests(found))
