"""Takes the pictures of units, chunk by chunk, and keeps them beside what their events tell.

A chunk and the account of what is there are written in the transaction of their frame, so a
collector that is killed goes on where its store is, and one with an older store asks anew.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fieldbeat.protocols import blocks, cbor, event
from fieldbeat.protocols.block_receiver import Receiver

from .errors import CannotTry, FieldbeatError
from .language import tr
from .store import Store
from .times import DEVICE_EPOCH_S

MOST_BYTES = 4_000_000  # of a picture
UNFINISHED = 8  # of a unit, the newest; older ones are given up

WHY_NAMES = {event.SCHEDULE: "schedule", event.ALARMED: "alarm", event.COMMANDED: "command"}
KIND_NAMES = {0: "thumbnail", 1: "gauge", 2: "full"}
FLAG_NAMES = {event.FROZEN: "frozen", event.PLAIN: "plain"}

_TOLD_S = -1  # beside the keys of a body: the time of its event

_SELECT = "SELECT id, unit, number, taken_s, size, sha256, begun_s, done_s FROM pictures"


class Incoming:
    """One picture on its way; a row of the store and the receiver of its blocks."""

    def __init__(self, store: Store, unit: str, number: int, check: int) -> None:
        self.key = (number, check)
        self._database = store.database
        self._unit = unit
        row = self._database.one(
            "SELECT id, state FROM pictures WHERE unit = ? AND number = ? AND check_ = ?",
            *(unit, number, check),
        )
        self.row: int | None = row["id"] if row else None
        self._done = False
        calls = (self._wanted, self._write, self._read)
        try:
            self.receiver = Receiver(*calls, row["state"] if row else None)
        except blocks.BlockError:  # it begins anew
            self.receiver = Receiver(*calls)
        self._done = self.receiver.result is not None
        self.came = False  # whole, with the last block

    def take(self, message: bytes, now_s: float) -> bytes | None:
        """Take a block and return the answer, inside a transaction."""
        self._now_s, self.came = now_s, False
        answer = self.receiver.receive(message)
        if self.row is not None and not self._done:
            self._database.write(
                "UPDATE pictures SET state = ?, last_s = ? WHERE id = ?",
                *(self.receiver.export(), now_s, self.row),
            )
            if self.receiver.result is not None:
                self._finish(now_s)
        return answer

    def _wanted(self, header: blocks.Header) -> bool:
        """Prepare for a picture; one that was begun under other terms begins anew."""
        if header.type != blocks.PICTURE or not 0 < header.length <= MOST_BYTES:
            return False
        if self.row is None:
            self._give_up_old()
            self.row = self._database.insert(
                "INSERT INTO pictures (unit, number, check_, sha256, taken_s, size, begun_s,"
                " last_s, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(self._unit, *self.key, header.sha256, header.time + DEVICE_EPOCH_S),
                *(header.length, self._now_s, self._now_s, b""),
            )
        else:
            self._done = False
            self._database.write("DELETE FROM picture_chunks WHERE picture = ?", self.row)
            self._database.write(
                "UPDATE pictures SET sha256 = ?, size = ?, data = NULL, done_s = NULL"
                " WHERE id = ?",
                *(header.sha256, header.length, self.row),
            )
        return True

    def _give_up_old(self) -> None:
        unfinished = "unit = ? AND done_s IS NULL"
        self._database.write(
            f"DELETE FROM pictures WHERE {unfinished} AND id NOT IN"
            f" (SELECT id FROM pictures WHERE {unfinished} ORDER BY last_s DESC LIMIT ?)",
            *(self._unit, self._unit, UNFINISHED - 1),
        )
        self._database.write(
            "DELETE FROM picture_chunks WHERE picture NOT IN (SELECT id FROM pictures)"
        )

    def _write(self, offset: int, data: bytes) -> None:
        self._database.write(
            "INSERT OR REPLACE INTO picture_chunks VALUES (?, ?, ?)", self.row, offset, data
        )

    def _read(self, offset: int, size: int) -> bytes:
        rows = self._database.all(
            "SELECT begin, data FROM picture_chunks WHERE picture = ? AND begin < ?"
            " AND begin + length(data) > ? ORDER BY begin",
            *(self.row, offset + size, offset),
        )
        found = b"".join(row["data"] for row in rows)
        skipped = offset - rows[0]["begin"] if rows else 0
        return found[skipped : skipped + size]

    def _finish(self, now_s: float) -> None:
        self._done = True
        if self.receiver.result == blocks.DONE and self.receiver.header:
            data = self._read(0, self.receiver.header.length)
            self._database.write(
                "UPDATE pictures SET data = ?, done_s = ? WHERE id = ?", data, now_s, self.row
            )
            self.came = True
        self._database.write("DELETE FROM picture_chunks WHERE picture = ?", self.row)


class Arrivals:
    """The pictures that are on their way to one collector.

    `refused`: reason -> blocks of no use. `told`: of the last block, '' where there is no news.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of_unit: dict[str, Incoming] = {}
        self.refused: Counter[str] = Counter()
        self.told = ""

    def forget(self) -> None:
        """Forget what a transaction that failed, or another process, may have changed."""
        self._of_unit.clear()

    def take(self, unit: str, message: bytes, now_s: float) -> bytes | None:
        """Take a block of a unit, inside a transaction, and return the answer, if one is due."""
        self.told = ""
        try:
            parsed, _ = blocks.parse(message)
        except blocks.BlockError as error:
            self.refused[error.reason] += 1
            return None
        if isinstance(parsed, blocks.Status):
            self.refused["message"] += 1
            return None
        check = parsed.check() if isinstance(parsed, blocks.Header) else parsed.check
        incoming = self._of_unit.get(unit)
        if incoming is None or incoming.key != (parsed.object, check):
            incoming = Incoming(self._store, unit, parsed.object, check)
            self._of_unit[unit] = incoming
        answer = incoming.take(message, now_s)
        if incoming.came and incoming.receiver.header:
            self.told = tr("picture {row}, {length} bytes").format(
                row=incoming.row, length=incoming.receiver.header.length
            )
        return answer


