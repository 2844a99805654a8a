"""The tables `[[alarm]]`, `[pace]` and `[rain]` as a node's file or a profile has them.

`station_alarms.py` says what they mean.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pydantic import Field

from .validation import Strict

LONG_HOLD_S = 600  # with a longer one an alarm may come when what it warns of has passed


class Condition(Strict):
    """When something is beyond a mark."""

    channel: str
    above: str | None = None
    below: str | None = None
    rises: str | None = None


class Alarm(Condition):
    """One [[alarm]]: told when every reading of `hold` is beyond, and when one is `back`."""

    number: int = Field(ge=1, le=255)
    back: str | None = None
    hold: str = "0 s"
    enabled: bool = True


class Pace(Strict):
    """How a station samples while one of `when`, or an alarm, is beyond, and for `hold` after it.

    A row of values every `interval_s`; every `look_s` it looks at what the alarms are about.
    """

    interval_s: int = Field(ge=1, le=3600)
    look_s: int = Field(ge=1, le=600)
    hold: str = "30 min"
    when: list[Condition] = []


class Rain(Strict):
    """`day_start`: the hour of UTC at which the hydrologists' day of the place begins."""

    day_start: int = Field(default=0, ge=0, le=23)
