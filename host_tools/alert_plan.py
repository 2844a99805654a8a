"""An order that can be made: what a person confirms, before anything is signed."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from fieldbeat.protocols import command
from fieldbeat.protocols.command import DAILY

from . import orders
from .alert_places import Asked
from .issuers import Issuer
from .registered_unit import Unit
from .signed_commands import Window

LOWEST = 4


@dataclass(frozen=True)
class Plan:
    """An order that can be made: what a person confirms.

    Attributes:
        kind: of protocols/command.py.
        rank: class and level that its issuers must have.
        told: it in words, in one line.
        window: when it counts.
        asked: where, and the arguments of the command there.
        issuers: who signs.
        summary, notes: lines to be confirmed.
        silent: it makes no sound.
        talking: commands that send what is heard live.
        origin: of which CAP message it was made, '' for none.
        cancels: what it replaces.
    """

    kind: int
    rank: tuple[int, int]
    told: str
    window: Window
    asked: Asked
    issuers: tuple[Issuer, ...]
    summary: tuple[str, ...]
    notes: tuple[str, ...] = ()
    silent: bool = False
    talking: tuple[str, ...] = ()
    origin: str = ""
    cancels: tuple[orders.Order, ...] = ()

    @property
    def units(self) -> list[Unit]:
        return [unit for part, _ in self.asked for unit in part.units]

    @property
    def urgency(self) -> tuple[int, int]:
        """What the collector sends it by: what is no alert waits for all that are."""
        return self.rank if self.kind == command.ALERT else (DAILY, LOWEST)
