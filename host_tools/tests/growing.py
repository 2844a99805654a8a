"""A station that drives what a greenhouse has: its board, its profile, and its file."""

from __future__ import annotations

import tomllib
from typing import Any

from fieldbeat.host_tools import boards, node_config, profiles
from fieldbeat.host_tools.board_model import Board, Part
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.host_tools.node_tables import Tables
from fieldbeat.host_tools.profiles import Channel, Profile
from fieldbeat.host_tools.validation import InvalidData, check

PARTS: dict[str, dict[str, Any]] = {
    "roof": {"part": "two_relay_motor", "open": 13, "close": 14, "active": 1}
    | {"travel_ms": 120_000, "dead_ms": 500},
    "fan": {"part": "relay", "pin": 18, "active": 1},
    "heater": {"part": "relay", "pin": 19, "active": 1},
    "pump": {"part": "relay", "pin": 23, "active": 1},
    "valve": {"part": "latching_valve", "open": 32, "close": 33, "pulse_ms": 50},
    "lamp": {"part": "pwm_output", "pin": 15, "freq_hz": 1000},
    "hand": {"part": "contact", "pin": 35, "active": 0, "debounce_ms": 20},
    "guard": {"part": "contact", "pin": 36, "active": 0, "debounce_ms": 20},
}
CHANNELS = (
    ("water", "meter.volume", "l", 10, 0, 10_000_000),
    ("water_flow", "meter.flow", "l/min", 100, 0, 10_000),
    ("wind_speed", "wind.speed", "m/s", 10, 0, 600),
)
HEAD = """
[node]
name = "gh-1"
site = "farm"
board = "greenhouse_esp32"
profile = "greenhouse"
latitude = 36.7
longitude = 119.1
[uplink]
host = "h"
port = 1
apn = ""
"""
CONTROL = """
[control]
utc_offset = "+08:00"
"""
ACTUATORS = """
[actuator.roof]
safe = 0
lease = "5 min"
[actuator.fan]
safe = "off"
lease = "5 min"
[actuator.heater]
safe = "off"
lease = "5 min"
[actuator.valve]
safe = "off"
lease = "5 min"
[actuator.pump]
safe = "off"
lease = "5 min"
needs = ["valve"]
[actuator.lamp]
safe = "off"
lease = "5 min"
"""


def board(**more: dict[str, Any]) -> Board:
    found = boards.load("greenhouse_esp32")
    meters = {name: {"part": "rain_gauge", "pin": 39} for name in ("meter", "wind")}
    parts = {name: Part(**keys) for name, keys in (PARTS | meters | more).items()}
    return found.model_copy(update={"fitted": found.fitted | parts})


def profile() -> Profile:
    found = profiles.load("greenhouse")
    keys = ("name", "from", "unit", "scale", "minimum", "maximum")
    rows = [dict(zip(keys, row, strict=True)) | {"dead_band": 0} for row in CHANNELS]
    more = [Channel.model_validate(row) for row in rows]
    return found.model_copy(update={"channels": [*found.channels, *more]})


def node(more: str, head: str = HEAD, fitted: Board | None = None) -> NodeConfig:
    tables = check(Tables, tomllib.loads(head + more), "gh.toml")
    return node_config.checked(tables, fitted or board(), profile(), "gh.toml")


def mistakes(more: str, head: str = HEAD, fitted: Board | None = None) -> list[str]:
    try:
        node(more, head, fitted)
    except InvalidData as error:
        return error.problems
    return []


def rule(number: int, actuator: str, *when: str, set: str = '"on"', more: str = "") -> str:  # noqa: A002
    """Return a [[rule]]; `set` may be '' where `more` has an `along`."""
    value = f"set = {set}\n" if set else ""
    conditions = ", ".join(f"{{ {each} }}" for each in when)
    return (
        f'[[rule]]\nnumber = {number}\nactuator = "{actuator}"\n{value}when = [ {conditions} ]\n'
        f"{more}\n"
    )
