"""Judges a unit, its neighbour and the host's files after a pull. Believes no word of anybody.

It reads flash bytes with littlefs and an NVS reader of its own, the registry with SQL and its key
file, the journal as lines of JSON. What it returns are broken promises in plain words; none means
that all held.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldbeat.host_tools import nvs_reader, partition_table
from fieldbeat.host_tools.key_table import WIFI_PASSWORD
from fieldbeat.host_tools.nvs_image import Identity
from fieldbeat.host_tools.sealing import Wrapped, read_key_file
from fieldbeat.host_tools.unit_job import Job
from fieldbeat.host_tools.vault import place_of_key, place_of_secret
from littlefs import LittleFS, LittleFSError, UserContext

from ..cuts import promises

SECTOR = 4096
PIECES = ("master", "kid", "epoch")  # of a key that is not one value


@dataclass(frozen=True)
class Sight:
    """What stands in a flash: who it is, how far its numbers are, whether it holds its image."""

    identity: Identity
    reserved: int  # sequence numbers up to here may be used
    window: int  # top of the replay window
    in_pieces: bool
    complete: bool
    code: bytes = b""  # what it keeps of the code that opens its port
    wifi: bytes = b""  # the password of its Wi-Fi
    issuers: bytes = b""  # whom it obeys

    @property
    def has_key(self) -> bool:
        return bool(self.identity.master)


def look(flash: bytes, job: Job, image: bytes) -> Sight:
    """Read a flash; `image` is what the job makes of it."""
    table = job.board.partition_table()
    nvs = partition_table.find(table, "nvs")
    values = nvs_reader.read(flash[nvs.offset : nvs.end])
    reserved, window = promises.limits(values)
    return Sight(
        promises.identity_in(values),
        reserved,
        window,
        any(name in values for name in PIECES),
        _holds(flash, job, image),
        *(_bytes(values, name) for name in ("code", "wifi", "issuers")),
    )


def _bytes(values: dict[str, int | bytes], name: str) -> bytes:
    value = values.get(name, b"")
    assert isinstance(value, bytes)
    return value


def _holds(flash: bytes, job: Job, image: bytes) -> bool:
    """Whether firmware, table and every file of the job stand in it."""
    table = job.board.partition_table()
    vfs = partition_table.find(table, "vfs")
    own = [(part.offset, part.end) for part in table if part.name in ("nvs", "vfs")]
    for at in range(0, len(image), SECTOR):
        left_alone = any(start <= at < end for start, end in own)
        blank = not image[at : at + SECTOR].strip(b"\xff")
        if not (left_alone or blank) and flash[at : at + SECTOR] != image[at : at + SECTOR]:
            return False
    context = UserContext(vfs.size)
    context.buffer = bytearray(flash[vfs.offset : vfs.end])
    disk = LittleFS(context, block_size=SECTOR, block_count=vfs.size // SECTOR, mount=False)
    try:
        disk.mount()
        return all(_content(disk, path) == data for path, data in job.files.items())
    except (LittleFSError, OSError):
        return False


def _content(disk: LittleFS, path: str) -> bytes:
    with disk.open(path, "rb") as file:
        return file.read()


@dataclass(frozen=True)
class Host:
    """What registry and journal say, read from their files."""

    units: dict[str, dict[str, Any]]
    keys: dict[tuple[bytes, int], tuple[bytes, bool]]  # kid, epoch: master, was sent
    steps: dict[str, dict[str, str]]  # unit: the last line of the journal
    secrets: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by unit and name
    issuers: tuple[bytes, ...] = ()  # their public keys

    def newest(self, name: str) -> Identity | None:
        """Who a unit is by the registry, None if that does not know it."""
        unit = self.units.get(name)
        if unit is None:
            return None
        master, _ = self.keys[unit["kid"], unit["epoch"]]
        return Identity(name, unit["kid"], unit["epoch"], master)


def read(registry: Path, key_file: Path, journal: Path) -> Host:
    """Read the files; nothing is known before there are any."""
    if not registry.exists():
        return Host({}, {}, {})
    with sqlite3.connect(registry) as database:
        database.row_factory = sqlite3.Row
        units = {row["name"]: dict(row) for row in database.execute("SELECT * FROM units")}
        rows = database.execute("SELECT kid, epoch, master, sent_s FROM keys").fetchall()
        secrets = database.execute("SELECT unit, name, value FROM secrets").fetchall()
        issuers = database.execute("SELECT key FROM issuers WHERE revoked_s IS NULL").fetchall()
        (lock,) = database.execute("SELECT kind, salt, n, r, p, wrapped FROM lock")
    database.close()
    sealer = Wrapped(*lock).open(read_key_file(key_file))
    keys = {
        (kid, epoch): (sealer.open(master, place_of_key(kid, epoch)), sent is not None)
        for kid, epoch, master, sent in rows
    }
    opened = {
        (unit, name): sealer.open(value, place_of_secret(unit, name))
        for unit, name, value in secrets
    }
    lines = [json.loads(line) for line in journal.read_bytes().splitlines()]
    steps = {line["unit"]: line for line in lines}
    return Host(units, keys, steps, opened, tuple(row["key"] for row in issuers))


def after_pull(unit: str, sight: Sight, before: Sight, host: Host) -> Iterator[str]:
    """What is wrong with a unit whose cable is out; `sight` of what the journal says it has."""
    yield from _identity(unit, sight, host)
    yield from _numbers(sight, before)
    done = host.steps.get(unit, {}).get("step")
    if done in ("provisioned", "done"):
        yield from finished(unit, sight, host)
    elif done == "flashed" and not sight.complete:
        yield "the journal calls it flashed, and it does not hold its image"


def _identity(unit: str, sight: Sight, host: Host) -> Iterator[str]:
    """A unit is nobody, or one of those that the registry made of it, whole."""
    who = sight.identity
    if sight.in_pieces:
        yield "its key stands in pieces in NVS"
    if who.unit not in ("", unit):
        yield f"it calls itself {who.unit}"
    if sight.code and sight.code != host.secrets.get((unit, "lock")):
        yield "its port opens by a code that the registry does not have for it"
    if not sight.has_key:
        if who.unit:
            yield f"it calls itself {who.unit} and has no key"
        return
    entry = host.units.get(unit)
    known, was_sent = host.keys.get((who.kid, who.epoch), (b"", False))
    if entry is None or entry["kid"] != who.kid or known != who.master:
        yield "it holds a key that the registry does not have for it"
    elif not was_sent:
        yield "it holds a key that the registry calls never sent"


def _numbers(sight: Sight, before: Sight) -> Iterator[str]:
    """Under one key they never go back."""
    if not before.has_key or sight.identity.master != before.identity.master:
        return
    if sight.reserved < before.reserved:
        yield f"sequence numbers went back from {before.reserved} to {sight.reserved}"
    if sight.window < before.window:
        yield f"the replay window went back from {before.window} to {sight.window}"


def finished(unit: str, sight: Sight, host: Host) -> Iterator[str]:
    """What is wrong with a unit that was called provisioned, or done."""
    if not sight.complete:
        yield f"{unit} counts as provisioned, and does not hold its image"
    if sight.identity != host.newest(unit):
        yield f"{unit} counts as provisioned, and its identity is not that of the registry"
    if not sight.code or sight.code != host.secrets.get((unit, "lock")):
        yield f"{unit} counts as provisioned, and its port does not open by its code"
    if sight.wifi != host.secrets.get((unit, WIFI_PASSWORD), b""):
        yield f"{unit} counts as provisioned, and its Wi-Fi has another password"
    if not all(key in sight.issuers for key in host.issuers):
        yield f"{unit} counts as provisioned, and does not know whom to obey"
    if host.units.get(unit, {}).get("state") != "provisioned":
        yield f"{unit} counts as provisioned, but not in the registry"


def no_key_twice(written: list[tuple[int, str, bytes]]) -> Iterator[str]:
    """What is wrong with the settings that have crossed a cable."""
    masters = [value[:16] for _, name, value in written if name == "key/master"]
    if len(masters) != len(set(masters)):
        yield "a key was sent twice"
