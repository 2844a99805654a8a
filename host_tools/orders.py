"""The orders in a store: who ordered what, its commands, and what became of them at each unit.

`fieldbeat alert send` writes an order; the collector, another process, reads it, sends its
commands and notes the receipts; `fieldbeat alert status` reads what became of it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from fieldbeat.protocols import command
from fieldbeat.protocols import receipt as receipts
from fieldbeat.protocols.reason_codes import CODES

from .errors import CannotTry
from .language import tr
from .signed_commands import Made
from .store import Store
from .times import iso, span

RECENT = 20  # alerts in a list, beside those that count still
LAST = (receipts.DONE, receipts.INTERRUPTED, receipts.CANCELLED, receipts.SILENT)
# With a clock that was not set, or is wrong; the answer to what the unit says next sets it. Every
# other reason stays as it is until a person does something.
_FOR_NOW = frozenset(CODES[name] for name in ("cmd_no_time", "cmd_expired"))


def is_for_now(stage: int | None, reason: int | None) -> bool:
    """Tell whether a receipt is a refusal that the same command, sent again, may heal."""
    return stage == receipts.REFUSED and reason in _FOR_NOW


@dataclass(frozen=True)
class Order:
    """What was ordered; its id is that of its first command. Times are Unix seconds.

    Attributes:
        kind: ALERT, CANCEL, ... of protocols/command.py.
        class_, level: how urgent it is; a cancel is as urgent as what it cancels.
        issuers: who signed, by name.
        told: it in words, as it was confirmed.
        origin: of which CAP message it was made, '' for none.
        cancels: the order that it cancels.
        cancelled_s: when it was cancelled.
    """

    id: bytes
    kind: int
    class_: int
    level: int
    silent: bool
    made_s: float
    start_s: float
    expires_s: float
    issuers: str
    told: str
    origin: str = ""
    cancels: bytes | None = None
    cancelled_s: float | None = None

    def state(self, now_s: float, is_over: bool = False) -> str:
        """Return in words whether it counts still; `is_over`: everyone has told how it ended."""
        if self.cancelled_s is not None:
            return tr("cancelled at {cancelled_s}").format(cancelled_s=iso(self.cancelled_s))
        if self.expires_s <= now_s:
            return tr("ended at {expires_s}").format(expires_s=iso(self.expires_s))
        if is_over:
            of_one = self.kind in (command.PICTURE, command.OPERATE, command.RECORD)
            return tr("answered") if of_one else tr("over everywhere")
        begins = (
            tr("begins at {start_s}, ").format(start_s=iso(self.start_s))
            if self.start_s > now_s
            else ""
        )
        return tr("{begins}counts for another {value}").format(
            begins=begins, value=span(self.expires_s - now_s)
        )


@dataclass(frozen=True)
class Delivery:
    """What became of a command at one unit; None for what is not known.

    Times are Unix seconds, of the host, but `started_s` and `ended_s`, which are the unit's.
    `heard_s` is the time of the first receipt that is no refusal for now, and ends the sending;
    `told_s` is that of the last one of any kind. `hops` are ms since it was sent until it was
    received, verified, decided, and until its first sample.
    """

    command: bytes
    unit: str
    area: str
    tries: int = 0
    first_s: float | None = None
    last_s: float | None = None
    heard_s: float | None = None
    told_s: float | None = None
    stage: int | None = None
    reason: int | None = None
    run: int | None = None
    rn: int | None = None
    proof: bytes | None = None
    started_s: int | None = None
    ended_s: int | None = None
    source: int | None = None
    hops: str | None = None

    @property
    def hops_ms(self) -> list[int]:
        return json.loads(self.hops) if self.hops else []

    @property
    def is_over(self) -> bool:
        """Whether its unit has told how it ended: nothing sounds by it any more."""
        refused = self.stage == receipts.REFUSED and self.heard_s is not None
        return refused or self.stage in LAST


_ORDER = tuple(field.name.rstrip("_") for field in fields(Order))
_DELIVERY = tuple(field.name for field in fields(Delivery))


class Orders:
    """The orders in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    def add(self, order: Order, made: Sequence[Made]) -> None:
        """Add an order with its commands; a collector that runs sends them from now on.

        Raises:
            DatabaseError: the store did not take it; nothing is sent.
        """
        values = [getattr(order, field.name) for field in fields(Order)]
        with self._database.transaction():
            self._write("orders", _ORDER, values)
            if order.cancels:
                sql = "UPDATE orders SET cancelled_s = ? WHERE id = ? AND cancelled_s IS NULL"
                self._database.write(sql, order.made_s, order.cancels)
            for each in made:
                row = (each.id, order.id, each.plaintext)
                self._write("commands", ("id", "order_id", "plaintext"), row)
                rows: list[tuple] = [(each.id, unit.name, unit.site) for unit in each.units]
                sql = "INSERT INTO deliveries (command, unit, area) VALUES (?, ?, ?)"
                self._database.write_many(sql, rows)
        self._store.orders_made += 1

    def withdraw(self, order: Order, now_s: float) -> None:
        """Have an order sent to nobody any more; who has it keeps it."""
        sql = "UPDATE orders SET cancelled_s = ? WHERE id = ? AND cancelled_s IS NULL"
        self._database.write(sql, now_s, order.id)
        self._store.orders_made += 1

    def all(self, kind: int | None = None) -> list[Order]:
        """Return the orders of a kind, or all of them, newest first, whatever the clocks said."""
        return self._orders("kind = ifnull(?, kind) ORDER BY rowid DESC", kind)

    def recent(self, now_s: float, kind: int | None = command.ALERT) -> list[Order]:
        """Return the orders that count still, and the last that do not, newest first."""
        found = self.all(kind)
        return [
            each
            for n, each in enumerate(found)
            if n < RECENT or (each.cancelled_s is None and each.expires_s > now_s)
        ]

    def find(self, text: str, kind: int | None = None) -> Order:
        """Return the order whose id begins with some hexadecimal digits.

        Raises:
            CannotTry: there is none, or several.
        """
        found = [order for order in self.all(kind) if order.id.hex().startswith(text.lower())]
        if not text or len(found) != 1:
            what = (
                tr("several orders have ids that begin")
                if len(found) > 1
                else tr("no order has an id")
            )
            step = tr("see 'fieldbeat alert list --orders'")
            raise CannotTry(
                tr("{what} with '{text}'").format(what=what, text=text)
                if found
                else f"{what} '{text}'",
                step,
            )
        return found[0]

    def all_of_id(self, id_: bytes) -> list[Order]:
        """Return the order of an id, or nothing."""
        return self._orders("id = ?", id_)

    def is_over(self, order: Order) -> bool:
        """Whether every unit has told how it ended."""
        return all(each.is_over for each in self.deliveries(order))

    def cancelling(self, order: Order) -> list[Delivery]:
        """Return what became of the cancels of an order, the last one last."""
        cancels = self._orders("cancels = ? ORDER BY rowid", order.id)
        return [each for cancel in cancels for each in self.deliveries(cancel)]

    def of_origin(self, origin: str) -> list[Order]:
        """Return the orders that were made of a CAP message and not cancelled, newest first."""
        sql = "origin = ? AND origin != '' AND cancelled_s IS NULL ORDER BY rowid DESC"
        return self._orders(sql, origin)

    def commands(self, order: Order) -> list[tuple[bytes, bytes, list[str]]]:
        """Return (id, plaintext, names of its units) of each command of an order."""
        rows = self._database.all(
            "SELECT id, plaintext FROM commands WHERE order_id = ? ORDER BY number", order.id
        )
        sql = "SELECT unit FROM deliveries WHERE command = ? ORDER BY unit"
        return [
            (row["id"], row["plaintext"], [u["unit"] for u in self._database.all(sql, row["id"])])
            for row in rows
        ]

    def deliveries(self, order: Order) -> list[Delivery]:
        """Return what became of an order at each of its units, by area and name."""
        names = ", ".join(f"deliveries.{name}" for name in _DELIVERY)
        rows = self._database.all(
            f"SELECT {names} FROM deliveries JOIN commands ON commands.id = command"
            " WHERE order_id = ? ORDER BY area, unit",
            order.id,
        )
        return [Delivery(*row) for row in rows]

    def _orders(self, condition: str, *values: Any) -> list[Order]:
        sql = f"SELECT {', '.join(_ORDER)} FROM orders WHERE {condition}"
        return [Order(*row) for row in self._database.all(sql, *values)]

    def _write(self, table: str, names: Sequence[str], values: Sequence[Any]) -> None:
        marks = ", ".join("?" for _ in names)
        self._database.write(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", *values)
