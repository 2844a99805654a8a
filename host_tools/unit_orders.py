"""An order to one unit, which hears of it when it reports: its plan, and waiting for its end."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fieldbeat.protocols import reasons, receipt
from fieldbeat.protocols.command import DAILY

from . import alert_places
from .alert_desk import Desk
from .alert_plan import LOWEST, Plan
from .errors import CannotTry
from .language import tr
from .orders import Delivery, Order, Orders
from .refusal_words import in_words
from .registered_unit import Unit
from .signed_commands import Window
from .store import Store
from .times import iso
from .wording import all_of

RANK = (DAILY, LOWEST)  # who may order a daily announcement may
DAY_S = 86_400.0  # a unit that sleeps hears of it when it wakes
_LOOK_S = 0.5
WAITING, REFUSED = "waiting", "refused"  # what becomes of any order; others have more


@dataclass(frozen=True)
class Answer:
    """What has become of an order; `why` in words, '' for nothing to say."""

    state: str
    why: str = ""
    is_last: bool = True  # nothing more will come of it

    def as_map(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"state": self.state, "why": self.why or None}


Found = TypeVar("Found", bound=Answer)


def plan(
    desk: Desk,
    unit: Unit,
    number: int,
    args: Any,
    told: str,
    where: str,
    issuers: Sequence[str],
    what: str,
    window_s: float = DAY_S,
    more: Sequence[str] = (),
) -> Plan:
    """Return an order to one unit.

    Args:
        number, args: of the command.
        told: what it is, in words.
        where: the same of its unit, with a place for the time at which it expires.
        issuers: who signs, by name; nobody: who alone may.
        what: an issuer is needed for, in words.
        more: lines that a person should read before.

    Raises:
        IssuerError: nobody may order it, or it is not told who does.
        CannotTry: the unit is out of use, and would never be sent it.
    """
    if not unit.in_use:
        message = tr("{unit} is {state}: nothing is sent to it")
        raise CannotTry(
            message.format(unit=unit.name, state=unit.state),
            tr("if it is back, 'fieldbeat provision --rekey' takes it into use again"),
        )
    signers = desk.chosen(issuers, *RANK, what)
    window = Window(0.0, desk.now() + window_s)
    named = all_of(issuer.name for issuer in signers)
    summary = [
        told,
        tr("{where}, signed by {named}").format(
            where=where.format(iso(window.expires_s)), named=named
        ),
        *more,
    ]
    if desk.unheard([unit]):
        summary.append(tr("it never sent anything, and gets it only when it does"))
    asked = [(part, args) for part in alert_places.parts_of([unit])]
    return desk.checked(Plan(number, RANK, told, window, asked, tuple(signers), tuple(summary)))


def delivery_of(store: Store, order: Order) -> tuple[Delivery, str]:
    """Return the one delivery of an order, and why it was refused for good, in words, or ''."""
    (delivery,) = Orders(store).deliveries(order)
    refused = delivery.stage == receipt.REFUSED and delivery.is_over
    return delivery, in_words(reasons.name(delivery.reason or 0)) if refused else ""


def wait(
    answer: Callable[[Store, Order], Found], store: Store, order: Order, wait_s: float
) -> Found:
    """Return what has become of an order once that is known for good, or after a time.

    Args:
        answer: returns what has become of it until now.
    """
    end_s = time.monotonic() + wait_s
    while True:
        found = answer(store, order)
        if found.is_last or time.monotonic() >= end_s:
            return found
        time.sleep(min(_LOOK_S, max(0.0, end_s - time.monotonic())))
