"""Cancels alerts for a person: what is told before and after, and a yes in between."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from pathlib import Path

from fieldbeat.protocols import receipt

from .alert_desk import Desk
from .asking import confirm, is_asked
from .at_desk import keys_of
from .errors import FieldbeatError
from .handover import LOOK_S, going_on, must_be_sent, unsent
from .language import tr
from .orders import Order
from .output import print_json, remark, say
from .wording import counted, first

ANSWERS = 20  # looks for them, 2 s in all


def cancel(
    desk: Desk,
    found: list[Order],
    names: list[str],
    files: list[Path] | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Tell what is going to be cancelled, have it confirmed, and tell who was not sent it.

    Raises:
        AlertError: nothing is left to cancel.
        FieldbeatError: nobody was sent the cancel.
    """
    spared = as_json and not is_asked(yes)
    by = [desk.cancellers(order, names) for order in found]
    for order, issuers in zip(found, by, strict=True):
        remark(tr("cancels alert {id}: {told}").format(id=order.id.hex(), told=order.told), spared)
        where = counted(len(desk.orders.deliveries(order)), "loudspeaker")
        remark(
            tr("at {where}, signed by {name}").format(where=where, name=issuers[0].name), spared
        )
        for line in desk.deaf_to(order, issuers):
            remark(line, spared)
    confirm(tr("Cancel it?"), yes)
    done = [
        desk.cancel(order, issuers, keys_of(files))
        for order, issuers in zip(found, by, strict=True)
    ]
    ids = ", ".join(order.id.hex() for order in found)
    look = tr("fieldbeat alert status {id}").format(id=found[0].id.hex()[:6])
    with going_on(
        tr("the cancel of {ids}").format(ids=ids), tr("see who stopped: {look}").format(look=look)
    ):
        why = [unsent(desk.store, each) for each in done]
        if not any(why):
            _await_answers(desk, done)
    if as_json:
        told = zip(done, why, strict=True)
        print_json([{"id": d.id, "cancels": d.cancels, "sent": not w} for d, w in told])
    for order, cancel, missing in zip(found, done, why, strict=True):
        id_ = order.id.hex()
        must_be_sent(
            cancel, tr("alert {id} GOES ON: its cancel is ordered").format(id=id_), missing
        )
        _must_be_obeyed(desk, order, cancel)
        if not as_json:
            say(
                tr(
                    "alert {id} is cancelled; see who stopped: fieldbeat alert status {id_2}"
                ).format(id=id_, id_2=id_[:6])
            )


def _await_answers(desk: Desk, cancels: list[Order]) -> None:
    """Wait until everybody has answered a cancel, for a moment at most."""
    for _ in range(ANSWERS):
        told = [each.stage for cancel in cancels for each in desk.orders.deliveries(cancel)]
        if None not in told:
            return
        time.sleep(LOOK_S)


def _must_be_obeyed(desk: Desk, order: Order, cancel: Order) -> None:
    """Say who has refused the cancel of an order.

    Raises:
        FieldbeatError: somebody has.
    """
    id_ = order.id.hex()
    over = {each.unit for each in desk.orders.deliveries(order) if each.is_over}
    answers = desk.orders.deliveries(cancel)
    refused = {each.unit for each in answers if each.stage == receipt.REFUSED} - over
    if refused:
        message = tr("alert {id} GOES ON: {names} refused its cancel")
        step = tr("see why: fieldbeat alert status {id}; cancel it by another one: --issuer")
        told = message.format(id=id_, names=first(sorted(refused)))
        raise FieldbeatError(told, step.format(id=id_[:6]))
