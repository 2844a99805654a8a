"""Whom each loudspeaker obeys, and what became of the last order about it, for people."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import command

from . import coverage, obedience
from .alert_desk import Desk
from .handover import sleepers
from .language import tr
from .obedience import Change

HEAD = ("Unit", "Area", "Obeys", "State")


@dataclass(frozen=True)
class Row:
    """One loudspeaker; issuers by name, or by key id where there is none of it."""

    unit: str
    area: str
    obeys: tuple[str, ...] | None
    told: bool
    lacks: tuple[str, ...]
    excess: tuple[str, ...]
    offered: tuple[str, ...]  # revoked, and an order that has it obey them may still come
    order: str  # what became of the last order about it, '' for none

    @property
    def is_odd(self) -> bool:
        """Whether it does not obey exactly those in office, as far as is known."""
        return self.obeys is None or bool(self.lacks or self.excess or self.offered)

    @property
    def state(self) -> str:
        """What is wrong, and what is done about it."""
        parts = []
        if self.obeys is None:
            parts.append(tr("nobody knows whom it obeys"))
        else:
            parts += [tr("does not know {listed}").format(listed=", ".join(self.lacks))] * bool(
                self.lacks
            )
            parts += [tr("still obeys {listed}").format(listed=", ".join(self.excess))] * bool(
                self.excess
            )
            parts += [
                tr("an order to obey {listed} may still reach it").format(
                    listed=", ".join(self.offered)
                )
            ] * bool(self.offered)
        if not parts:
            return tr("as it should be") if self.told else tr("as it was provisioned")
        return "; ".join([*parts, *([self.order] if self.order else [tr("not told yet")])])

    def cells(self) -> tuple[str, ...]:
        """Return it as `HEAD` wants it."""
        return self.unit, self.area, ", ".join(self.obeys or ()) or "?", self.state

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return vars(self) | {"ok": not self.is_odd, "state": self.state}


def rows(desk: Desk) -> list[Row]:
    """Return a row for each loudspeaker, by name."""
    listed = desk.issuers.all()
    names = {issuer.kid: issuer.name for issuer in listed}
    last = _last_orders(desk)

    def called(kids: Any) -> tuple[str, ...]:
        return tuple(sorted(names.get(kid, kid.hex()) for kid in kids))

    found = []
    for each in obedience.everybody(desk.registry, desk.store):
        unknown = each.kids is None
        lack = Change() if unknown else obedience.lacking(each, listed)
        found.append(
            Row(
                *(each.unit.name, each.unit.site),
                *(None if unknown else called(each.kids), each.told),
                called(issuer.kid for issuer in lack.add),
                called(kid for kid in lack.revoke if kid in (each.kids or ())),
                called(kid for kid in lack.revoke if kid not in (each.kids or ())),
                last.get(each.unit.name, ""),
            )
        )
    return found


def _last_orders(desk: Desk) -> dict[str, str]:
    """Return what became of the last order about issuers at each unit that had one."""
    told, asleep = {}, sleepers(desk.registry)
    for order in reversed(desk.orders.all(kind=command.ISSUERS)):
        deliveries = desk.orders.deliveries(order)
        found = coverage.coverage(order, deliveries, desk.now(), asleep=asleep)
        for unit in found.units:
            words = {
                coverage.SOUNDED: "",
                coverage.WAITING: unit.why or tr("waits for it"),
                coverage.REFUSED: tr("refused: {why}").format(why=unit.why),
                coverage.STOPPED: "",
                coverage.SILENT: unit.why or tr("does not answer"),
            }
            withdrawn = order.cancelled_s is not None
            told[unit.unit] = "" if withdrawn else words[unit.state]
    return told
