"""What is missing of a unit: record numbers that did not come, times without samples, and why."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import cbor, event, reasons

from .store import Contact, Store
from .times import DEVICE_EPOCH_S
from .wording import counted

# What a unit says of a time in which nothing came of it, by the reason of most of its wakes.
SILENCES = {
    "attach_paused": "it paused after the network had refused it or was not found",
    "battery_low": "its battery was low",
    "budget_spent": "its byte budget of a day was spent",
    "fs_corrupt": "its file system refused",
    "modem_error": "its modem refused a command",
    "modem_reset": "its modem restarted",
    "modem_silent": "its modem was silent",
    "no_ack": "nobody answered",
    "reg_denied": "the network refused it",
    "reg_searching": "it found no network",
    "send_failed": "its modem could not send",
}


@dataclass(frozen=True)
class Gap:
    """Something that is missing: record numbers or samples, when, and why as far as is known."""

    what: str
    first_s: float | None
    last_s: float | None
    reason: str


class Gaps:
    """Questions to a store about what is not in it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self, contact: Contact) -> int:
        """Return how many record numbers of a unit are missing."""
        missing = [(first, last) for first, last, _ in self._lost(contact.unit)]
        return sum(last - first + 1 for first, last in (*missing, *self._awaited(contact)))

    def _awaited(self, contact: Contact) -> Iterator[tuple[int, int]]:
        """Yield the ranges of record numbers that may still come."""
        ahead = self._store.stored_after(contact.unit, contact.run, contact.cumulative)
        return _holes(contact.cumulative + 1, ahead)

    def _lost(self, name: str) -> Iterator[tuple[int, int, float]]:
        """Yield the ranges of record numbers that were given up, and when.

        What was on its way all the same, and came later, is none of them.
        """
        for row in self._store.database.all(
            "SELECT * FROM lost WHERE unit = ? ORDER BY known_s", name
        ):
            first, end = row["first_rn"], row["last_rn"] + 1
            came = self._store.stored_after(name, row["run"], first - 1, end - first)
            for hole in _holes(first, [*came, end]):
                yield *hole, row["known_s"]

    def records(self, contact: Contact) -> Iterator[Gap]:
        """Yield the record numbers that are missing of a unit."""
        for first, last, known_s in self._lost(contact.unit):
            reason = "lost: the unit no longer had it when this store could take it"
            yield Gap(_numbers(first, last), None, known_s, reason)
        for first, last in self._awaited(contact):
            yield Gap(_numbers(first, last), None, None, "not received yet")

    def silences(self, contact: Contact) -> Iterator[Gap]:
        """Yield the times in which nothing came of a unit, as it told afterwards."""
        for row in self._store.database.all(
            "SELECT t, body FROM events WHERE unit = ? AND type = ? ORDER BY t",
            *(contact.unit, event.SILENCE),
        ):
            body = cbor.decode(row["body"])
            since = body.get(event.SILENCE_SINCE)
            code = body.get(event.SILENCE_REASON, 0)
            name = reasons.name(code) if code else "unknown"
            first_s = None if since is None else since + DEVICE_EPOCH_S
            yield Gap("silent", first_s, row["t"], SILENCES.get(name, name))

    def samples(self, contact: Contact) -> Iterator[Gap]:
        """Yield the times in which samples are missing of a unit."""
        rows = self._sample_times(contact)
        steps = [after["t"] - row["t"] for row, after in zip(rows, rows[1:], strict=False)]
        if not steps:
            return
        interval = Counter(steps).most_common(1)[0][0]
        for row, after, step in zip(rows, rows[1:], steps, strict=False):
            if step > 1.5 * interval:
                count = round(step / interval) - 1
                what = counted(count, "sample")
                yield Gap(what, row["t"], after["t"], self._why(contact, row, after))

    def _sample_times(self, contact: Contact) -> list[Any]:
        """Return time, run and record number of the samples that most of the layouts share."""
        layouts = self._store.layouts(contact.unit)
        counts: Counter[int] = Counter()
        for layout, columns in layouts:
            reports = self._store.database.one(
                "SELECT COUNT(*) FROM reports WHERE layout = ?", layout
            )[0]
            counts.update(dict.fromkeys(columns, reports))
        usual = max(counts, key=lambda key: counts[key], default=None)
        chosen = [str(layout) for layout, columns in layouts if usual in columns]
        return self._store.database.all(
            "SELECT times.value AS t, run, rn FROM reports, json_each(times) AS times"
            " JOIN records ON records.id = record"
            f" WHERE layout IN ({', '.join(chosen)}) AND synced ORDER BY t",
        )

    def _why(self, contact: Contact, row: Any, after: Any) -> str:
        """Return the reason of a gap between two samples."""
        boot = self._store.database.one(
            "SELECT body FROM events WHERE unit = ? AND type = ? AND t > ? AND t <= ? ORDER BY t",
            *(contact.unit, event.BOOT, row["t"], after["t"]),
        )
        if row["run"] == after["run"] and after["rn"] - row["rn"] > 1:
            between = after["rn"] - row["rn"] - 1
            stored = self._store.stored_after(contact.unit, row["run"], row["rn"], between)
            if len(stored) < between:
                return "records are missing, see there"
        if boot:
            cause = cbor.decode(boot["body"]).get(event.BOOT_CAUSE, "cause unknown")
            return f"the unit restarted: {cause}"
        return "unknown"


def _holes(first: int, numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges that are missing between a number and those that follow it, in order."""
    for rn in numbers:
        if first < rn:
            yield first, rn - 1
        first = rn + 1


def _numbers(first: int, last: int) -> str:
    return f"record {first}" if first == last else f"records {first} to {last}"
