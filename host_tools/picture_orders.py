"""Asks a unit for a picture, and tells what has become of that.

plan = picture_orders.plan(desk, "river-07", "full", None, [])
...  # the person confirms plan.summary
order = desk.send(plan, keys)
answer = picture_orders.answer(desk.store, order)
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import command, receipt

from . import pictures, signed_commands, unit_orders
from .alert_desk import Desk
from .alert_error import AlertError
from .alert_plan import Plan
from .coverage import ASLEEP
from .language import tr
from .orders import Order, Orders
from .pictures import KIND_NAMES, Picture
from .store import Store
from .unit_orders import REFUSED, WAITING, Answer

ROLE = "camera"
KINDS = {name: number for number, name in KIND_NAMES.items()}
TAKEN, COMING, THERE = "taken", "on its way", "there"


@dataclass(frozen=True)
class PictureAnswer(Answer):
    """What has become of such an order, with the picture as soon as something of it is there."""

    picture: Picture | None = None

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return super().as_map() | {"picture": vars(self.picture) if self.picture else None}


def plan(desk: Desk, unit: str, kind: str, size: int | None, issuers: Sequence[str]) -> Plan:
    """Return the order that asks a unit for a picture.

    Args:
        desk: where it is made.
        unit: the name of one with a camera.
        kind: of `KINDS`.
        size: bytes at most; None: as its config says.
        issuers: who signs, by name; nobody: who alone may.

    Raises:
        AlertError: there is no such unit, or it has no camera.
        IssuerError: nobody may order it, or it is not told who does.
    """
    found = desk.registry.unit(unit)
    known = [each.name for each in desk.registry.units() if each.role == ROLE]
    if found is None or found.role != ROLE:
        message = tr("no unit with a camera is called '{unit}'").format(unit=unit)
        raise AlertError(
            message, tr("known: {value}").format(value=", ".join(known) or tr("none"))
        )
    most = tr(" of at most {size} bytes").format(size=size) if size else ""
    order = (
        command.PICTURE,
        (KINDS[kind], size),
        tr("a picture ({kind}){most}").format(kind=kind, most=most),
    )
    return unit_orders.plan(
        desk, found, *order, tr("by {unit}, until {{}}").format(unit=unit), issuers, "a picture"
    )


def answer(store: Store, order: Order) -> PictureAnswer:
    """Return what has become of an order until now."""
    delivery, refusal = unit_orders.delivery_of(store, order)
    if refusal:
        return PictureAnswer(REFUSED, refusal)
    if delivery.stage != receipt.DONE:
        never = "" if delivery.tries else ASLEEP
        return PictureAnswer(WAITING, never, is_last=False)
    picture = _taken(store, order, delivery.unit, delivery.rn or 0, _kind(Orders(store), order))
    if picture is None:
        return PictureAnswer(TAKEN, is_last=False)
    there = picture.done_s is not None
    return PictureAnswer(THERE if there else COMING, is_last=there, picture=picture)


def _kind(orders: Orders, order: Order) -> str:
    ((_, plaintext, _),) = orders.commands(order)
    return KIND_NAMES[signed_commands.opened(plaintext).args[0]]


def _taken(store: Store, order: Order, unit: str, rn: int, kind: str) -> Picture | None:
    """Return the picture of an order: the last that its unit told of before that it was done."""
    found = [
        each
        for each in pictures.of_unit(store, unit)
        if (each.why, each.kind) == ("command", kind)
        and each.begun_s >= order.made_s
        and each.number < rn
    ]
    return max(found, key=lambda each: each.number, default=None)