# What is there


@dataclass(frozen=True)
class Picture:
    """A picture of a unit, as far as it has come; times are Unix seconds.

    What the unit's event tells is None or empty until that has come.
    """

    id: int
    unit: str
    number: int
    taken_s: int
    size: int
    sha256: str
    begun_s: float
    done_s: float | None
    why: str | None = None
    kind: str | None = None
    width: int | None = None
    height: int | None = None
    quality: int | None = None
    flags: tuple[str, ...] = ()
    synced: bool = True
    told_s: int | None = None  # time of its event, sealed: soon after it was taken


def of_unit(store: Store, unit: str, since_s: float = 0) -> list[Picture]:
    """Return the pictures of a unit, oldest first."""
    told = _told(store, unit)
    rows = store.database.all(
        f"{_SELECT} WHERE unit = ? AND taken_s >= ? ORDER BY taken_s, id",
        *(unit, since_s),
    )
    return [_picture(row, told.get((row["number"], row["sha256"]), {})) for row in rows]


def data_of(store: Store, picture: Picture) -> bytes:
    """Return a picture as a JPEG file has it.

    Raises:
        CannotTry: it has not come whole.
        FieldbeatError: it was changed in the store.
    """
    data = _data_of(store, picture)
    if data is None:
        message = tr("picture {id} of {unit} has not come whole yet").format(
            id=picture.id, unit=picture.unit
        )
        raise CannotTry(message, tr("wait for the unit's next wake, or name another picture"))
    if not _is_sealed(picture, data):
        must_be_sealed([picture])
    return data


