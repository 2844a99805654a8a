"""Whom loudspeakers and stations with a camera obey, by what each of them told last.

A unit tells the key ids of its issuers when it starts and whenever they change. Until it
has told them after it was provisioned, it counts for obeying those who were in office then.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fieldbeat.protocols import cbor, command, event, receipt
from fieldbeat.protocols.command import EMERGENCY

from .alert_error import AlertError
from .issuers import Issuer, Issuers
from .language import tr
from .orders import Orders
from .registered_unit import SPEAKER, Unit
from .registry import Registry
from .signed_commands import opened
from .store import Store

RANK = (EMERGENCY, 1)  # who may call the highest emergency may say who else may
ROLES = (SPEAKER, "camera")
_PROVISIONED = (
    "provisioned",
    "flashed with key",
)  # what gives a unit its list, in the history


@dataclass(frozen=True)
class Obedience:
    """Whom one unit obeys.

    Attributes:
        unit: it.
        kids: key ids; None if nobody knows.
        told: it said so itself.
        offered: key ids of whom an order may still have it obey: it counts, and may come late.
    """

    unit: Unit
    kids: frozenset[bytes] | None
    told: bool
    offered: frozenset[bytes] = frozenset()

    @property
    def signers_needed(self) -> int:
        """How many must sign what tells it whom to obey."""
        return 2 if RANK[1] <= self.unit.two_issuers_level else 1

    def obeys(self, issuer: Issuer) -> bool:
        """Tell whether it surely obeys an issuer."""
        return self.kids is not None and issuer.kid in self.kids

    def may_obey(self, issuer: Issuer) -> bool:
        """Tell whether it obeys an issuer, or may, for all that is known."""
        return self.kids is None or issuer.kid in self.kids


@dataclass(frozen=True)
class Change:
    """What a loudspeaker has to be told to obey those in office, and nobody else."""

    add: tuple[Issuer, ...] = ()
    revoke: tuple[bytes, ...] = ()  # key ids

    def __bool__(self) -> bool:
        return bool(self.add or self.revoke)


def everybody(registry: Registry, store: Store | None) -> list[Obedience]:
    """Return whom each unit of a registry obeys, by name; without a store nobody told.

    Of those with a camera: who obeys somebody. One without an issuer hears no command.
    """
    terms = Issuers(registry).terms()
    said = _said(store) if store else {}
    given, now_s = _given(registry), registry.now()
    offered = _offered(Orders(store), given, now_s) if store else {}
    found = []
    for unit in registry.units():
        if unit.role not in ROLES or not unit.in_use:
            continue
        said_s, kids = said.get(unit.name, (float("-inf"), None))
        line, given_s = given.get(unit.name, (0, float("-inf")))
        was_ahead = given_s > now_s >= said_s  # whose clock provisioned it: it has spoken since
        told = kids is not None and (said_s >= given_s or was_ahead)
        if not told:
            office = (kid for kid, (begun, ended) in terms.items() if begun <= line < ended)
            kids = frozenset(office) if unit.name in given else None
        if unit.role == SPEAKER or kids or kids is None:
            found.append(Obedience(unit, kids, told, frozenset(offered.get(unit.name, ()))))
    return found


def obeyed_by(registry: Registry, issuer: Issuer, known: Iterable[Obedience]) -> list[str]:
    """Return who obeys an issuer, or may: by what they told, and by what they were given."""
    begun = Issuers(registry).obeyed_by(issuer)  # also where the cable was pulled
    return [
        each.unit.name
        for each in known
        if each.obeys(issuer)
        or issuer.kid in each.offered
        or (not each.told and each.unit.name in begun)
    ]


def must_obey(registry: Registry, known: Iterable[Unit], names: Iterable[str]) -> None:
    """Raise AlertError for a unit with a camera that obeys nobody: it would hear no order."""
    heard = {unit.name for unit in known}
    cameras = {unit.name for unit in registry.units() if unit.role in ROLES and unit.in_use}
    for name in names:
        if name in cameras - heard:
            raise AlertError(
                tr("{name} obeys nobody, so that nobody can tell it whom to obey").format(
                    name=name
                ),
                tr("provision it again: fieldbeat provision --port PORT CONFIG"),
            )


def cut_off(known: Iterable[Obedience], gone: Issuer, office: Iterable[Issuer]) -> list[Unit]:
    """Return who obeys an issuer, and nobody could tell otherwise over the air once he is revoked.

    Args:
        known: loudspeakers.
        gone: who is to be revoked.
        office: who is in office, also him.
    """
    able = [each for each in office if each.kid != gone.kid and each.may(*RANK)]
    return [
        each.unit
        for each in known
        if each.obeys(gone) and sum(map(each.may_obey, able)) < each.signers_needed
    ]


def lacking(obedience: Obedience, issuers: Iterable[Issuer]) -> Change:
    """Return what one has to be told; `issuers` are all of the registry, in office or revoked.

    A unit remembers whom it was told to forget. So it is told of those, too, whom an order that
    was held back could have it obey.
    """
    known = list(issuers)
    office = {issuer.kid: issuer for issuer in known if issuer.revoked_s is None}
    if obedience.kids is None:
        gone = tuple(issuer.kid for issuer in known if issuer.revoked_s is not None)
        return Change(tuple(office.values()), gone)
    add = tuple(issuer for kid, issuer in office.items() if kid not in obedience.kids)
    forgotten = (obedience.kids | obedience.offered) - office.keys()
    return Change(add, tuple(sorted(forgotten)))


def _said(store: Store) -> dict[str, tuple[float, frozenset[bytes]]]:
    """Return by unit when it told last whom it obeys, and whom."""
    rows = store.database.all(
        "SELECT events.unit, body, received_s, MAX(events.record) FROM events"
        " JOIN records ON records.id = events.record JOIN frames ON frames.id = records.frame"
        " WHERE type = ? GROUP BY events.unit",
        event.CONFIG,
    )
    said = {}
    for row in rows:
        kids = cbor.decode(row["body"]).get(event.CONFIG_ISSUERS)
        if isinstance(kids, list) and all(isinstance(kid, bytes) for kid in kids):
            said[row["unit"]] = row["received_s"], frozenset(kids)
    return said


def _offered(
    orders: Orders, given: dict[str, tuple[int, float]], now_s: float
) -> dict[str, set[bytes]]:
    """Return by unit whom it may still come to obey, by orders that it has not answered."""
    found: dict[str, set[bytes]] = {}
    for order in reversed(orders.all(kind=command.ISSUERS)):  # the oldest first
        if order.expires_s <= now_s:
            continue
        done = {  # what a board of before has done, the one that stands in for it has not
            (each.command, each.unit)
            for each in orders.deliveries(order)
            if each.stage == receipt.DONE
            and (each.heard_s or 0.0) >= given.get(each.unit, (0, 0.0))[1]
        }
        for id_, plaintext, units in orders.commands(order):
            add, revoke = opened(plaintext).args
            for unit in units:
                offered = found.setdefault(unit, set())
                if (id_, unit) in done:
                    offered.difference_update(map(bytes, revoke))
                else:
                    offered.update(command.issuer_kid(item[0], item[1]) for item in add)
    return found


def _given(registry: Registry) -> dict[str, tuple[int, float]]:
    """Return by unit when it was last given a list of issuers by cable: line of history, time."""
    rows = registry.database.all(
        "SELECT unit, MAX(rowid) AS line, at_s FROM history WHERE action IN (?, ?) GROUP BY unit",
        *_PROVISIONED,
    )
    return {row["unit"]: (row["line"], row["at_s"]) for row in rows}
