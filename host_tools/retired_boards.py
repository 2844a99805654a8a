"""Which boards are out of use: those that were replaced, and those of units that are revoked."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

from . import open_files
from .errors import CannotTry
from .language import tr
from .registered_unit import Unit
from .registry import Registry


def successor(registry: Registry, mac: str) -> Unit | None:
    """Return the unit that a chip was, if another board is in its place now."""
    retired = registry.retired(mac)
    unit = registry.unit(retired[0]) if retired else None
    return unit if unit and unit.mac not in ("", mac) else None


def trouble(registry: Registry, mac: str, unit: str) -> str:
    """Return in words why a board is out of use; '' if it is not.

    Args:
        registry: knows.
        mac: that of the board.
        unit: what it says that it is.
    """
    if now := successor(registry, mac):
        text = tr(
            "this board (MAC {mac}) was {unit}, and was replaced by the board with MAC {now}"
        )
        return text.format(mac=mac, unit=now.name, now=now.mac)
    text = tr("this board (MAC {mac}) was {unit}, which is {why}")
    if retired := registry.retired(mac):
        return text.format(mac=mac, unit=retired[0], why=tr(retired[1]))
    known = registry.unit(unit)
    if known and not known.in_use:
        return text.format(mac=mac, unit=unit, why=tr(known.state))
    return ""


def trouble_here(registry: Path | None, mac: str, unit: str) -> str:
    """Return the same by the file of a registry, '' if there is none."""
    with open_files.registry_if_there(registry) as units:
        return trouble(units, mac, unit) if units else ""


def must_be_in_use(registry: Registry, mac: str, unit: str) -> None:
    """Raise CannotTry for a board that is out of use."""
    if text := trouble(registry, mac, unit):
        raise CannotTry(text, tr("put it aside"))
