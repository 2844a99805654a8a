"""What a unit costs at a spot: the power forecast, for the coverage level that was measured."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import currents, node_config, power_forecast
from .errors import CannotTry
from .language import tr

LEVELS = (currents.GOOD, currents.FAIR, currents.BAD)  # by coverage level


@dataclass(frozen=True)
class Cost:
    """A unit at a spot; `battery_days`: on the battery alone, None where none is declared."""

    unit: str
    ecl: int
    mah_day: float
    bytes_month: float
    battery_days: float | None
    over: list[str]

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        days = self.battery_days
        rounded = {
            "mah_day": round(self.mah_day, 1),
            "bytes_month": round(self.bytes_month),
            "battery_days": None if days is None else round(days, 1),
        }
        return vars(self) | rounded

    def in_words(self) -> str:
        """Return it as a line."""
        text = tr("{unit} here: {mah:.1f} mAh a day, {bytes:,.0f} bytes a month").format(
            unit=self.unit, mah=self.mah_day, bytes=self.bytes_month
        )
        if self.battery_days is None:
            return text + tr("; for days of battery set [power] battery_mah")
        return text + tr("; its battery lasts {days:.0f} days without sun").format(
            days=self.battery_days
        )


def load(path: Path) -> node_config.NodeConfig:
    """Return the configuration of a unit that is going to stand there.

    Raises:
        CannotTry: it cannot be read, or nothing is predicted of such a unit.
    """
    config = node_config.load(path, within_budget=False)
    if not power_forecast.is_predicted(config):
        message = tr("{path}: a unit on mains or without a modem has no forecast")
        step = tr("name the configuration of a station with a modem, or leave --config out")
        raise CannotTry(message.format(path=path), step)
    return config


def cost(config: node_config.NodeConfig, ecl: int) -> Cost:
    """Return what a unit costs at a coverage level of 0 to 2."""
    found = power_forecast.forecast(config, LEVELS[ecl])
    over = list(power_forecast.overruns(config, [found]))
    name = config.tables.node.name
    return Cost(name, ecl, found.mah_day, found.bytes_month, found.dark_days, over)
