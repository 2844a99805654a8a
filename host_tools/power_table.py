"""The table `[power]` of a node's file: whether the unit sleeps, and what it may cost a day."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .language import tr
from .validation import Strict

if TYPE_CHECKING:
    from .node_config import NodeConfig

RTC_BYTES = 2048  # of an ESP32, in which a unit keeps what it needs after a deep sleep
KEPT_BYTES = 500  # of them for all that is no sample: counters, last values, the clock
MOSTLY_S = 43_200  # awake for longer, a unit that is to sleep hardly does
LEAST_MV = 1000  # of a battery; less is typed in V
BATTERY_MV_RULE = tr("0 for any voltage, or from 1000 to 60000 mV: 3400 for 3.4 V")
VALUE_BYTES = 2  # of a value there, a difference in CBOR


def _in_mv(value: int) -> int:
    if 0 < value < LEAST_MV:
        raise ValueError(BATTERY_MV_RULE)
    return value


# A voltage of a battery below which something ends.
BatteryMv = Annotated[
    int, Field(ge=0, le=60_000, description=BATTERY_MV_RULE), AfterValidator(_in_mv)
]


class Power(Strict):
    """How a unit saves power.

    `sleep`: deep ends the program between two tasks, light stops it. Nobody is disturbed: not for
    `console_s` after a byte on the serial port, nor in the first `window_s` after a reset. With
    `ledger` a unit that never sleeps, too, tells once a day where its energy went. The rest is for
    `fieldbeat power`: what there is, and what a day or a month may cost.
    """

    sleep: Literal["never", "light", "deep"] = "never"
    console_s: int = Field(default=60, ge=5, le=3600)
    window_s: int = Field(default=30, ge=5, le=3600)
    ledger: bool = False
    battery_mah: int | None = Field(default=None, ge=100, le=1_000_000)  # less is typed in Ah
    solar_wh_day: float | None = Field(default=None, gt=0, le=10_000)
    days: float | None = Field(default=None, gt=0, le=10_000)
    budget_mah_day: float | None = Field(default=None, gt=0, le=1_000_000)
    budget_bytes_month: int | None = Field(default=None, ge=1, le=10_000_000_000)

    def to_device_map(self) -> dict[str, Any]:
        """Return what the unit gets of it; nothing at all where it has nothing to do."""
        if self.sleep == "never" and not self.ledger:
            return {}
        return self.model_dump(include={"sleep", "console_s", "window_s"})


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what a unit could not do, with the way out."""
    power = config.tables.power
    if power is None:
        return
    if power.days and not power.battery_mah:
        yield tr("[power] days = {days:g}: needs battery_mah, what the battery has").format(
            days=power.days
        )
    if power.sleep == "never":
        return
    if config.profile.role == "speaker":
        yield tr(
            "[power] sleep = '{sleep}': a speaker listens at all times, remove the line"
        ).format(sleep=power.sleep)
    columns = len(config.profile.channels)
    room = (RTC_BYTES - KEPT_BYTES) // (VALUE_BYTES * (columns + 1))
    if power.sleep == "deep" and config.report_samples > room:
        yield (
            tr(
                "[sampling] report_samples = {report_samples}: a deep sleep keeps at "
                "most {room} samples of {columns} channels, take that or sleep = 'light'"
            ).format(report_samples=config.report_samples, room=room, columns=columns)
        )


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield that a unit which is to sleep hardly does."""
    power = config.tables.power
    if power is None or power.sleep == "never":
        return
    from . import power_forecast, times  # rehearses a day, which few commands need

    if not power_forecast.is_predicted(config):
        return
    awake_s = min(each.ledger.awake_s for each in power_forecast.forecasts(config))
    if awake_s > MOSTLY_S:
        yield (
            tr(
                "[power] sleep = '{sleep}': it would be awake for {span} of a day, since "
                "it samples every {sampling_interval_s} s ([sampling] interval_s) and "
                "reports every {uplink_interval_s} s; see 'fieldbeat power'"
            ).format(
                sleep=power.sleep,
                span=times.span(awake_s),
                sampling_interval_s=config.sampling_interval_s,
                uplink_interval_s=config.uplink_interval_s,
            )
        )
