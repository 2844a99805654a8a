"""Promises: what must hold after a cut before operation N: what had been made safe by then.

Read out of the rebuilt flash bytes and the datagrams of the recording, never out of what the
firmware says. A record is promised when it can be read from the flash for the first time, even if
the collector has it later or the log drops it. What was promised before a first cut is promised
during the recovery from it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fieldbeat.host_tools import nvs_reader
from fieldbeat.host_tools.nvs_image import Identity

from ..virtual.flash import FlashOp
from . import flash_reader
from .states import AFTER, Name, Rebuilt, hash_of
from .tape import ARRIVED, BEGUN, DONE, LEARNT, SENT, TAKEN, Datagram, Recording, Stage

BACK_US = 10_000_000


@dataclass
class Promise:
    """What must hold after a cut; `at_us` is when the operation that is cut began."""

    at_us: int = 0
    memory: int = 0  # which of the recording's is what the host knows
    records: dict[int, bytes] = field(default_factory=dict)  # safe on flash, or with the collector
    alarms: frozenset[int] = frozenset()
    configs: tuple[bytes, ...] = ()  # one of these is in force
    identities: tuple[Identity, ...] = ()  # it is one of these
    sequence_limit: int = 0
    window_high: int = -1
    window_key: bytes = b""  # the master key under which the window has got so high
    air: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)  # (sent or down, datagram)
    air_key: bytes = b""
    records_key: bytes = b""

    @property
    def back_us(self) -> int:
        """When the power is back: at the next full ten seconds, so that cuts of one burst of
        writes differ in nothing but their flash."""
        return -(-self.at_us // BACK_US) * BACK_US

    @property
    def key(self) -> bytes:
        """A hash of all this but the moment of the cut itself."""
        numbers = (self.back_us, self.sequence_limit, self.window_high, self.window_key)
        masters = (who.master for who in self.identities)
        known = (self.records_key, self.air_key, *self.configs, *masters)
        return hash_of(repr((numbers, self.identities)).encode(), *known)


def promise_of(promised: list[Promise], name: Name) -> Promise:
    """Return what must hold after a cut.

    Right after an operation its bytes count already, and nothing that came later.
    """
    before = promised[name.number - 1]
    if name.kind != AFTER:
        return before
    then = promised[name.number]
    air, key = before.air, before.air_key
    return replace(then, at_us=before.at_us, memory=before.memory, air=air, air_key=key)


def promises(recording: Recording, start: Promise | None = None) -> list[Promise]:
    """Return the promise before each operation; that before operation N stands at N - 1.

    Args:
        recording: of a golden run, or of a recovery.
        start: what was promised before; then nobody provisions the unit in this recording.

    Raises:
        flash_reader.Unreadable: the run itself left no file system.
    """
    return list(_walk(recording, start))


def _walk(recording: Recording, start: Promise | None) -> Iterator[Promise]:
    rebuilt = Rebuilt(recording)
    begun = finished = Stage("")._replace(config=0)
    memory = 0
    now = start or Promise()
    area: tuple[int, int] | None = None  # what the last operation changed
    for at_us, what in recording.history:
        if isinstance(what, Stage):
            begun = what if what.name == BEGUN else begun
            finished = what if what.name == DONE else finished
            memory += what.name == LEARNT
        elif isinstance(what, Datagram):
            memory += what.kind == TAKEN
            if what.kind in (SENT, ARRIVED):
                air = (*now.air, (what.kind, what.data))
                key = hash_of(now.air_key, what.kind.encode(), what.data)
                now = replace(now, air=air, air_key=key)
        elif isinstance(what, FlashOp):
            rebuilt.go_to(what.number)
            if area in (None, recording.vfs):
                now = _more(rebuilt, recording, now)
            if area in (None, recording.nvs):
                now = _limits(rebuilt, recording, now)
            area = recording.nvs if what.address < sum(recording.nvs) else recording.vfs
            if not start:
                configs = tuple(recording.configs[finished.config : begun.config + 1])
                who = tuple(recording.identities[finished.identity : begun.identity + 1])
                now = replace(now, configs=configs, identities=who)
            now = replace(now, at_us=at_us, memory=memory)
            yield now


def _more(rebuilt: Rebuilt, recording: Recording, now: Promise) -> Promise:
    log = flash_reader.log(flash_reader.files(rebuilt.data, recording.vfs))
    if log.records.items() <= now.records.items():
        return now
    records, alarms = now.records | log.records, now.alarms | log.alarms
    key = hash_of(repr((sorted(records.items()), sorted(alarms))).encode())
    return replace(now, records=records, alarms=alarms, records_key=key)


def _limits(rebuilt: Rebuilt, recording: Recording, now: Promise) -> Promise:
    at, size = recording.nvs
    values = nvs_reader.read(bytes(rebuilt.data[at : at + size]))
    reserved, high = limits(values)
    key = identity_in(values).master
    if key == now.window_key and len(now.identities) == 1:
        high = max(high, now.window_high)
    return replace(
        now,
        sequence_limit=max(reserved, now.sequence_limit),
        window_high=high,
        window_key=key,
    )


def identity_in(values: dict[str, int | bytes]) -> Identity:
    """Return who a unit is, by what stands in its NVS."""
    unit, kid, master = (values.get(name, b"") for name in ("unit", "kid", "master"))
    epoch, key = values.get("epoch", 0), values.get("key")
    if isinstance(key, bytes):
        master, kid, epoch = key[:16], key[20:], int.from_bytes(key[16:20], "big")
    assert isinstance(unit, bytes) and isinstance(kid, bytes)
    assert isinstance(master, bytes) and isinstance(epoch, int)
    return Identity(unit.decode("utf-8", "replace"), kid, epoch, master)


def limits(values: dict[str, int | bytes]) -> tuple[int, int]:
    """Return the reserved sequence number and the top of the replay window."""
    reserved, window = values.get("seq_limit", 0), values.get("rx_window", b"")
    assert isinstance(reserved, int) and isinstance(window, bytes)
    high = int.from_bytes(window[:-8], "big", signed=True) if window else -1
    return reserved, high
