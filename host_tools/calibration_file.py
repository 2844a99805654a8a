"""Writes `[calibration.CHANNEL]` into a node's file, and leaves all else in it as it is."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from . import node_config, quantities
from .calibration_table import FACTOR_STEPS
from .errors import CannotTry
from .files import write_atomically
from .language import os_reason, tr
from .profiles import Channel
from .sensor_calibration import Trim


def known(config: node_config.NodeConfig, channel: Channel) -> Trim:
    """Return what a node's file says of a channel now."""
    table = config.tables.calibration.get(channel.name)
    return Trim(table.offset_counts(channel), table.factor_steps) if table else Trim()


def values(channel: Channel, trim: Trim, by: str, on: date, against: str) -> dict[str, Any]:
    """Return the keys of the table."""
    return {
        "offset": quantities.told(trim.offset, channel),
        "factor": trim.factor / FACTOR_STEPS,
        "by": by,
        "on": on,
        "against": against,
    }


def text(channel: str, table: dict[str, Any]) -> str:
    """Return the table as TOML, to paste."""
    lines = tomlkit.dumps(table)
    return f"[calibration.{channel}]\n{lines}"


def merged(old: str, channel: str, table: dict[str, Any]) -> str:
    """Return a file's text with the table in it; what else is in it stays byte for byte."""
    document = tomlkit.parse(old)
    channels = document.get("calibration")
    if channels is None:
        end = "\r\n" if "\r\n" in old else "\n"
        gap = "" if not old or old.endswith(("\n\n", "\r\n\r\n")) else end
        newline = "" if not old or old.endswith("\n") else end
        return old + newline + gap + text(channel, table).replace("\n", end)
    if not isinstance(channels.get(channel), Table):
        channels[channel] = tomlkit.table()
    for key, value in table.items():
        channels[channel][key] = value
    return tomlkit.dumps(document)


def write(path: Path, channel: str, table: dict[str, Any]) -> None:
    """Put the table into a node's file, in one step; a file with mistakes is left as it is.

    Raises:
        CannotTry: it cannot be read or written.
        InvalidData: it would have mistakes.
    """
    try:
        old, mode = path.read_bytes().decode(), path.stat().st_mode
    except OSError as error:
        raise CannotTry(f"{path}: {os_reason(error)}", tr("name a node's file")) from None
    new = merged(old, channel, table)
    node_config.parse(new, str(path), within_budget=False)
    write_atomically(path, new.encode(), mode & 0o777)
