"""What a predicted day means: charge, bytes of a month, the queue, wear, and the declared budgets.

For good and for bad coverage; a budget must hold in both, since nobody chooses.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import currents, partition_table, power_model
from .currents import COVERAGES, Coverage
from .energy import Ledger
from .language import tr
from .power_day import DAY_S, Day
from .power_table import Power
from .wording import one_of

if TYPE_CHECKING:
    from .node_config import NodeConfig

MONTH_D, YEAR_D = 365 / 12, 365
HOUR_S, WEEK_S = 3600, 604_800
OUTBOX_BYTES = 524_288  # firmware/node.py
ENTRY_BYTES = 6  # firmware/outbox.py: of a record
BLOCK_BYTES = 4096
# An append copies a block, now and then the file system's own; as the bench's flash counts them.
ERASES_AN_APPEND = 1.05
ERASES_A_PICTURE = 1.5  # beside its blocks
FREE_PART = 0.5  # of the file system, over which littlefs spreads its erases; hypothesis
BATTERY_PART = 0.8  # of its charge, that is there in the cold and after years; hypothesis
SUN_PART = 0.7  # of what a panel gives, that is stored; hypothesis
CELL_V = 3.7


@dataclass(frozen=True)
class Forecast:
    """One coverage: a day of the unit, and what follows from it. None: never, or not declared."""

    coverage: Coverage
    day: Day
    ledger: Ledger
    mah: dict[str, float]  # of a day, by consumer
    bytes_month: float
    queue_h: float
    pictures_queue_h: float | None
    wear_years: float
    dark_days: float | None
    uncounted: tuple[str, ...] = ()  # actuators: no data say what their coils and loads draw

    @property
    def mah_day(self) -> float:
        return sum(self.mah.values())

    @property
    def largest(self) -> str:
        """The consumer that takes most."""
        return max(self.mah, key=self.mah.__getitem__)

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        ledger = vars(self.ledger)
        days = {"queue_hours": self.queue_h, "picture_queue_hours": self.pictures_queue_h}
        return {
            "mah_day": round(self.mah_day, 2),
            "mah": {name: round(value, 2) for name, value in self.mah.items()},
            "bytes_month": round(self.bytes_month),
            **{key: value and round(value, 1) for key, value in days.items()},
            "wear_years": round(self.wear_years, 1),
            "days_without_sun": self.dark_days and round(self.dark_days, 1),
            "not_counted": list(self.uncounted),
            "ledger": {key: _rounded(value) for key, value in ledger.items()},
        }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 1)


def is_predicted(config: NodeConfig) -> bool:
    """Whether there is a prediction: loudspeakers are supplied from the mains."""
    return config.board.modem is not None and config.profile.role != "speaker"


def forecasts(config: NodeConfig, fast_h: float = 0.0) -> list[Forecast]:
    """Return the forecast for each coverage; `fast_h` hours of a day there is a flood."""
    return [forecast(config, coverage, fast_h) for coverage in COVERAGES]


def forecast(config: NodeConfig, coverage: Coverage, fast_h: float = 0.0) -> Forecast:
    """Return what one day in some coverage means."""
    predicted = power_model.predict(config, coverage, fast_h)
    day, ledger = predicted.day, predicted.ledger
    mah = power_model.milliamp_hours(config, ledger, coverage)
    power = config.tables.power
    battery = power.battery_mah if power else None
    return Forecast(
        coverage,
        day,
        ledger,
        mah,
        MONTH_D * predicted.air_bytes,
        24 * OUTBOX_BYTES / (day.record_bytes + ENTRY_BYTES * day.records),
        _pictures_h(config, day),
        _wear_years(config, day),
        BATTERY_PART * battery / sum(mah.values()) if battery else None,
        tuple(config.tables.actuator),
    )


def _pictures_h(config: NodeConfig, day: Day) -> float | None:
    if not day.scheduled:
        return None
    return 24 * config.pictures.keep_bytes / day.sent_picture_bytes


def _wear_years(config: NodeConfig, day: Day) -> float:
    vfs = partition_table.find(config.board.partition_table(), "vfs")
    erases = ERASES_AN_APPEND * (day.records + day.wakes)
    if day.pictures:
        blocks = math.ceil(day.sent_picture_bytes / day.pictures / BLOCK_BYTES)
        erases += day.pictures * (ERASES_A_PICTURE + blocks)
    blocks_free = FREE_PART * vfs.size / BLOCK_BYTES
    return blocks_free * currents.FLASH_CYCLES / erases / YEAR_D


def sleepless(config: NodeConfig) -> str:
    """Return what to tell of a unit that never sleeps where its CPU takes most of the charge.

    It is '' of one that does, and of one that drives actuators, which has a supply.
    """
    power = config.tables.power
    if (power and power.sleep != "never") or config.tables.control or not is_predicted(config):
        return ""
    found = forecast(config, currents.GOOD)
    if found.largest != "CPU":
        return ""
    asleep = _with(config, "power", power or Power(), sleep="light")
    return tr(
        "this unit never sleeps, and takes some {mah_day:.0f} mAh a day: on a "
        'battery add [power] sleep = "light" (some {mah_day_2:.0f}) or "deep", '
        "see docs/power.md"
    ).format(mah_day=found.mah_day, mah_day_2=forecast(asleep, currents.GOOD).mah_day)


def overruns(config: NodeConfig, found: list[Forecast]) -> Iterator[str]:
    """Yield each declared limit of [power] that is exceeded, in numbers."""
    power = config.tables.power
    if power is None:
        return
    worst = max(found, key=lambda each: each.mah_day)
    place = tr("in {name} coverage").format(name=tr(worst.coverage.name))
    most = tr("most of it {largest} ({mah:.1f})").format(
        largest=worst.largest, mah=worst.mah[worst.largest]
    )
    if power.budget_mah_day and worst.mah_day > power.budget_mah_day:
        yield (
            tr(
                "[power] budget_mah_day = {budget_mah_day:g}: a day {place} takes "
                "{mah_day:.1f} mAh, {most}"
            ).format(
                budget_mah_day=power.budget_mah_day, place=place, mah_day=worst.mah_day, most=most
            )
        )
    bytes_month = max(each.bytes_month for each in found)
    if power.budget_bytes_month and bytes_month > power.budget_bytes_month:
        yield (
            tr(
                "[power] budget_bytes_month = {budget_bytes_month}: a month takes "
                "{bytes_month:,.0f} bytes"
            ).format(budget_bytes_month=power.budget_bytes_month, bytes_month=bytes_month)
        )
    if power.days and worst.dark_days is not None and worst.dark_days < power.days:
        yield (
            tr(
                "[power] days = {days:g}: the battery lasts {dark_days:.1f} days {place}, {most}"
            ).format(days=power.days, dark_days=worst.dark_days, place=place, most=most)
        )
    watt_h = worst.mah_day * CELL_V / 1000
    if power.solar_wh_day is not None and watt_h > SUN_PART * power.solar_wh_day:
        yield (
            tr(
                "[power] solar_wh_day = {solar_wh_day:g}: {value:.2f} Wh of it are "
                "stored, a day {place} takes {watt_h:.2f} Wh, {most}"
            ).format(
                solar_wh_day=power.solar_wh_day,
                value=SUN_PART * power.solar_wh_day,
                place=place,
                watt_h=watt_h,
                most=most,
            )
        )


# What may be changed alone: table, key, and other values to try.
def _changes(config: NodeConfig) -> Iterator[tuple[str, NodeConfig]]:
    power = config.tables.power
    if power and power.sleep != "deep":
        yield "[power] sleep = 'deep'", _with(config, "power", power, sleep="deep")
    if config.profile.role == "camera":
        table = config.pictures
        yield from _rarer(config, "pictures", table, "every_s", table.every_s, WEEK_S)
    tables = config.tables
    uplink_s, sampling_s = config.uplink_interval_s, config.sampling_interval_s
    yield from _rarer(config, "uplink", tables.uplink, "interval_s", uplink_s, DAY_S)
    yield from _rarer(config, "sampling", tables.sampling, "interval_s", sampling_s, HOUR_S)


def _rarer(
    config: NodeConfig, name: str, table: Any, key: str, now_s: int, most_s: int
) -> Iterator[tuple[str, NodeConfig]]:
    for factor in (2, 3, 4, 6, 8, 12, 24):
        if 0 < factor * now_s <= most_s:
            changed = _with(config, name, table, **{key: factor * now_s})
            yield f"[{name}] {key} = {factor * now_s}", changed


def _with(config: NodeConfig, name: str, table: Any, **change: Any) -> NodeConfig:
    tables = config.tables.model_copy(update={name: table.model_copy(update=change)})
    return replace(config, tables=tables)


def ways_out(config: NodeConfig, fast_h: float = 0.0) -> list[str]:
    """Return the smallest change of each key that alone keeps all budgets."""
    found: dict[str, str] = {}
    for text, changed in _changes(config):
        key = text.partition(" = ")[0]
        if key not in found and not any(overruns(changed, forecasts(changed, fast_h))):
            found[key] = text
    return list(found.values())


def advice(config: NodeConfig, fast_h: float = 0.0) -> str:
    """Return what to do about an exceeded budget, as an imperative."""
    ways = ways_out(config, fast_h)
    if ways:
        return tr("set {listed}, or raise the budget").format(listed=one_of(ways))
    worst = max(forecasts(config, fast_h), key=lambda each: each.mah_day)
    return tr("no single key is enough: begin with what {where}, or raise the budget").format(
        where=_WHERE[worst.largest]
    )


_WHERE = {
    "CPU": tr("keeps the processor awake ([power] sleep, [sampling] interval_s)"),
    "radio": tr("is sent ([uplink] interval_s, [pictures] every_s and thumbnail_bytes)"),
    "camera": tr("is filmed ([pictures] every_s)"),
    "rails": tr("is measured ([sampling] interval_s, [pace])"),
    "always on": tr("no rail switches off (a board with rails, or [fitted.NAME] enabled = false)"),
}


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what is over its budget; only where one is declared, since it takes a while."""
    power = config.tables.power
    limits = power and (
        power.budget_mah_day or power.budget_bytes_month or power.days or power.solar_wh_day
    )
    if not limits or not is_predicted(config):
        return
    over = list(overruns(config, forecasts(config)))
    if over:
        yield from over[:-1]
        yield f"{over[-1]}; {advice(config)}"
