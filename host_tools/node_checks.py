"""What is wrong of a node's file, and what a person should know of it: table by table."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import (
    battery_marks,
    calibration_table,
    control_config,
    control_notes,
    fitted_checks,
    level_reach,
    modem_table,
    picture_table,
    power_table,
    reading_times,
    station_alarms,
    trace_table,
    uplink_checks,
)

if TYPE_CHECKING:
    from .node_config import NodeConfig


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield all that is wrong."""
    for checks in (
        fitted_checks,
        uplink_checks,
        calibration_table,
        modem_table,
        battery_marks,
        power_table,
        picture_table,
        station_alarms,
        trace_table,
        reading_times,
        control_config,
    ):
        yield from checks.problems(config)


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield what is allowed, but what a person should know."""
    for checks in (
        fitted_checks,
        level_reach,
        modem_table,
        battery_marks,
        picture_table,
        station_alarms,
        reading_times,
        power_table,
        control_notes,
        uplink_checks,
    ):
        yield from checks.notes(config)
