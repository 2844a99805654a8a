"""Puts an order together from what a person asks for, and hands it over; of CAP: cap_orders.py.

    desk = Desk(registry, store, now_s)
    plan = desk.plan(Request(texts=["Leave the bank now."], level=1, areas=["riverside"]))
    ...                                     # the person confirms plan.summary
    order = desk.send(plan, keys)

Nothing is signed, and no number of an issuer used up, before `send`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fieldbeat.protocols import command, receipt
from fieldbeat.protocols.command import DRILL, EMERGENCY

from . import (
    alert_places,
    alert_request,
    alert_words,
    foreseen,
    orders,
    signed_commands,
)
from .alert_error import AlertError
from .alert_places import Part
from .alert_plan import LOWEST, Plan
from .alert_request import Request
from .errors import Interrupted
from .issuers import Issuer, IssuerError, Issuers
from .language import tr
from .orders import Orders
from .registered_unit import Unit
from .registry import Registry
from .signed_commands import Made, Maker, Signer, Window
from .sounds import Sound
from .store import Store
from .times import iso
from .wording import first

MOST_EVENT = 16  # bytes of its code, in a command

Keys = Callable[[Sequence[Issuer]], list[Signer]]


class Desk:
    """Where orders are made.

    Args:
        registry: units and issuers.
        store: takes the orders for the collector.
        now: the time, Unix seconds.
    """

    def __init__(self, registry: Registry, store: Store, now: Callable[[], float]) -> None:
        self.registry = registry
        self.store = store
        self.now = now
        self.issuers = Issuers(registry, now)
        self.orders = Orders(store)

    # An alert

    def plan(self, request: Request) -> Plan:
        """Return what would be sent.

        Raises:
            AlertError: something is missing or does not fit together.
            IssuerError: nobody may order this, or it is not told who does.
        """
        class_ = EMERGENCY if request.class_ is None else request.class_
        level = request.level or (0 if class_ == EMERGENCY else LOWEST)
        if not level:
            message = tr("nobody said how bad this emergency is")
            raise AlertError(message, tr("add --level, 1 (the highest) to 4"))
        if request.silent and class_ != DRILL:
            raise AlertError(
                tr("only a drill can be silent"), tr("add --drill, or leave --silent out")
            )
        size = len(request.event.encode())
        if size > MOST_EVENT:
            message = tr("the code of the event, '{event}', has {size} bytes").format(
                event=request.event, size=size
            )
            raise AlertError(
                message,
                tr("give a shorter --event: {most_event} bytes at most").format(
                    most_event=MOST_EVENT
                ),
            )
        window = alert_request.window(request, self.now())
        content = alert_request.content(request, class_, window, self.now())
        options = {"repeat": request.repeat, "volume": request.volume, "event": request.event}
        sound = Sound(class_, level, content, silent=request.silent, **options)  # type: ignore
        places = request.areas, request.groups, request.units, request.everyone
        parts = alert_places.choose(self.registry, *places)
        return self.plan_sound(sound, window, parts, self.chosen(request.issuers, class_, level))

    def plan_sound(
        self, sound: Sound, window: Window, parts: Sequence[Part], issuers: Sequence[Issuer]
    ) -> Plan:
        """Return what would be sent for a sound that is put together already; see `plan`."""
        units = [unit for part in parts for unit in part.units]
        signed = [issuer.name for issuer in issuers]
        lines = alert_words.summary(sound, window, parts, signed, self.unheard(units), self.now())
        return self.checked(
            Plan(
                *(command.ALERT, sound.rank, alert_words.told(sound), window, sound.at(parts)),
                *(tuple(issuers), tuple(lines)),
                notes=tuple(foreseen.without_clips(self.store, units, sound.content)),
                silent=sound.silent,
                talking=() if sound.silent else tuple(alert_words.talking(sound.content)),
            )
        )

    def checked(self, plan: Plan) -> Plan:
        """Return a plan whose commands can be made, with notes of who will refuse them.

        Raises:
            AlertError, IssuerError: they cannot be made.
        """
        signers = [Signer(issuer) for issuer in plan.issuers]
        Maker(self.issuers, signers, self.now()).check(
            plan.kind, plan.rank, plan.window, plan.asked
        )
        told = foreseen.refusals(self.registry, self.store, plan.units, plan.rank, plan.issuers)
        told += [foreseen.clock(self.store, self.now())]
        told += [foreseen.silence(self.store, plan.units, self.now())]
        return replace(plan, notes=(*plan.notes, *filter(None, told)))

    def unheard(self, units: Iterable[Unit]) -> int:
        """Return how many units never sent anything."""
        return sum(self.store.contact(unit.name) is None for unit in units)

    def send(self, plan: Plan, keys: Keys) -> orders.Order:
        """Sign an order and hand it to the collector.

        Args:
            plan: what was confirmed.
            keys: opens the issuers' keys.

        Raises:
            KeyFileError: a key does not open.
            DatabaseError: registry or store did not take it; nothing is sent.
            Interrupted: by Ctrl-C, when it was handed over already.
        """
        signers = keys(plan.issuers)
        cancels = [(each, self._cancels(each, signers)) for each in plan.cancels]
        maker = Maker(self.issuers, signers, self.now())
        made = maker.make(plan.kind, plan.rank, plan.window, plan.asked)
        added = orders.Order(
            *(made[0].id, plan.kind, *plan.urgency, plan.silent, self.now()),
            *(plan.window.start_s, plan.window.expires_s, _names(plan.issuers)),
            *(plan.told, plan.origin),
        )
        try:
            with self.store.transaction():
                self.orders.add(added, made)
                for old, cancelling in cancels:
                    self._add_cancel(old, cancelling, plan.issuers)
        except KeyboardInterrupt:  # a disk that takes its time hears of it when it has written
            if not self.orders.all_of_id(added.id):
                raise
            step = tr("see 'fieldbeat alert status {id}'{value}").format(
                id=added.id.hex()[:6], value=""
            )
            what = tr("{what} is ordered and goes on").format(what=added.told)
            raise Interrupted(what, step) from None
        return added

    # A cancel

    def can_sound(self, order: orders.Order) -> bool:
        """Whether an order can still sound somewhere."""
        return order.expires_s > self.now() and not self.orders.is_over(order)

    def cancellers(self, order: orders.Order, names: Sequence[str]) -> list[Issuer]:
        """Return who signs a cancel: who was named, or who has ordered what is cancelled.

        Raises:
            AlertError: nothing is left to cancel.
            IssuerError: nobody may, or it is not told who does.
        """
        id_ = order.id.hex()
        if order.cancelled_s is not None and not self._is_cancel_refused(order):
            message = tr("alert {id} was cancelled at {cancelled_s}").format(
                id=id_, cancelled_s=iso(order.cancelled_s)
            )
            raise AlertError(
                message, tr("see who stopped: fieldbeat alert status {id}").format(id=id_)
            )
        untold = self._untold(order)
        step = tr(
            "nothing is left to cancel; see how it ended: fieldbeat alert status {id}"
        ).format(id=id_[:6])
        if not untold:
            raise AlertError(
                tr("alert {id} is over: everyone has told how it ended").format(id=id_), step
            )
        if order.expires_s <= self.now():
            message = tr("alert {id} ended at {expires_s}; {first} did not tell how").format(
                id=id_, expires_s=iso(order.expires_s), first=first(untold)
            )
            raise AlertError(message, step)
        in_office = {each.name for each in self.issuers.in_office()}
        who_ordered = [name for name in order.issuers.split(", ") if name in in_office]
        return self.chosen((names or who_ordered)[:1], order.class_, order.level)

    def _is_cancel_refused(self, order: orders.Order) -> bool:
        """Whether somebody goes on, so that another issuer has to sign it."""
        cancels = self.orders.cancelling(order)
        obeyed = {each.unit for each in cancels if each.is_over and each.stage != receipt.REFUSED}
        refused = {each.unit for each in cancels if each.is_over and each.stage == receipt.REFUSED}
        return not refused.isdisjoint(set(self._untold(order)) - obeyed)

    def _untold(self, order: orders.Order) -> list[str]:
        return [each.unit for each in self.orders.deliveries(order) if not each.is_over]

    def deaf_to(self, order: orders.Order, issuers: Sequence[Issuer]) -> list[str]:
        """Return in words who will refuse a cancel of these issuers, as far as is known."""
        asked = {each.unit for each in self.orders.deliveries(order)}
        units = [unit for unit in self.registry.units() if unit.name in asked]
        return foreseen.strangers(self.registry, self.store, units, issuers)

    def cancel(self, order: orders.Order, issuers: Sequence[Issuer], keys: Keys) -> orders.Order:
        """Sign a cancel and hand it to the collector; see `send`."""
        made = self._cancels(order, keys(issuers))
        with self.store.transaction():
            return self._add_cancel(order, made, issuers)

    def _cancels(self, order: orders.Order, signers: Sequence[Signer]) -> list[Made]:
        units = alert_places.by_name(self.registry.units())
        sent = [
            Made(id_, plaintext, tuple(units[name] for name in names if name in units))
            for id_, plaintext, names in self.orders.commands(order)
        ]
        maker = Maker(self.issuers, signers[:1], self.now())
        return maker.cancel((order.class_, order.level), sent, order.expires_s)

    def _add_cancel(
        self, order: orders.Order, made: list[Made], issuers: Sequence[Issuer]
    ) -> orders.Order:
        added = orders.Order(
            *(made[0].id, command.CANCEL, order.class_, order.level, False, self.now()),
            *(0.0, order.expires_s, _names(issuers[:1])),
            *(
                tr("cancel of {id}: {told}").format(id=order.id.hex(), told=order.told),
                "",
                order.id,
            ),
        )
        self.orders.add(added, made)
        return added

    # What a request means

    def chosen(
        self, names: Sequence[str], class_: int, level: int, what: str = ""
    ) -> list[Issuer]:
        """Return the issuers that were named, or the only one who may; `what` he is to order.

        Raises:
            IssuerError: one may not, or nobody was named and several may.
        """
        if names:
            named = [self.issuers.get(name) for name in names]
        else:
            everybody = self.issuers.in_office()
            named = [each for each in everybody if each.may(class_, level)]
            if len(named) != 1:
                known = ", ".join(f"{each.name} ({each.rights})" for each in named)
                who = tr("several issuers may") if named else tr("no issuer may")
                step = (
                    tr("choose with --issuer: {known}").format(known=known)
                    if named
                    else _FIRST_ISSUER
                )
                if everybody and not named:
                    step = tr("see 'fieldbeat issuer list'")
                raise IssuerError(
                    tr("{who} order {value}").format(
                        who=who, value=what or signed_commands.words(class_, level)
                    ),
                    step,
                )
        if len(set(named)) != len(named) or len(named) > 2:
            raise IssuerError(
                tr("a command has one or two different issuers"), tr("name each once")
            )
        for issuer in named:
            signed_commands.check_issuer(issuer, class_, level)
        return named


# A unit obeys those who were there when it was provisioned.
_FIRST_ISSUER = tr("make one with 'fieldbeat issuer new NAME', then provision the units again")


def _names(issuers: Sequence[Issuer]) -> str:
    return ", ".join(issuer.name for issuer in issuers)
