"""Orders that tell loudspeakers whom to obey: what they lack, and the change of one key.

A rotation is two steps, and each can be taken again:

1. loudspeakers that do not obey the new issuer are told of him, signed by the old one;
2. once all obey him, those that obey the old one as well are told to forget him, signed by the
   new one.

In between both can make all of them sound. A loudspeaker that has not said that it obeys the new
one is never told to forget the old one, so it always obeys somebody.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fieldbeat.protocols import command, receipt

from . import alert_places, obedience
from .alert_desk import Desk
from .alert_error import AlertError
from .alert_places import by_name
from .alert_plan import Plan
from .alert_words import names
from .issuers import Issuer
from .language import tr
from .obedience import RANK, Change, Obedience
from .orders import Delivery, Order
from .registered_unit import Unit
from .signed_commands import Window, opened, signed_by
from .wording import all_of

WINDOW_S = 7 * 86_400.0  # who is away for so long gets another order
MOST = 8  # issuers that are added, or revoked, by one command


@dataclass(frozen=True)
class Rotation:
    """How far a change of a key has come, by names of loudspeakers.

    Attributes:
        unaware: do not obey the new issuer yet, as far as is known.
        asked: of those, who have an order to do so that they did not answer yet.
        between: obey both.
        after: obey the new one, and the old one no more.
    """

    unaware: tuple[Unit, ...]
    asked: tuple[Unit, ...]
    between: tuple[Unit, ...]
    after: tuple[Unit, ...]

    @property
    def is_done(self) -> bool:
        return not self.unaware and not self.between


def send(desk: Desk, units: Sequence[Unit], issuers: Sequence[str]) -> Plan:
    """Return the order that has loudspeakers obey those in office, and nobody else.

    Raises:
        AlertError: nothing is to be told, or nobody obeys who signs.
        IssuerError: nobody may sign it, or it is not told who does.
    """
    wanted = by_name(units)
    known = [each for each in _everybody(desk) if each.unit.name in wanted]
    listed = desk.issuers.all()
    changes = {each.unit.name: obedience.lacking(each, listed) for each in known}
    return plan(desk, known, changes, issuers)


def rotation(desk: Desk, old: Issuer, new: Issuer) -> Rotation:
    """Return how far a change of a key has come."""
    unaware: list[Unit] = []
    between: list[Unit] = []
    after: list[Unit] = []
    for each in _everybody(desk):
        if not each.obeys(new):
            unaware.append(each.unit)
        else:
            (between if each.obeys(old) else after).append(each.unit)
    open_ = _open(desk, _told(desk, Change((new,))))
    asked = [unit for unit in unaware if unit.name in open_]
    return Rotation(tuple(unaware), tuple(asked), tuple(between), tuple(after))


def introduce(desk: Desk, to: Sequence[Unit], new: Issuer, issuers: Sequence[str]) -> Plan:
    """Return the first step of a rotation, for loudspeakers that were not asked yet."""
    return _same(desk, to, Change((new,)), issuers)


def forget(desk: Desk, at: Sequence[Unit], old: Issuer, issuers: Sequence[str]) -> Plan:
    """Return the second step of a rotation."""
    return _same(desk, at, Change(revoke=(old.kid,)), issuers)


def sounding(desk: Desk, issuer: Issuer) -> list[Order]:
    """Return the alerts of an issuer that sound, or may: where he is forgotten they go silent."""
    return [
        order
        for order in desk.orders.all(kind=command.ALERT)
        if issuer.name in order.issuers.split(", ")
        and order.expires_s > desk.now()
        and order.cancelled_s is None
        and any(issuer.kid in signed_by(each) for _, each, _ in desk.orders.commands(order))
        and not desk.orders.is_over(order)
    ]


def silenced(desk: Desk, issuer: Issuer) -> list[str]:
    """Return a line for each alert that goes silent where an issuer is forgotten."""
    return [
        tr(
            "GOES SILENT: alert {id} ({told}); if it is meant, order it again by another one"
        ).format(id=order.id.hex()[:6], told=order.told)
        for order in sounding(desk, issuer)
    ]


def withdraw(desk: Desk, gone: Issuer) -> None:
    """Send nobody any more what has units obey an issuer who is revoked.

    A unit that was away would obey him when it comes back, and nobody would think of that.
    """
    for order in desk.orders.all(kind=command.ISSUERS):
        if order.expires_s > desk.now() and order.cancelled_s is None:
            changes = [opened(each).args[0] for _, each, _ in desk.orders.commands(order)]
            if any(bytes(key) == gone.key for added in changes for _, key, _ in added):
                desk.orders.withdraw(order, desk.now())


def refused(desk: Desk) -> dict[str, Delivery]:
    """Return the units that refused the last order about issuers, by name."""
    last: dict[str, Delivery] = {}
    for order in desk.orders.all(kind=command.ISSUERS):  # newest first
        for delivery in desk.orders.deliveries(order):
            last.setdefault(delivery.unit, delivery)
    return {n: each for n, each in last.items() if each.stage == receipt.REFUSED and each.is_over}


def plan(
    desk: Desk, known: Sequence[Obedience], changes: Mapping[str, Change], issuers: Sequence[str]
) -> Plan:
    """Return an order in which each loudspeaker is told its own change; see `send`."""
    signers = desk.chosen(issuers, *RANK)
    deaf = [each.unit for each in known if not all(each.may_obey(s) for s in signers)]
    deaf = [unit for unit in deaf if changes[unit.name]]
    named = all_of(signer.name for signer in signers)
    notes = (
        [
            tr(
                "provision these, or have another one sign; they do not obey {named}: {names}"
            ).format(named=named, names=names(deaf))
        ]
        if deaf
        else []
    )
    groups: dict[Change, list[Unit]] = {}
    for each in known:
        if changes[each.unit.name] and each.unit not in deaf:
            groups.setdefault(changes[each.unit.name], []).append(each.unit)
    if not groups:
        step = notes[0] if notes else tr("see 'fieldbeat issuer status'")
        raise AlertError(tr("no unit has anything to be told of its issuers"), step)
    asked: list = []
    summary = []
    for change, units in groups.items():
        added = [issuer.for_units(desk.issuers.floor(issuer)) for issuer in change.add[:MOST]]
        args = added, list(change.revoke[:MOST])
        asked += [(part, args) for part in alert_places.parts_of(units)]
        summary.append(
            tr("{told} at {count}: {names}").format(
                told=_told(desk, change), count=len(units), names=names(units)
            )
        )
    gone = {kid for change in groups for kid in change.revoke}
    for issuer in desk.issuers.all():
        notes += silenced(desk, issuer) if issuer.kid in gone else []
    told = next(iter(groups)) if len(groups) == 1 else None
    window = Window(0.0, desk.now() + WINDOW_S)
    return desk.checked(
        Plan(
            *(command.ISSUERS, RANK, _told(desk, told) if told else tr("whom to obey")),
            *(window, tuple(asked), tuple(signers)),
            *((*summary, tr("signed by {named}").format(named=named)), tuple(notes)),
        )
    )


def _same(desk: Desk, units: Sequence[Unit], change: Change, issuers: Sequence[str]) -> Plan:
    wanted = by_name(units)
    known = [each for each in _everybody(desk) if each.unit.name in wanted]
    return plan(desk, known, dict.fromkeys(wanted, change), issuers)


def _everybody(desk: Desk) -> list[Obedience]:
    return obedience.everybody(desk.registry, desk.store)


def _told(desk: Desk, change: Change) -> str:
    """Return a change in words."""
    known = {issuer.kid: issuer.name for issuer in desk.issuers.all()}
    add = [f"{issuer.name} ({issuer.kid.hex()[:6]})" for issuer in change.add[:MOST]]
    revoke = [
        f"{known.get(kid, tr('a stranger'))} ({kid.hex()[:6]})" for kid in change.revoke[:MOST]
    ]
    words = [(tr("obey"), add), (tr("no longer obey"), revoke)]
    return all_of(f"{verb} {', '.join(who)}" for verb, who in words if who)


def _open(desk: Desk, told: str) -> set[str]:
    """Return the units that have not answered an order of these words which still counts."""
    return {
        delivery.unit
        for order in desk.orders.all(kind=command.ISSUERS)
        if order.told == told and order.expires_s > desk.now() and order.cancelled_s is None
        for delivery in desk.orders.deliveries(order)
        if delivery.heard_s is None
    }
