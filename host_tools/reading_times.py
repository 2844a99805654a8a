"""Whether a node's parts can be read as often as its file wants it: `host_tools/currents.py`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .language import tr

if TYPE_CHECKING:
    from .node_config import NodeConfig


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what is sooner than its parts are read: samples would be missing without a word."""
    if config.profile.role == "speaker":
        return
    needed_s = _needed_s(config)
    if config.sampling_interval_s <= needed_s:
        yield _too_fast("[sampling] interval_s", config.sampling_interval_s, needed_s)
    if config.tables.pace:
        yield from _of_pace(config, needed_s)
    control = config.tables.control
    if control and control.look_s <= needed_s:
        yield _too_fast("[control] look_s", control.look_s, needed_s)


def notes(config: NodeConfig) -> Iterator[str]:
    """Yield the same of a profile's pace, which the file only has to live with."""
    if config.profile.role != "speaker" and not config.tables.pace:
        yield from _of_pace(config, _needed_s(config))


def _needed_s(config: NodeConfig) -> float:
    from . import power_model  # and what that needs, for a check only

    return power_model.reading_s(config)


def _of_pace(config: NodeConfig, needed_s: float) -> Iterator[str]:
    pace = config.tables.pace or config.profile.pace
    if pace is None:
        return
    whose = "[pace]" if config.tables.pace else tr("the profile's [pace]")
    if pace.look_s <= needed_s:
        yield _too_fast(f"{whose} look_s", pace.look_s, needed_s)
        return
    rows = {f"{whose} interval_s": pace.interval_s}
    rows["[sampling] interval_s"] = config.sampling_interval_s
    for key, interval_s in rows.items():
        # Both count from midnight: somewhere a look is so long before a row.
        ahead_s = math.gcd(interval_s, pace.look_s)
        if ahead_s <= needed_s:
            yield (
                tr(
                    "{key} = {interval_s}: must be a multiple of look_s, {look_s}: a look "
                    "{ahead_s} s before a row is not over in time (it takes some "
                    "{needed_s:.1f} s), and the row is missing"
                ).format(
                    key=key,
                    interval_s=interval_s,
                    look_s=pace.look_s,
                    ahead_s=ahead_s,
                    needed_s=needed_s,
                )
            )


def _too_fast(key: str, interval_s: int, needed_s: float) -> str:
    return tr(
        "{key} = {interval_s}: reading its parts takes some {needed_s:.1f} s, so "
        "that samples would be missing; must be at least {value}"
    ).format(key=key, interval_s=interval_s, needed_s=needed_s, value=math.floor(needed_s) + 1)
