"""Asks a unit for a picture, and tells what has become of that.

plan = picture_orders.plan(desk, "river-07", "full", None, [])
...  # the person confirms plan.summary
order = desk.send(plan, keys)
answer = picture_orders.answer(desk.store, order)
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import command, reasons, receipt
from fieldbeat.protocols.command import DAILY

from . import alerts, pictures
from .alert_desk import LOWEST, Desk, Plan
from .alerts import AlertError, Window
from .coverage import in_words
from .orders import Order, Orders
from .pictures import KIND_NAMES, Picture
from .store import Store
from .times import iso

ROLE = "camera"
WINDOW_S = 86_400.0  # a unit that sleeps hears of it when it wakes
KINDS = {name: number for number, name in KIND_NAMES.items()}
_RANK = (DAILY, LOWEST)
_LOOK_S = 0.5
STATES = ("waiting", "taken", "on its way", "there", "refused")
WAITING, TAKEN, COMING, THERE, REFUSED = STATES


@dataclass(frozen=True)
class Answer:
    """What has become of an order; `state` of `STATES`, `why` in words, '' for nothing to say."""

    state: str
    why: str = ""
    picture: Picture | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (THERE, REFUSED)


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
        message = f"no unit with a camera is called '{unit}'"
        raise AlertError(message, f"known: {', '.join(known) or 'none'}")
    signers = desk.chosen(issuers, *_RANK, "a picture")
    window = Window(0.0, desk.now() + WINDOW_S)
    most = f" of at most {size} bytes" if size else ""
    told = f"a picture ({kind}){most}"
    named = " and ".join(issuer.name for issuer in signers)
    summary = [told, f"by {unit}, until {iso(window.expires_s)}, signed by {named}"]
    if desk.unheard([found]):
        summary.append("it never sent anything, and gets it only when it does")
    asked = [(part, (KINDS[kind], size)) for part in alerts.parts_of([found])]
    return desk.checked(
        Plan(command.PICTURE, _RANK, told, window, asked, tuple(signers), tuple(summary))
    )


def answer(store: Store, order: Order) -> Answer:
    """Return what has become of an order until now."""
    orders = Orders(store)
    (delivery,) = orders.deliveries(order)
    if delivery.stage == receipt.REFUSED and delivery.is_over:
        return Answer(REFUSED, in_words(reasons.name(delivery.reason or 0)))
    if delivery.stage != receipt.DONE:
        never = "" if delivery.tries else "it gets it when it wakes, and 'fieldbeat collect' runs"
        return Answer(WAITING, never)
    picture = _taken(store, order, delivery.unit, delivery.rn or 0, _kind(orders, order))
    if picture is None:
        return Answer(TAKEN)
    return Answer(COMING if picture.done_s is None else THERE, "", picture)


def wait(store: Store, order: Order, wait_s: float) -> Answer:
    """Return what has become of it once that is known for good, or after a time."""
    end_s = time.monotonic() + wait_s
    while True:
        found = answer(store, order)
        if found.is_last or time.monotonic() >= end_s:
            return found
        time.sleep(min(_LOOK_S, max(0.0, end_s - time.monotonic())))


def _kind(orders: Orders, order: Order) -> str:
    ((_, plaintext, _),) = orders.commands(order)
    return KIND_NAMES[alerts.opened(plaintext).args[0]]


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


def as_map(found: Answer) -> dict[str, Any]:
    """Return it for JSON."""
    return {
        "state": found.state,
        "why": found.why or None,
        "picture": vars(found.picture) if found.picture else None,
    }
