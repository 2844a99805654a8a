"""Whether the collector has taken an order up: who orders must know if nobody gets it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from . import foreseen
from .coverage import UNHEARD, UNSENT_AFTER_S, is_tried
from .errors import FieldbeatError, Interrupted
from .language import tr
from .orders import Order, Orders
from .registered_unit import SPEAKER
from .registry import Registry
from .store import Store
from .times import iso

LOOK_S = 0.1


class Cause(Enum):
    """Why nobody was sent an order."""

    UNHEARD = auto()
    WRONG_CLOCK = auto()
    NO_COLLECTOR = auto()


@dataclass(frozen=True)
class Reason:
    """A cause, and what is told of it."""

    cause: Cause
    told: str


class Unsent(FieldbeatError):
    """An order was made, and nobody was sent it."""


def sleepers(registry: Registry) -> set[str]:
    """Return the names of the units that hear only for a while after they spoke."""
    return {unit.name for unit in registry.units() if unit.role != SPEAKER}


def unsent(store: Store, order: Order, asleep: Container[str] = ()) -> Reason | None:
    """Wait until somebody was sent an order, at most `UNSENT_AFTER_S`; return why nobody was.

    It is None as soon as somebody was, or if all are `asleep`: who sleeps is sent it when he
    wakes. Nobody needs the cancel of what nobody was sent.
    """
    orders = Orders(store)
    if order.cancels:
        (cancelled,) = orders.all_of_id(order.cancels)
        if not any(map(is_tried, orders.deliveries(cancelled))):
            return None
    if all(each.unit in asleep for each in orders.deliveries(order)):
        return None
    for look in range(round(UNSENT_AFTER_S / LOOK_S) + 1):
        if look:
            time.sleep(LOOK_S)
        deliveries = orders.deliveries(order)
        if any(map(is_tried, deliveries)):
            return None
    heard = {contact.unit for contact in store.contacts()}
    if not any(each.unit in heard for each in deliveries):
        return Reason(Cause.UNHEARD, UNHEARD)
    if wrong := foreseen.clock(store, order.made_s):
        return Reason(Cause.WRONG_CLOCK, wrong)
    return Reason(Cause.NO_COLLECTOR, tr("does 'fieldbeat collect' run?"))


def must_be_sent(order: Order, what: str, why: Reason | None, end: str = "") -> None:
    """Say that nobody was sent an order.

    Args:
        order: it.
        what: it in words.
        why: of `unsent`.
        end: how it is taken back, '' for not at all.

    Raises:
        Unsent: there is a reason.
    """
    if not why:
        return
    until = iso(order.expires_s)
    if why.cause is Cause.WRONG_CLOCK:
        step = tr(
            "if it is wrong, set it and order it again; if it was, start 'fieldbeat collect': it"
            " still goes out until {expires_s}"
        ).format(expires_s=until)
    else:
        begin = (
            tr("wait until one of them speaks")
            if why.cause is Cause.UNHEARD
            else tr("start 'fieldbeat collect', or read what it says")
        )
        step = tr("{begin}: it still goes out until {expires_s}{value}").format(
            begin=begin, expires_s=until, value=end and tr("; or {end}").format(end=end)
        )
    raise Unsent(
        tr("{what}, but NOBODY has been sent it: {why}").format(what=what, why=why.told), step
    )


@contextmanager
def going_on(what: str, step: str) -> Iterator[None]:
    """Have Ctrl-C say that what was ordered goes on, lest it is ordered twice."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(tr("{what} is ordered and goes on").format(what=what), step) from None