def is_changed(store: Store, picture: Picture) -> bool:
    """Whether a picture that came whole has no longer the bytes that the unit sealed."""
    data = _data_of(store, picture)
    return data is not None and not _is_sealed(picture, data)


def whole_of(store: Store, found: Iterable[Picture]) -> tuple[list[Picture], list[Picture]]:
    """Return those that are whole and as they were taken, and those that were changed since."""
    whole = [each for each in found if each.done_s is not None]
    changed = [each for each in whole if is_changed(store, each)]
    return [each for each in whole if each not in changed], changed


def must_be_sealed(changed: list[Picture]) -> None:
    """Raise FieldbeatError for pictures that were changed since the unit sealed their hash."""
    if changed:
        numbers = ", ".join(str(each.id) for each in changed)
        message = tr(
            "changed in the store, not the bytes that {unit} sealed: picture {numbers}"
        ).format(unit=changed[0].unit, numbers=numbers)
        raise FieldbeatError(message, tr("take it from a copy of the store that is older"))


def _data_of(store: Store, picture: Picture) -> bytes | None:
    row = store.database.one("SELECT data FROM pictures WHERE id = ?", picture.id)
    return row["data"] if row else None


def _is_sealed(picture: Picture, data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == picture.sha256


def file_name(picture: Picture) -> str:
    """Return the name under which a picture is exported."""
    when = datetime.fromtimestamp(picture.taken_s, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{picture.unit}_{when}_{picture.kind or 'picture'}_{picture.id}.jpg"


def find(store: Store, id_: int) -> Picture:
    """Return a picture by its id.

    Raises:
        CannotTry: there is none of that id.
    """
    row = store.database.one(f"{_SELECT} WHERE id = ?", id_)
    if row is None:
        raise CannotTry(
            tr("there is no picture {id}").format(id=id_), tr("see 'fieldbeat pictures list UNIT'")
        )
    told = _told(store, row["unit"])
    return _picture(row, told.get((row["number"], row["sha256"]), {}))


def _named(names: Mapping[int, str], number: Any) -> str | None:
    """Return the name of what a unit tells as a number; one of a later version has none."""
    return names.get(number) if isinstance(number, int) else None


def _told(store: Store, unit: str) -> dict[tuple[int, bytes], dict[int, Any]]:
    """Return what a unit's events tell, by the number of the picture and its hash.

    The number is that of the event's record. Two pictures may be the same, byte by byte; and after
    its log was erased a unit may count from 1 again.
    """
    rows = store.database.all(
        "SELECT rn, t, body FROM events JOIN records ON records.id = record"
        " WHERE events.unit = ? AND type = ? ORDER BY record",
        *(unit, event.PICTURE),
    )
    bodies = [(row["rn"], cbor.decode(row["body"]) | {_TOLD_S: row["t"]}) for row in rows]
    return {
        (rn, body[event.PICTURE_SHA256]): body
        for rn, body in bodies
        if isinstance(body.get(event.PICTURE_SHA256), bytes)
    }


def _picture(row: Any, body: dict[int, Any]) -> Picture:
    flags = body.get(event.PICTURE_FLAGS, 0)
    return Picture(
        **{key: row[key] for key in ("id", "unit", "number", "taken_s", "size")},
        sha256=row["sha256"].hex(),
        begun_s=row["begun_s"],
        done_s=row["done_s"],
        why=_named(WHY_NAMES, body.get(event.PICTURE_WHY)),
        kind=_named(KIND_NAMES, body.get(event.PICTURE_KIND)),
        width=body.get(event.PICTURE_WIDTH),
        height=body.get(event.PICTURE_HEIGHT),
        quality=body.get(event.PICTURE_QUALITY),
        flags=tuple(n for bit, n in FLAG_NAMES.items() if isinstance(flags, int) and flags & bit),
        synced=body.get(event.PICTURE_SYNCED, True) is True,
        told_s=body.get(_TOLD_S),
    )
