"""Promises: what must hold after a cut before operation N: what had been made safe by then.

Read out of the rebuilt flash bytes and the datagrams of the recording, never out of what the
firmware says. A record is promised when it can be read from the flash for the first time, even if
the collector has it later or the log drops it. What was promised before a first cut is promised
during the recovery from it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .. import nvs_reader
from ..virtual.flash import FlashOp
from . import flash_reader
from .states import AFTER, Name, Rebuilt, hash_of
from .tape import ARRIVED, BEGUN, DONE, SENT, TAKEN, Datagram, Recording, Stage

BACK_US = 10_000_000


@dataclass
class Promise:
    """What must hold after a cut; `at_us` is when the operation that is cut began."""

    at_us: int = 0
    taken: int = 0  # datagrams that the collector has
    records: dict[int, bytes] = field(default_factory=dict)  # safe on flash, or with the collector
    alarms: frozenset[int] = frozenset()
    configs: tuple[bytes, ...] = ()  # one of these is in force
    sequence_limit: int = 0
    window_high: int = -1
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
        numbers = repr((self.back_us, self.sequence_limit, self.window_high)).encode()
        return hash_of(numbers, self.records_key, self.air_key, *self.configs)


def promise_of(promised: list[Promise], name: Name) -> Promise:
    """Return what must hold after a cut.

    Right after an operation its bytes count already, and nothing that came later.
    """
    before = promised[name.number - 1]
    if name.kind != AFTER:
        return before
    then = promised[name.number]
    air, key = before.air, before.air_key
    return replace(then, at_us=before.at_us, taken=before.taken, air=air, air_key=key)


def promises(recording: Recording, start: Promise | None = None) -> list[Promise]:
    """Return the promise before each operation; that before operation N stands at N - 1.

    Args:
        recording: of a golden run, or of a recovery.
        start: what was promised before; then no configuration is given in this recording.

    Raises:
        flash_reader.Unreadable: the run itself left no file system.
    """
    return list(_walk(recording, start))


def _walk(recording: Recording, start: Promise | None) -> Iterator[Promise]:
    rebuilt = Rebuilt(recording)
    begun = finished = taken = 0
    now = start or Promise()
    area: tuple[int, int] | None = None  # what the last operation changed
    for at_us, what in recording.history:
        if isinstance(what, Stage):
            begun = what.config if what.name == BEGUN else begun
            finished = what.config if what.name == DONE else finished
        elif isinstance(what, Datagram):
            taken += what.kind == TAKEN
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
            configs = start.configs if start else tuple(recording.configs[finished : begun + 1])
            now = replace(now, at_us=at_us, taken=taken, configs=configs)
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
    reserved, high = limits(nvs_reader.read(bytes(rebuilt.data[at : at + size])))
    reserved, high = max(reserved, now.sequence_limit), max(high, now.window_high)
    return replace(now, sequence_limit=reserved, window_high=high)


def limits(values: dict[str, int | bytes]) -> tuple[int, int]:
    """Return the reserved sequence number and the top of the replay window."""
    reserved, window = values.get("seq_limit", 0), values.get("rx_window", b"")
    assert isinstance(reserved, int) and isinstance(window, bytes)
    high = int.from_bytes(window[:-8], "big", signed=True) if window else -1
    return reserved, high
