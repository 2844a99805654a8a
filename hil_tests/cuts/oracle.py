"""Judges what a unit and its collector look like after a cut. Believes no word of the firmware.

It reads flash bytes with `flash_reader` and `nvs_reader`, the collector's file with SQL, and the
datagrams that were on the air. What it returns are broken promises in plain words; none means
that all held.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from fieldbeat.host_tools import nvs_reader
from fieldbeat.host_tools.nvs_image import Identity
from fieldbeat.protocols import frame

from . import flash_reader
from .desk import SIGNING_KEY, UNIT
from .promises import Promise, identity_in, limits
from .tape import SENT, Recording

BOOT, ROOT = 1, 14  # types of events: of a boot, a signature
KID = b"\0\1"  # of the only unit


@dataclass
class Outcome:
    """What there is to see after a cut and its recovery."""

    flash: bytes = field(repr=False)
    store: Path
    lost: dict[int, bytes]  # records of stores that the collector has lost
    known_before: int  # records in the store when the power came back: row ids up to this
    air: list[tuple[str, bytes]]  # (direction, datagram) of the recovery
    alarms: frozenset[int] = frozenset()  # that stood in the log when a datagram came


def last_row(store: Path) -> int:
    """Return the row id of the record that a store took last."""
    with sqlite3.connect(store) as database:
        return database.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0]


def is_proof(store: Path, promise: Promise, lost: dict[int, bytes], known_before: int) -> bool:
    """Whether all that was safe has arrived, and word of a boot after row `known_before`."""
    with sqlite3.connect(store) as database:
        rows = database.execute("SELECT id, rn, raw FROM records").fetchall()
    missing = promise.records.keys() - lost.keys() - {rn for _, rn, _ in rows}
    return not missing and any(is_boot(raw) for id_, _, raw in rows if id_ > known_before)


def judge(recording: Recording, promise: Promise, outcome: Outcome) -> list[str]:
    """Return every promise that is broken."""
    broken = _records(promise, outcome)
    broken += _air(recording, promise, [*promise.air, *outcome.air])
    try:
        broken += _files(recording, promise, outcome)
    except flash_reader.Unreadable as error:
        broken.append(f"the file system cannot be read: {error}")
    return broken + _nvs(recording, promise, outcome)


# The collector


def _records(promise: Promise, outcome: Outcome) -> list[str]:
    database = sqlite3.connect(outcome.store)
    try:
        rows = database.execute("SELECT id, run, rn, raw FROM records ORDER BY id").fetchall()
        synced = database.execute(
            "SELECT rn, times FROM reports JOIN records ON id = record WHERE synced ORDER BY rn"
        ).fetchall()
    finally:
        database.close()
    stored = outcome.lost | {rn: raw for _, _, rn, raw in rows}
    broken = []
    for rn, raw in promise.records.items():
        if rn not in stored:
            broken.append(f"record {rn} was safe before the cut and is lost")
        elif stored[rn] != raw:
            broken.append(f"record {rn} has arrived with other bytes")
    if any(run != 1 for _, run, _, _ in rows):
        broken.append("a record number came twice over other bytes: the collector began a new run")
    broken += _gaps(stored)
    arrived = [rn for id_, _, rn, _ in rows if id_ > outcome.known_before]
    broken += order(promise.alarms | outcome.alarms, arrived)
    if not any(is_boot(raw) for id_, _, _, raw in rows if id_ > outcome.known_before):
        broken.append("no word of a boot after the cut")
    return broken + _times(synced)


def _gaps(stored: dict[int, bytes]) -> list[str]:
    missing = sorted(set(range(1, max(stored, default=0) + 1)) - set(stored))
    return [f"records {_ranges(missing)} never came, but later ones did"] if missing else []


def _ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] as "1..3, 7"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("..".join(map(str, part)) for part in parts)


def order(alarms: frozenset[int], arrived: list[int]) -> list[str]:
    """Oldest first, alarms excepted; the network of a recovery keeps the order."""
    plain = [rn for rn in arrived if rn not in alarms]
    return [] if plain == sorted(plain) else [f"records arrived in the order {plain}"]


def _times(rows: list[tuple[int, str]]) -> list[str]:
    """Samples of a set clock: later records hold later times, and none comes twice."""
    last, broken = 0, []
    for rn, times in rows:
        for t in json.loads(times):
            if t <= last:
                broken.append(f"record {rn} has a sample of time {t}, which is not after {last}")
            last = max(last, t)
    return broken[:1]


def is_boot(raw: bytes) -> bool:
    """Whether a record is the event of a boot."""
    return event_of(raw).get(0) == BOOT


def event_of(raw: bytes) -> dict:
    """Return the map of an event, an empty one for a report."""
    if raw[0]:
        return {}
    at = 1
    while raw[at] & 0x80:  # the record number
        at += 1
    return cbor2.loads(raw[at + 1 :])


# The air


def _air(recording: Recording, promise: Promise, air: Iterable[tuple[str, bytes]]) -> list[str]:
    """No (key, number) pair over two different frames, in either direction."""
    seen: dict[tuple[str, Identity, int], bytes] = {}
    known = tuple(dict.fromkeys((*recording.identities, *promise.identities)))
    broken = []
    for direction, datagram in air:
        header = frame.parse(datagram, len(known[0].kid))
        who = sealed_by(known, direction, datagram)
        if who is None:
            broken.append(
                f"a frame of key id {header.kid.hex()} is sealed with no key of the unit"
            )
        elif seen.setdefault((direction, who, header.piv), datagram) != datagram:
            broken.append(f"sequence number {header.piv} has sealed two frames ({direction})")
    return broken


@lru_cache(4096)
def sealed_by(known: tuple[Identity, ...], direction: str, datagram: bytes) -> Identity | None:
    """Return whose key opens a frame."""
    for who in known:
        try:
            keys = frame.KeySet(who.master, who.kid, who.epoch)
            keys.open(frame.UP if direction == SENT else frame.DOWN, datagram)
            return who
        except frame.FrameError:
            continue
    return None


# The flash


def _files(recording: Recording, promise: Promise, outcome: Outcome) -> list[str]:
    found = flash_reader.files(outcome.flash, recording.vfs)
    config = found.get("/config.cbor")
    broken = []
    if config is None:
        broken.append("there is no /config.cbor")
    elif config not in promise.configs:
        which = recording.configs.index(config) if config in recording.configs else None
        what = "a mixture" if which is None else f"configuration {which}, which is not its turn"
        broken.append(f"/config.cbor is {what}")
    log = flash_reader.log(found)
    broken += [f"{path} ends in something that is no record" for path in log.torn]
    broken += [f"record number {rn} stands twice in the log" for rn in log.twice]
    for rn, raw in log.records.items():
        if promise.records.get(rn, raw) != raw:
            broken.append(f"record {rn} stands in the log with other bytes")
    return broken + _chain(outcome, log)


def _chain(outcome: Outcome, log: flash_reader.Log) -> list[str]:
    """Reckons the chain over what the collector has; no number is left out here."""
    if not log.chain:
        return []
    with sqlite3.connect(outcome.store) as database:
        stored = dict(database.execute("SELECT rn, raw FROM records").fetchall())
    known = log.records | outcome.lost | stored
    value, values, roots, broken = bytes(32), {1: bytes(32)}, 0, []
    for rn in range(1, max(known) + 1):
        if rn not in known:
            return []  # told by _gaps()
        value = hashlib.sha256(value + rn.to_bytes(4, "big") + known[rn]).digest()
        values[rn + 1] = value
    for rn, noted in log.chain.items():
        if values.get(rn) != noted:
            broken.append(f"the log's chain before record {rn} is not that of the collector")
    for rn, raw in known.items():
        body = event_of(raw)
        if body.get(0) != ROOT:
            continue
        roots += 1
        if body[3] != values[rn]:
            broken.append(f"the root in record {rn} signs another chain")
        if not _is_signed(rn, body):
            broken.append(f"the root in record {rn} has a bad signature")
    return broken if roots else [*broken, "nothing is signed"]


def _is_signed(rn: int, body: dict) -> bool:
    fields = {key: value for key, value in body.items() if key != 5}
    protected = cbor2.dumps({1: -7, 4: body[4]}, canonical=True)
    payload = cbor2.dumps([UNIT, KID, rn, fields], canonical=True)
    message = cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)
    r, s = (int.from_bytes(part, "big") for part in (body[5][:32], body[5][32:]))
    x, y = (int.from_bytes(part, "big") for part in (SIGNING_KEY[32:64], SIGNING_KEY[64:]))
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        public.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _nvs(recording: Recording, promise: Promise, outcome: Outcome) -> list[str]:
    at, size = recording.nvs
    values = nvs_reader.read(outcome.flash[at : at + size])
    broken = []
    who = identity_in(values)
    if who not in promise.identities:
        broken.append(f"the identity in NVS is a mixture, or another one: epoch {who.epoch}")
    reserved, high = limits(values)
    used = [
        frame.parse(datagram, len(promise.identities[0].kid)).piv
        for direction, datagram in (*promise.air, *outcome.air)
        if direction == SENT
    ]
    if reserved < promise.sequence_limit:
        broken.append(f"the reserved sequence number fell: {promise.sequence_limit} to {reserved}")
    if reserved <= max(used, default=-1):
        broken.append(f"sequence number {max(used)} was used, but only {reserved} are reserved")
    if high < promise.window_high and who.master == promise.window_key:
        broken.append(f"the replay window fell back: {promise.window_high} to {high}")
    return broken
