"""How fast a host takes frames: open, decode and store, on one core, with its files on a disk."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import event, frame, packing, schema, schema_map

UNITS = 20
FOLDER = Path("build")  # not the usual place for temporary files: that may be in memory
AT_S = 1_860_000_000.0


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, where the system lets it choose."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def frames(
    registry: Registry, schema_: schema.Schema, records: Sequence[bytes], last: bool
) -> tuple[list[bytes], list[bytes]]:
    """Return the first frame of each unit, with its schema, and then one for each record."""
    body = {event.SCHEMA_MAP: schema_map.to_map(schema_)}
    begin = event.encode(1, event.SCHEMA, int(AT_S) - DEVICE_EPOCH_S, body)
    keysets = []
    for n in range(UNITS):
        unit = registry.allocate(f"unit-{n}")
        epoch, master = registry.keys(unit.kid)[0]
        keysets.append(frame.KeySet(master, unit.kid, epoch))

    def seal(piv: int, record: bytes) -> list[bytes]:
        plaintext = packing.pack([record], last)
        return [keys.seal(frame.TELEMETRY, frame.UP, piv, plaintext) for keys in keysets]

    rest = [sealed for piv, record in enumerate(records, 1) for sealed in seal(piv, record)]
    return seal(0, begin), rest


def frame_us(
    schema_: schema.Schema, records: Sequence[bytes], together: int, last: bool = False
) -> float:
    """Microseconds for each frame, with so many of them in a transaction.

    Args:
        schema_: of the reports.
        records: reports with record numbers from 2 on; each unit sends all of them.
        together: datagrams that are handed over at once.
        last: every frame asks for an answer.
    """
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=FOLDER) as name,
        closing(Registry(Path(name) / "registry")) as registry,
        closing(Store(Path(name) / "store")) as store,
        one_core(),
    ):
        first, rest = frames(registry, schema_, records, last)
        collector = Collector(store, registry)
        collector.handle_many([(data, "unit") for data in first], AT_S)
        waiting = [(data, "unit") for data in rest]
        start = time.perf_counter()
        for i in range(0, len(waiting), together):
            collector.handle_many(waiting[i : i + together], AT_S)
        taken_s = time.perf_counter() - start
        stored = store.database.one("SELECT COUNT(*) FROM reports")[0]
        if stored != len(rest) or collector.refused:
            raise AssertionError(f"{stored} of {len(rest)} stored: {collector.refused}")
    return taken_s * 1e6 / len(rest)


def sync_ms(rounds: int = 25) -> float:
    """Milliseconds until the disk has some pages that were just written; the median."""
    FOLDER.mkdir(exist_ok=True)
    times = []
    with tempfile.TemporaryFile(dir=FOLDER) as file:
        for _ in range(rounds):
            file.write(bytes(16384))
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
