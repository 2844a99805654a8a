"""What a unit shall become: its file as the maps and settings that it is given."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldbeat.protocols import cbor

from . import (
    control_spoken,
    node_config,
)
from .node_config import NodeConfig
from .node_tables import Wifi


@dataclass(frozen=True)
class Plan:
    """What a unit shall become; `config` is its `/config.cbor`."""

    unit: str
    site: str
    board: str
    profile: str
    report_interval_s: int
    config: bytes
    role: str = "station"
    known: dict[str, Any] = field(default_factory=dict)  # more for the registry
    wifi: Wifi | None = None
    signs: bool = False  # what it tells, see trace_keys.py
    obeys: bool = False
    spoken: str = ""  # of its rules, see control_spoken.py

    @property
    def config_sha256(self) -> bytes:
        return hashlib.sha256(self.config).digest()


def plan(file: Path, unit: str | None = None, site: str | None = None) -> Plan:
    """Read a node's configuration for a unit.

    Args:
        file: the node's TOML file.
        unit: name of the unit; default: the file's `[node] name`.
        site: its site; default: the file's `[node] site`.

    Raises:
        FieldbeatError: the file has mistakes, or a name is not allowed.
    """
    return plan_of(node_config.load(file).renamed(unit, site))


def plan_of(config: NodeConfig) -> Plan:
    """Return what a unit with a checked configuration shall become."""
    device = config.to_device_map()
    node = device["node"]
    names = (node["name"], node["site"], node["board"], node["profile"])
    interval_s, role = device["uplink"]["interval_s"], config.profile.role
    tables = config.tables
    more = config.for_registry, tables.wifi, tables.trace is not None, config.obeys
    spoken = control_spoken.of_node(config)
    return Plan(*names, interval_s, cbor.encode(device), role, *more, spoken)
