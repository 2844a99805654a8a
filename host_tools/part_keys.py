"""Which keys a node's file may have of a fitted part: those that its driver knows."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from . import boards, field_keys
from .board_model import Part


def of_file(data: dict[str, object]) -> dict[tuple[str | int, ...], list[str]]:
    """Return the keys of each `[fitted.NAME]` of a file, as the board has it that it names."""
    node = data.get("node")
    board = node.get("board") if isinstance(node, dict) else None
    if board not in boards.names():
        return {}
    return {("fitted", name): of(part) for name, part in boards.load(board).fitted.items()}


def of(part: Part) -> list[str]:
    """Return the keys of one part."""
    known = {
        "enabled": True,
        "address": part.address is not None,
        "datum_mm": boards.measures_level(part),
        "reckoned_c": part.part == "a02yyuw",
        "tip_um": part.part == "rain_gauge",
        "regions": part.part in boards.CAMERAS,
    }
    known |= {key: part.part == owner for key, owner in field_keys.OWNERS.items()}
    return [key for key, is_known in known.items() if is_known]
