"""A unit as the collector sees it: seals records as the firmware does, opens the answers."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import ack, event, frame, packing, report, schema, schema_map

NOW_S = 1_717_243_200.0  # 2024-06-01T12:00:00Z
T0 = int(NOW_S) - DEVICE_EPOCH_S - 6 * 3600

AIR = schema.Schema(
    1,
    1,
    300,
    [
        schema.Column("air_temperature", "Cel", 100, -4000, 8500, 0),
        schema.Column("co2", "ppm", 1, 0, 5000, 0),
    ],
)


class Sender:
    """Seals under the newest key that the registry has for a unit."""

    def __init__(self, registry: Registry, name: str = "gh-1") -> None:
        unit = registry.unit(name) or registry.allocate(name)
        epoch, master = registry.keys(unit.kid)[0]
        self.keys = frame.KeySet(master, unit.kid, epoch)
        self.name = name
        self.piv = 0
        self.down_pivs: list[int] = []

    def seal(self, records: list[bytes], last: bool = True, with_epoch: bool = False) -> bytes:
        plaintext = packing.pack(records, last)
        return self.seal_plaintext(plaintext, with_epoch=with_epoch)

    def seal_plaintext(
        self, plaintext: bytes, cls: int = frame.TELEMETRY, with_epoch: bool = False
    ) -> bytes:
        sealed = self.keys.seal(cls, frame.UP, self.piv, plaintext, with_epoch)
        self.piv += 1
        return sealed

    def open_ack(self, replies: list[bytes]) -> ack.Ack:
        assert len(replies) == 1
        cls, piv, plaintext = self.keys.open(frame.DOWN, replies[0])
        assert cls == frame.ACK
        self.down_pivs.append(piv)
        return ack.decode(plaintext)


def report_record(rn: int, values=None, schema_=AIR, t: int | None = None, synced=True) -> bytes:
    """Return a report of two samples; by default those of the hour `rn`."""
    batch = report.Batch(schema_, 2)
    start = T0 + 600 * rn if t is None else t
    for i, row in enumerate(values or [(2000 + rn, 400 + rn), (2001 + rn, 401 + rn)]):
        batch.add(start + 300 * i, row)
    return batch.encode(rn, synced=synced)


def boot_record(
    rn: int, schemas=(AIR,), t: int = T0, cause: str = "power_on", **body: object
) -> bytes:
    hashes = {item.id: schema_map.hash_of(item) for item in schemas}
    keys = {event.BOOT_CAUSE: cause, event.BOOT_VERSION: "0.1", event.BOOT_SCHEMAS: hashes}
    more = {int(key[1:]): value for key, value in body.items()}
    return event.encode(rn, event.BOOT, t, keys | more)


def schema_record(rn: int, schema_=AIR) -> bytes:
    return event.encode(rn, event.SCHEMA, T0, {event.SCHEMA_MAP: schema_map.to_map(schema_)})


def health_record(rn: int, **body) -> bytes:
    keys = {int(key[1:]): value for key, value in body.items()}
    return event.encode(rn, event.HEALTH, T0 + 60, keys)
