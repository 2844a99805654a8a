"""The name that a board holds in its own `nvs` partition, which outlives a lost registry."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

from . import nvs_reader
from .partition_table import Partition


def of_board(loader: Any, nvs: Partition) -> str:
    """Return the name of the unit that a board is, '' if it is none; `loader` has the stub."""
    return find(loader.read_flash(nvs.offset, nvs.size))


def find(content: bytes) -> str:
    """Return the unit's name in an NVS partition, '' if there is none."""
    name = nvs_reader.read(content).get("unit")
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else ""
