"""What a day brings a unit: rounds, looks at the water, reports, pictures, wakes of the modem."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import currents, station_alarms

if TYPE_CHECKING:
    from .node_config import NodeConfig

DAY_S = 86_400
PICTURE_FILL = 0.84  # of the bytes that a picture may have: drivers/camera.py stops above 0.7
ALARMS = 2  # a flood begins, and ends
EVENTS_A_DAY, EVENT_BYTES = 2, 75  # health, and the ledger itself
PICTURE_EVENT_BYTES, ALARM_BYTES, START_BYTES = 66, 45, 200


@dataclass(frozen=True)
class Day:
    """Counts of one day; `fast_s` of it there is a flood. Sizes in bytes, of one."""

    interval_s: float
    fast_s: float
    fast_interval_s: float
    look_s: float
    report_samples: int
    report_bytes: float
    shots: int  # at each time of the schedule
    scheduled: float  # pictures
    picture_bytes: float
    whole_bytes: float  # of the picture of an alarm
    alarms: int
    slots: float  # times at which the modem may wake
    starts: int

    @property
    def rounds(self) -> float:
        return (DAY_S - self.fast_s) / self.interval_s + self.fast_s / self.fast_interval_s

    @property
    def looks(self) -> float:
        """Times at which only the water is looked at."""
        return max(0.0, self.fast_s / self.look_s - self.fast_s / self.fast_interval_s)

    @property
    def reports(self) -> float:
        return self.rounds / self.report_samples

    @property
    def pictures(self) -> float:
        """Of the schedule, and those of an alarm: small ones and a whole one."""
        return self.scheduled + (self.shots + 1 if self.alarms and self.shots else 0)

    @property
    def sent_picture_bytes(self) -> float:
        """Of all pictures together."""
        alarmed = self.pictures - self.scheduled
        whole = self.whole_bytes if alarmed else 0.0
        return (
            self.scheduled * self.picture_bytes + whole + max(0, alarmed - 1) * self.picture_bytes
        )

    @property
    def records(self) -> float:
        return self.reports + self.pictures + self.alarms + EVENTS_A_DAY + 3 * self.starts

    @property
    def record_bytes(self) -> float:
        events = self.pictures * PICTURE_EVENT_BYTES + self.alarms * ALARM_BYTES
        more = EVENTS_A_DAY * EVENT_BYTES + self.starts * START_BYTES
        return self.reports * self.report_bytes + events + more

    @property
    def regular(self) -> float:
        """Wakes for which there is something to send, in the slots of the day."""
        times = self.scheduled / self.shots if self.shots else 0.0
        return max(1.0, min(self.slots, self.reports + times))

    @property
    def wakes(self) -> float:
        return self.regular + self.alarms + self.starts


def day_of(config: NodeConfig, fast_h: float = 0.0, starts: int = 0) -> Day:
    """Count what a day with so many hours of flood, and so many starts, brings."""
    pace = pace_of(config) or {}
    interval_s = float(config.sampling_interval_s)
    fast_s = 3600 * fast_h if pace else 0.0
    shots, scheduled, size = _schedule(config)
    return Day(
        interval_s,
        fast_s,
        min(interval_s, pace.get("interval_s", interval_s)),
        pace.get("look_s", interval_s),
        config.report_samples,
        report_bytes(config),
        shots,
        scheduled,
        size,
        PICTURE_FILL * config.pictures.full_bytes,
        ALARMS if fast_s else 0,
        DAY_S / config.uplink_interval_s,
        starts,
    )


def pace_of(config: NodeConfig) -> dict[str, Any] | None:
    """Return the pace of a flood as the unit has it, or None."""
    watch = station_alarms.to_device_map(config)
    return watch["pace"] if watch else None


def report_bytes(config: NodeConfig) -> float:
    """Return what a report typically has; `config.report_bytes` is the most."""
    bits = currents.BITS_A_VALUE.get(config.profile.id, currents.DEFAULT_BITS)
    channels = len(config.profile.channels)
    return 9 + 1.7 * channels + (config.report_samples - 1) * channels * bits / 8


def _schedule(config: NodeConfig) -> tuple[int, float, float]:
    """-> (shots at a time, pictures a day, bytes of one)."""
    if config.profile.role != "camera" or "camera" not in config.enabled:
        return 0, 0.0, 0.0
    table = config.pictures
    override = config.tables.fitted.get("camera")
    sizes = [table.thumbnail_bytes]
    if override and "gauge" in (override.regions or {}):
        sizes.append(table.gauge_bytes)
    size = PICTURE_FILL * sum(sizes) / len(sizes)
    if not table.every_s:
        return len(sizes), 0.0, size
    # The schedule leaves of the day's bytes what an alarm needs: firmware/pictures.py.
    most = max(0.0, (table.budget_bytes_day - table.full_bytes) / size)
    return len(sizes), min(DAY_S / table.every_s * len(sizes), most), size
