"""Which files of the app a unit can ever load: by board and role, which no config changes.

Only what is told here is left out. A part that is fitted but switched off stays, since a config
may switch it on, and so does whatever another config may ask of this board in this role.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from . import boards
from .app_imports import MAPS, Edge, Graph, module_of, reachable
from .board_model import ACTUATORS, Board


@dataclass(frozen=True)
class Unit:
    """What is soldered, and what it is for: `role` is a file of firmware/roles/."""

    board: Board
    role: str

    @property
    def speaks(self) -> bool:
        return self.role == "speaker"

    @property
    def measures(self) -> bool:
        """Whether it is a station, with a camera or not; speakers have other tables."""
        return not self.speaks

    @property
    def controls(self) -> bool:
        return self.role == "station" and any(part in ACTUATORS for part in self.parts)

    @property
    def has_level_map(self) -> bool:
        fitted = self.board.fitted.values()
        return any(part.map and boards.measures_level(part) for part in fitted)

    @property
    def has_rails(self) -> bool:
        return bool(self.board.rails)

    @property
    def has_rare_modem(self) -> bool:
        """Whether its modem is none of firmware/parts.py."""
        return self.board.modem is not None and self.board.modem.part != "bc26"

    @property
    def has_two_roads(self) -> bool:
        return self.board.ethernet is None

    @property
    def parts(self) -> Set[str]:
        """What firmware/board.py looks up: parts that are fitted, and kinds of buses."""
        fitted = {part.part for part in self.board.fitted.values()}
        return fitted | {bus.kind for bus in self.board.buses.values()}

    @property
    def modems(self) -> Set[str]:
        return {self.board.modem.part} if self.board.modem else set()

    @property
    def roles(self) -> Set[str]:
        return {self.role}

    @property
    def tables(self) -> Set[str]:
        """The rare tables that its config may have: node_config.py refuses the others."""
        allowed = {
            "power": True,
            "speaker": self.speaks,
            "pictures": self.role == "camera",
            "modem": self.measures,
            "watch": self.measures,
            "trace": self.measures,
            "control": self.controls,
        }
        return {table for table, is_allowed in allowed.items() if is_allowed}


# Which keys of a table of the firmware a unit uses.
_KEYS: dict[str, Callable[[Unit], Set[str]]] = {
    "PARTS": lambda unit: unit.parts,
    "MODEMS": lambda unit: unit.modems,
    "_KINDS": lambda unit: unit.parts,
    "_ELSEWHERE": lambda unit: unit.parts,
    "_ROLES": lambda unit: unit.roles,
    "_RARE": lambda unit: unit.tables,
}

# Who names what in a function or a string, and which units get there.
CUTS: tuple[tuple[Callable[[Unit], bool], str, str], ...] = (
    (lambda unit: unit.controls, "firmware.node", "firmware.control_events"),
    (lambda unit: unit.controls, "firmware.events", "firmware.control_events"),
    (lambda unit: unit.controls, "firmware.roles.station", "firmware.control"),
    (lambda unit: unit.measures, "firmware.set_up", "firmware.chain"),
    (lambda unit: unit.measures, "firmware.shell", "firmware.verbs.acts"),
    (lambda unit: unit.speaks, "firmware.verbs.selftest", "firmware.self_checks"),
    (lambda unit: unit.measures, "firmware.board", "firmware.carriers.modem_udp"),
    (lambda unit: unit.measures, "firmware.board", "firmware.carriers.policed_modem"),
    (lambda unit: unit.measures, "firmware.sleep_look", "firmware.deep_sleep"),
    (lambda unit: unit.has_rails, "firmware.board", "firmware.rails"),
    (lambda unit: unit.has_rare_modem, "firmware.board", "firmware.other_modems"),
    (lambda unit: unit.has_level_map, "firmware.parts", "firmware.river_parts"),
    (lambda unit: unit.has_two_roads, "firmware.carriers.choose", "firmware.carriers.roads"),
    (
        lambda unit: unit.has_two_roads,
        "firmware.carriers.choose",
        "firmware.carriers.always_modem",
    ),
)
_CUTS = {(source, target): is_needed for is_needed, source, target in CUTS}


def paths_of(unit: Unit, graph: Graph) -> set[str]:
    """Return the sources and the register maps that a unit can load."""
    found = reachable(lambda path: graph.get(path, []), lambda *edge: _follows(unit, *edge))
    maps = {part.map for part in unit.board.fitted.values() if part.map}
    return found | {f"{MAPS}/{name}.json" for name in maps}


def _follows(unit: Unit, path: str, edge: Edge) -> bool:
    if edge.at_once:  # nothing could spare it
        return True
    if edge.table and _KEYS[edge.table](unit).isdisjoint(edge.keys):
        return False
    is_needed = _CUTS.get((module_of(path), module_of(edge.target)))
    return is_needed is None or is_needed(unit)
