"""The tables of a node's file as they are written, each key with what it may be."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from . import (
    alarm_tables,
    control_tables,
    modem_table,
    self_test_times,
)
from .board_model import MILLIVOLTS, POINTS, PULSES, ROM, TRAVEL
from .calibration_table import Calibration
from .errors import CannotTry
from .language import tr
from .picture_table import Pictures
from .power_table import BatteryMv, Power
from .trace_table import Trace
from .validation import Strict

NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"
NAME_RULE = tr("1 to 32 lower-case letters, digits and '-'")
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
_SELF_TEST_RULE = tr("'' or {rule}").format(rule=self_test_times.RULE)
SSID_RULE = tr("1 to 32 bytes of UTF-8 without control characters")
DAY_S = 86_400
DATAGRAM_BYTES_MAX = 1300
# What a speaker has where nothing is said: it asks every few seconds, and bytes are cheap there.
SPEAKER_BUDGET_BYTES = 10_000_000


class Node(Strict):
    name: str = Field(pattern=NAME, description=NAME_RULE)
    site: str = Field(pattern=NAME, description=NAME_RULE)
    board: str
    profile: str
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    language: Literal["zh"] | None = None  # of its console; without one it is English


class Uplink(Strict):
    """Where a unit reports to; a speaker's default of `budget_bytes_day` is the highest."""

    host: str = Field(pattern=HOST, description="a host name or an IPv4 address")
    port: int = Field(ge=1, le=65535)
    apn: str = Field(pattern=r"^[A-Za-z0-9.-]{0,63}$", description="an access point name, or ''")
    interval_s: int | None = Field(default=None, ge=30, le=DAY_S)
    datagram_bytes: int = Field(default=480, ge=128, le=DATAGRAM_BYTES_MAX)
    budget_bytes_day: int = Field(default=20_000, ge=1000, le=SPEAKER_BUDGET_BYTES)
    ack_timeout_s: int = Field(default=20, ge=2, le=120)


class Sampling(Strict):
    interval_s: int | None = Field(default=None, ge=1, le=DAY_S)
    report_samples: int | None = Field(default=None, ge=1, le=240)


class Speaker(Strict):
    """What a loudspeaker obeys; volumes in per cent of full scale.

    `emergency_volume` is a floor that no command goes below. With `two_issuers_level` = 1,
    emergencies of level 1 need two signatures; with 2 those of level 2, too; 0: never.
    `self_test`: see self_test_times.py; one fails below `battery_min_mv`, 0 for any voltage.
    """

    volume: int = Field(default=60, ge=0, le=100)
    emergency_volume: int = Field(default=80, ge=1, le=100)
    keepalive_s: int = Field(default=25, ge=5, le=3600)
    two_issuers_level: int = Field(default=0, ge=0, le=4)
    groups: list[Annotated[int, Field(ge=0, le=65535)]] = Field(default=[], max_length=16)
    self_test: str = Field(default="", description=_SELF_TEST_RULE)
    battery_min_mv: BatteryMv = 0

    @field_validator("self_test")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        self_test_times.parse(text)
        return text

    def to_device_map(self) -> dict[str, Any]:
        """Return it as the unit keeps it."""
        when = self_test_times.parse(self.self_test)
        times = {f"self_test_{name}": int(value) for name, value in vars(when).items()}
        return self.model_dump(exclude={"self_test"}) | times


class Wifi(Strict):
    """The access point of a loudspeaker without Ethernet; its password is a secret of the unit.

    A network without a password must be called `open`: it is never so by mistake.
    """

    ssid: str = Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$", description=SSID_RULE)
    open: bool = False


class Nbiot(Strict):
    """What the way back over NB-IoT may cost; `[speaker]` and `[uplink]` say it of the Wi-Fi."""

    keepalive_s: int = Field(default=50, ge=10, le=3600)
    budget_bytes_day: int = Field(default=100_000, ge=1000, le=SPEAKER_BUDGET_BYTES)


Region = Annotated[list[Annotated[int, Field(ge=0, le=4095)]], Field(min_length=4, max_length=4)]


class Override(Strict):
    """What differs on this unit from what the board says about one fitted part."""

    enabled: bool = True
    address: int | None = Field(default=None, ge=1, le=247)
    datum_mm: int | None = Field(default=None, ge=-100_000, le=100_000)
    reckoned_c: int | None = Field(default=None, ge=-40, le=85)  # what its echoes are reckoned for
    tip_um: int | None = Field(default=None, ge=10, le=10_000)  # um of rain a tip
    rom: str | None = ROM
    points_mv: list[Annotated[int, MILLIVOLTS]] | None = POINTS
    pulses_per_l: int | None = PULSES
    travel_ms: int | None = TRAVEL  # a motor's, from end to end
    # name -> left, top, width, height in pixels of the camera's largest frame
    regions: dict[str, Region] | None = None


class Tables(Strict):
    """The file as it is written."""

    node: Node
    uplink: Uplink
    sampling: Sampling = Sampling()
    speaker: Speaker | None = None
    wifi: Wifi | None = None
    nbiot: Nbiot | None = None
    power: Power | None = None
    pictures: Pictures | None = None
    alarm: list[alarm_tables.Alarm] = []
    pace: alarm_tables.Pace | None = None
    rain: alarm_tables.Rain | None = None
    modem: modem_table.Modem | None = None
    calibration: dict[str, Calibration] = {}
    control: control_tables.Control | None = None
    actuator: dict[str, control_tables.Actuator] = {}
    rule: list[control_tables.Rule] = []
    trace: Trace | None = None
    fitted: dict[str, Override] = {}


def check_name(given: str) -> str:
    """Return the name of a unit or a site as it was given on a command line.

    Raises:
        CannotTry: it is not allowed.
    """
    if not re.fullmatch(NAME, given):
        raise CannotTry(
            tr("the name {given!r} is not allowed").format(given=given),
            tr("give {name_rule}").format(name_rule=NAME_RULE),
        )
    return given
