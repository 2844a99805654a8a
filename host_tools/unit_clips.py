"""Which clips loudspeakers have, by what each of them told last.

A loudspeaker tells their names when it starts, when its issuers change, and when it is asked how
it is. Nobody else knows: an image that was built need not be the one that stands there.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import cbor, command, event

from .registered_unit import Unit
from .store import Store


@dataclass(frozen=True)
class Clips:
    """The clips of one unit; `all_told`: it has no others."""

    names: tuple[str, ...]
    all_told: bool

    def lack(self, name: str) -> bool:
        """Tell whether a clip is surely not there."""
        return self.all_told and name not in self.names


def told(store: Store) -> dict[str, Clips]:
    """Return the clips of the units that have told any list of them, also an empty one."""
    rows = store.database.all(
        "SELECT unit, body, MAX(record) FROM events WHERE type = ? GROUP BY unit", event.CONFIG
    )
    texts = {row["unit"]: cbor.decode(row["body"]).get(event.CONFIG_CLIPS) for row in rows}
    return {unit: _read(text) for unit, text in texts.items() if isinstance(text, str)}


def lacking(
    store: Store, units: Sequence[Unit], content: Iterable[Sequence[Any]]
) -> dict[str, list[Unit]]:
    """Return by name of a clip the units that do not have it, of those that have told.

    Args:
        store: what units have told.
        units: whom it is for.
        content: steps of an alert.
    """
    wanted = dict.fromkeys(step[1] for step in content if step[0] == command.CLIP)
    known = told(store) if wanted else {}
    found = {
        name: [unit for unit in units if unit.name in known and known[unit.name].lack(name)]
        for name in wanted
    }
    return {name: without for name, without in found.items() if without}


def _read(text: str) -> Clips:
    names = text.split()
    all_told = event.CLIPS_MORE not in names
    return Clips(tuple(name for name in names if name != event.CLIPS_MORE), all_told)
