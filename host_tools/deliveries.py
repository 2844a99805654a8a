"""What a collector reads and notes of a store's orders: what is to be sent, and what was heard."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from fieldbeat.protocols import command
from fieldbeat.protocols import receipt as receipts

from .orders import LAST, Delivery, is_for_now
from .store import Store
from .times import DEVICE_EPOCH_S

_FIELDS = tuple(field.name for field in fields(Delivery))
_RECEIPT = _FIELDS[_FIELDS.index("heard_s") :]  # what a receipt changes


@dataclass(frozen=True)
class Open:
    """A delivery that is to be sent until it has a receipt, with what is to be sent."""

    command: bytes
    unit: str
    plaintext: bytes
    rank: tuple[int, int]
    expires_s: float


class Deliveries:
    """The deliveries of the orders in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

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
        marks = ", ".join("?" * len(LAST))
        self._database.write(
            f"UPDATE deliveries SET {names}, tries = 0 WHERE unit = ? AND heard_s IS NOT NULL"
            f" AND stage NOT IN (?, {marks}) AND command IN (SELECT commands.id FROM commands"
            " JOIN orders ON orders.id = order_id"
            " WHERE kind = ? AND expires_s > ? AND cancelled_s IS NULL)",
            *(unit, receipts.REFUSED, *LAST, command.ALERT, now_s),
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
