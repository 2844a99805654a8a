"""The orders in a store: who ordered what, its commands, and what became of them at each unit.

`fieldbeat alert send` writes an order; the collector, another process, reads it, sends its
commands and notes the receipts; `fieldbeat alert status` reads what became of it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from fieldbeat.protocols import command
from fieldbeat.protocols import receipt as receipts
from fieldbeat.protocols.reason_codes import CODES

from .errors import CannotTry
from .language import tr
from .signed_commands import Made
from .store import Store
from .times import DEVICE_EPOCH_S, iso, span

RECENT = 20  # alerts in a list, beside those that count still
_LAST = (receipts.DONE, receipts.INTERRUPTED, receipts.CANCELLED, receipts.SILENT)
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
        return refused or self.stage in _LAST


@dataclass(frozen=True)
class Open:
    """A delivery that is to be sent until it has a receipt, with what is to be sent."""

    command: bytes
    unit: str
    plaintext: bytes
    rank: tuple[int, int]
    expires_s: float


_ORDER = tuple(field.name.rstrip("_") for field in fields(Order))
_DELIVERY = tuple(field.name for field in fields(Delivery))
_RECEIPT = _DELIVERY[_DELIVERY.index("heard_s") :]  # what a receipt changes


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

    # For the collector

    def open(self, now_s: float) -> list[Open]:
        """Return what is to be sent still, of commands that have not expired."""
        rows = self._database.all(
            "SELECT command, unit, plaintext, class, level, expires_s FROM commands"
            " JOIN orders ON orders.id = order_id JOIN deliveries ON command = commands.id"
            " WHERE expires_s > ? AND cancelled_s IS NULL AND heard_s IS NULL"
            " ORDER BY number, unit",
            now_s,
        )
        return [
            Open(
                *(row["command"], row["unit"], row["plaintext"]),
                *((row["class"], row["level"]), row["expires_s"]),
            )
            for row in rows
        ]

    def reopen(self, unit: str, now_s: float) -> None:
        """Have alerts that a unit had, and has not ended, sent to it again: its board may be new.

        One that still has it answers, and does nothing twice.
        """
        names = ", ".join(f"{name} = NULL" for name in ("first_s", "last_s", *_RECEIPT))
        marks = ", ".join("?" * len(_LAST))
        self._database.write(
            f"UPDATE deliveries SET {names}, tries = 0 WHERE unit = ? AND heard_s IS NOT NULL"
            f" AND stage NOT IN (?, {marks}) AND command IN (SELECT commands.id FROM commands"
            " JOIN orders ON orders.id = order_id"
            " WHERE kind = ? AND expires_s > ? AND cancelled_s IS NULL)",
            *(unit, receipts.REFUSED, *_LAST, command.ALERT, now_s),
        )
        self._store.orders_made += 1

    def cancelled(self, now_s: float) -> list[bytes]:
        """Return the commands of orders that were cancelled and have not expired."""
        rows = self._database.all(
            "SELECT commands.id FROM commands JOIN orders ON orders.id = order_id"
            " WHERE cancelled_s IS NOT NULL AND expires_s > ?",
            now_s,
        )
        return [row["id"] for row in rows]

    def note_sent(self, rows: Iterable[tuple[int, float, float, bytes, str]]) -> None:
        """Keep (how often, first, last time, command, unit) of what was sent."""
        sql = (
            "UPDATE deliveries SET tries = max(tries, ?), first_s = ifnull(first_s, ?), last_s = ?"
            " WHERE command = ? AND unit = ?"
        )
        self._database.write_many(sql, list(rows))

    def note_receipt(self, unit: str, run: int, rn: int, receipt: Any, now_s: float) -> None:
        """Keep a receipt of a unit; the stage that counts is that of its highest record number.

        Args:
            unit: whose receipt it is.
            run, rn: its place in what the unit said.
            receipt: of protocols/receipt_reader.py.
            now_s: the time, Unix seconds.
        """
        names = ", ".join(_RECEIPT)
        row = self._database.one(
            f"SELECT {names} FROM deliveries WHERE command = ? AND unit = ?", receipt.id, unit
        )
        if row is None:  # of an order that this store does not have
            return
        known = {name: row[name] for name in _RECEIPT}
        new = _as_row(run, rn, receipt, now_s)
        later = known["rn"] is None or (run, rn) > (known["run"], known["rn"])
        first, second = (new, known) if later else (known, new)
        if _repeats(first, second):
            first, second = second, first
        merged = {name: second[name] if first[name] is None else first[name] for name in _RECEIPT}
        merged |= {name: first[name] for name in ("stage", "reason", "run", "rn")}
        merged["hops"] = max(known["hops"], new["hops"], key=lambda text: (text or "").count(","))
        times = known["heard_s"], new["heard_s"]
        merged["heard_s"] = min((s for s in times if s is not None), default=None)
        merged["told_s"] = now_s
        columns = ", ".join(f"{name} = ?" for name in _RECEIPT)
        sql = f"UPDATE deliveries SET {columns} WHERE command = ? AND unit = ?"
        self._database.write(sql, *merged.values(), receipt.id, unit)

    def _orders(self, condition: str, *values: Any) -> list[Order]:
        sql = f"SELECT {', '.join(_ORDER)} FROM orders WHERE {condition}"
        return [Order(*row) for row in self._database.all(sql, *values)]

    def _write(self, table: str, names: Sequence[str], values: Sequence[Any]) -> None:
        marks = ", ".join("?" for _ in names)
        self._database.write(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", *values)


def _repeats(row: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether a unit that was asked again told with fewer words what it had told before."""
    if before["stage"] is None or is_for_now(before["stage"], before["reason"]):
        return False
    return row["reason"] is None and row["stage"] in (receipts.ACCEPTED, before["stage"])


def _as_row(run: int, rn: int, receipt: Any, now_s: float) -> dict[str, Any]:
    return {
        "heard_s": None if is_for_now(receipt.stage, receipt.reason) else now_s,
        "told_s": now_s,
        "stage": receipt.stage,
        "reason": receipt.reason,
        "run": run,
        "rn": rn,
        "proof": receipt.proof,
        "started_s": None if receipt.start is None else receipt.start + DEVICE_EPOCH_S,
        "ended_s": None if receipt.end is None else receipt.end + DEVICE_EPOCH_S,
        "source": receipt.source,
        "hops": None if receipt.hops is None else json.dumps(receipt.hops),
    }
