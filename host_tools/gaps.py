"""What is missing of a unit: record numbers that did not come, times without samples, and why."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fieldbeat.protocols import cbor, event, reasons

from .language import tr
from .store import Contact, Store
from .times import DEVICE_EPOCH_S
from .wording import counted, record_numbers

# What a unit says of a time in which nothing came of it, by the reason of most of its wakes.
SILENCES = {
    "attach_paused": tr("it paused after the network had refused it or was not found"),
    "battery_low": tr("its battery was low"),
    "budget_spent": tr("its byte budget of a day was spent"),
    "fs_corrupt": tr("its file system refused"),
    "modem_error": tr("its modem refused a command"),
    "modem_reset": tr("its modem restarted"),
    "modem_silent": tr("its modem was silent"),
    "network_no_route": tr("it found no address of the collector"),
    "no_ack": tr("nobody answered"),
    "reg_denied": tr("the network refused it"),
    "reg_searching": tr("it found no network"),
    "send_failed": tr("its modem could not send"),
}


# A unit whose log is new goes on so far behind the last number that it may have used, at most:
# firmware/outbox.py, a segment over the smallest entry.
RESERVE = 4096 // 7
LOST = {
    True: tr("lost: the unit no longer had it when this store could take it"),
    False: tr(
        "skipped: the unit began a new log behind them (flashed, or its files "
        "were damaged); what it had not sent before is gone"
    ),
}


@dataclass(frozen=True)
class _Lost:
    """Record numbers that were given up; not `had`: the unit never gave most of them."""

    first: int
    last: int
    known_s: float
    had: bool


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
        missing = [(lost.first, lost.last) for lost in self._lost(contact.unit) if lost.had]
        return sum(last - first + 1 for first, last in (*missing, *self._awaited(contact)))

    def holes(self, name: str) -> Iterator[tuple[int, int]]:
        """Yield run and first number of each range of records that are not here."""
        for row in self._store.database.all("SELECT * FROM lost WHERE unit = ?", name):
            first, end = row["first_rn"], row["last_rn"] + 1
            came = self._store.stored_after(name, row["run"], first - 1, end - first)
            yield from ((row["run"], hole[0]) for hole in _holes(first, [*came, end]))
        contact = self._store.contact(name)
        if contact:
            yield from ((contact.run, first) for first, _ in self._awaited(contact))

    def _awaited(self, contact: Contact) -> Iterator[tuple[int, int]]:
        """Yield the ranges of record numbers that may still come."""
        ahead = self._store.stored_after(contact.unit, contact.run, contact.cumulative)
        return _holes(contact.cumulative + 1, ahead)

    def _lost(self, name: str) -> Iterator[_Lost]:
        """Yield the ranges of record numbers that were given up.

        What was on its way all the same, and came later, is none of them.
        """
        for row in self._store.database.all(
            "SELECT * FROM lost WHERE unit = ? ORDER BY known_s", name
        ):
            first, end = row["first_rn"], row["last_rn"] + 1
            came = self._store.stored_after(name, row["run"], first - 1, end - first)
            for hole in _holes(first, [*came, end]):
                had = not self._skipped(name, row["run"], *hole)
                yield _Lost(*hole, row["known_s"], had)

    def _skipped(self, name: str, run: int, first: int, last: int) -> bool:
        """Whether a unit that found its log erased went on at a number behind its reserve."""
        if last - first >= RESERVE:
            return False
        sql = "SELECT 1 FROM events JOIN records ON records.id = record"
        where = " WHERE records.unit = ? AND run = ? AND rn = ? AND type = ?"
        return bool(self._store.database.one(sql + where, name, run, last + 1, event.BOOT))

    def records(self, contact: Contact) -> Iterator[Gap]:
        """Yield the record numbers that are missing of a unit."""
        for lost in self._lost(contact.unit):
            yield Gap(record_numbers(lost.first, lost.last), None, lost.known_s, LOST[lost.had])
        for first, last in self._awaited(contact):
            yield Gap(record_numbers(first, last), None, None, tr("not received yet"))

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

    def samples(self, contact: Contact, slow_s: int = 0) -> Iterator[Gap]:
        """Yield the times in which samples are missing of a unit; `slow_s` as in `missing`."""
        rows = self._sample_times(contact)
        missed = missing([row["t"] for row in rows], slow_s)
        for (row, after), count in zip(pairwise(rows), missed, strict=True):
            if count:
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
                return tr("records are missing, see there")
        if boot:
            cause = cbor.decode(boot["body"]).get(event.BOOT_CAUSE, tr("cause unknown"))
            return tr("the unit restarted: {cause}").format(cause=cause)
        return "unknown"


def missing(times: Sequence[int], slow_s: int = 0) -> list[int]:
    """Return how many samples are missing after each but the last, by their times.

    A unit with a pace has two intervals, and changes between them. A step that may be one of the
    slower pace, by its length and its end, misses nothing.

    Args:
        times: Unix seconds.
        slow_s: the slower interval that the unit was given, 0 if that is not known. Between two
            floods it may not come twice in a row, which would show it.
    """
    steps = [after - before for before, after in pairwise(times)]
    intervals = _intervals(steps)
    slowest = max(slow_s, *_repeated(steps), 1)
    return [
        0
        if step <= 1.5 * interval or (step <= slowest and (after - DEVICE_EPOCH_S) % slowest == 0)
        else round(step / interval) - 1
        for step, interval, after in zip(steps, intervals, times[1:], strict=True)
    ]


def _intervals(steps: list[int]) -> list[int]:
    """Return the interval that was in force at each step between two samples.

    Which intervals there are, is known by steps that came twice in a row. The longer one of the
    nearest before and after counts; where one of them is missing, the step itself stands.
    """
    used = _repeated(steps)

    def nearest(in_order: Iterable[int]) -> Iterator[int]:
        found = 0
        for step in in_order:
            yield found
            found = step if step in used else found

    before, after = list(nearest(steps)), list(nearest(reversed(steps)))[::-1]
    return [
        max(early, late) if early and late else step
        for early, late, step in zip(before, after, steps, strict=True)
    ]


def _repeated(steps: list[int]) -> set[int]:
    return {step for step, after in pairwise(steps) if step == after}


def _holes(first: int, numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges that are missing between a number and those that follow it, in order."""
    for rn in numbers:
        if first < rn:
            yield first, rn - 1
        first = rn + 1
