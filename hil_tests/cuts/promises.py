"""What must hold after a cut before operation N: what the golden run had made safe by then.

Read out of the rebuilt flash bytes and the datagrams of the recording, never out of what the
firmware says. A record is promised when it can be read from the flash for the first time, even if
the collector has it later or the log drops it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .. import nvs_reader
from ..virtual.flash import FlashOp
from . import flash_reader
from .recorder import ARRIVED, BEGUN, DONE, SENT, TAKEN, Datagram, Recording, Stage
from .states import AFTER, Name, Rebuilt


@dataclass
class Promise:
    """What must hold after a cut; `at_us` is when the operation that is cut began."""

    at_us: int
    taken: int  # datagrams that the collector has
    records: dict[int, bytes]  # safe on flash, or with the collector
    alarms: frozenset[int]
    configs: tuple[bytes, ...]  # one of these is in force
    sequence_limit: int
    window_high: int
    air: tuple[tuple[str, bytes], ...] = field(repr=False)  # (sent or down, datagram) so far


def promise_of(promised: list[Promise], name: Name) -> Promise:
    """Return what must hold after a cut.

    Right after an operation its bytes count already, and nothing that came later.
    """
    before = promised[name.number - 1]
    if name.kind != AFTER:
        return before
    return replace(promised[name.number], at_us=before.at_us, taken=before.taken, air=before.air)


def promises(recording: Recording) -> list[Promise]:
    """Return the promise before each operation; that before operation N stands at N - 1.

    Raises:
        flash_reader.Unreadable: the golden run itself left no file system.
    """
    return list(_walk(recording))


def _walk(recording: Recording) -> Iterator[Promise]:
    rebuilt = Rebuilt(recording)
    begun = finished = taken = 0
    air: tuple[tuple[str, bytes], ...] = ()
    records: dict[int, bytes] = {}
    alarms: frozenset[int] = frozenset()
    limits = (0, -1)
    area: tuple[int, int] | None = None  # what the last operation changed
    for at_us, what in recording.history:
        if isinstance(what, Stage):
            begun = what.config if what.name == BEGUN else begun
            finished = what.config if what.name == DONE else finished
        elif isinstance(what, Datagram):
            taken += what.kind == TAKEN
            if what.kind in (SENT, ARRIVED):
                air = (*air, (what.kind, what.data))
        elif isinstance(what, FlashOp):
            rebuilt.go_to(what.number)
            if area in (None, recording.vfs):
                records, alarms = _more(rebuilt, recording, records, alarms)
            if area in (None, recording.nvs):
                limits = _limits(rebuilt, recording)
            area = recording.nvs if what.address < sum(recording.nvs) else recording.vfs
            configs = tuple(recording.configs[finished : begun + 1])
            yield Promise(at_us, taken, records, alarms, configs, *limits, air)


def _more(
    rebuilt: Rebuilt, recording: Recording, records: dict[int, bytes], alarms: frozenset[int]
) -> tuple[dict[int, bytes], frozenset[int]]:
    at, size = recording.vfs
    log = flash_reader.log(flash_reader.files(bytes(rebuilt.data[at : at + size])))
    if log.records.items() <= records.items():
        return records, alarms
    return records | log.records, alarms | log.alarms


def _limits(rebuilt: Rebuilt, recording: Recording) -> tuple[int, int]:
    at, size = recording.nvs
    return limits(nvs_reader.read(bytes(rebuilt.data[at : at + size])))


def limits(values: dict[str, int | bytes]) -> tuple[int, int]:
    """Return the reserved sequence number and the top of the replay window."""
    reserved, window = values.get("seq_limit", 0), values.get("rx_window", b"")
    assert isinstance(reserved, int) and isinstance(window, bytes)
    high = int.from_bytes(window[:-8], "big", signed=True) if window else -1
    return reserved, high
