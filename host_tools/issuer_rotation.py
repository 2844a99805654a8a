"""The change of an issuer's key, step by step; see `issuer_orders.py`."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence

from fieldbeat.protocols import reasons
from fieldbeat.protocols.reason_codes import CODES

from . import issuer_keys, issuer_orders, obedience
from .alert_desk import Desk
from .alert_error import AlertError
from .alert_places import by_name
from .alert_plan import Plan
from .alert_words import names
from .issuers import Issuer, IssuerError
from .language import tr
from .obedience import RANK
from .refusal_words import in_words
from .registered_unit import Unit
from .wording import first

TOLD_SIZE = 60  # of an alert in words, where it is one of several


class Turn:
    """From an old issuer to a new one.

    Args:
        desk: makes the orders.
        old, new: both in office.
        issuers: who signs, by name; nobody named: the old one, and then the new one.

    Raises:
        IssuerError: they are the same, or the new one may not order what the old one may.
    """

    def __init__(self, desk: Desk, old: Issuer, new: Issuer, issuers: Sequence[str]) -> None:
        if old.kid == new.kid or not new.may(old.highest_class, old.highest_level):
            message = tr("{name} cannot follow {name_2}, who may order {rights}").format(
                name=new.name, name_2=old.name, rights=old.rights
            )
            raise IssuerError(message, tr("name a new one, which gets the same rights"))
        self._desk = desk
        self._old, self._new = old, new
        self._issuers = list(issuers)
        self._sent: set[tuple[str, str]] = set()  # (step, unit)

    def plan(self, partly: bool, silence: bool) -> Plan | None:
        """Return the order that is due, or None: nothing more can be done now.

        Args:
            partly: revoke the old one where it can be, though not all know the new one.
            silence: even if an alert of the old one is silenced by it.

        Raises:
            AlertError: an alert of the old one would go silent, or nobody obeys who signs.
        """
        found = issuer_orders.rotation(self._desk, self._old, self._new)
        asked = {unit.name for unit in found.asked}
        ask = [
            u for u in found.unaware if u.name not in asked and ("ask", u.name) not in self._sent
        ]
        if ask:
            self._sent |= {("ask", unit.name) for unit in ask}
            return issuer_orders.introduce(self._desk, ask, self._new, self._signers(self._old))
        forget = [u for u in found.between if ("forget", u.name) not in self._sent]
        if not forget or (found.unaware and not partly):
            return None
        if not silence:
            self._must_be_quiet()
        self._sent |= {("forget", unit.name) for unit in forget}
        return issuer_orders.forget(self._desk, forget, self._old, self._signers(self._new))

    def signers(self) -> list[Issuer]:
        """Return who signs the last step, whose keys had better open before the first is ordered.

        Raises:
            IssuerError: nobody may sign it, or it is not told who does.
        """
        return self._desk.chosen(self._signers(self._new), *RANK)

    def finish(self) -> bool:
        """Revoke the old one in the registry, too, if no loudspeaker obeys it; tell if so."""
        if not issuer_orders.rotation(self._desk, self._old, self._new).is_done:
            return False
        issuer_orders.withdraw(self._desk, self._old)
        self._desk.issuers.revoke(self._old.name)
        issuer_keys.retire(self._old)
        return True

    def told(self, finished: bool) -> list[str]:
        """Return how far it has come, in lines for a person."""
        if finished:
            return [
                tr("done: {name} is revoked, and no unit obeys it any more").format(
                    name=self._old.name
                )
            ]
        found = issuer_orders.rotation(self._desk, self._old, self._new)
        lines = []
        if found.unaware:
            lines.append(
                tr("not known yet to obey {name}: {names}").format(
                    name=self._new.name, names=names(found.unaware)
                )
            )
        if found.between:
            lines.append(tr("obey both: {names}").format(names=names(found.between)))
        refusals = self.refusals()
        if refusals:
            return [*lines, *refusals]
        return [*lines, tr("not done; run the same command again when they have answered")]

    def refusals(self) -> list[str]:
        """Return who refused the step that is due, why, and what to do, a line for each reason."""
        found = issuer_orders.rotation(self._desk, self._old, self._new)
        told = issuer_orders.refused(self._desk)
        by_reason: dict[int, list[Unit]] = {}
        for unit in (*found.unaware, *found.between):
            if unit.name in told:
                by_reason.setdefault(told[unit.name].reason or 0, []).append(unit)
        return [
            tr("not done: refused by {names}: {named}; next: {step}").format(
                names=names(units), named=_named(reason), step=self._step(reason, units)
            )
            for reason, units in by_reason.items()
        ]

    def _step(self, reason: int, units: Sequence[Unit]) -> str:
        """Return what to do where some units refused a step."""
        if reason != CODES["cmd_second_issuer"]:
            return tr("mend that ('fieldbeat issuer status'), then run the same command again")
        told = by_name(units)
        everybody = obedience.everybody(self._desk.registry, self._desk.store)
        able = [
            each.name
            for each in sorted(
                self._desk.issuers.in_office(), key=lambda e: e.kid != self._old.kid
            )
            if each.kid != self._new.kid and each.may(*RANK)
            if all(one.may_obey(each) for one in everybody if one.unit.name in told)
        ]
        first_, *others = able or [""]
        if not others:
            return tr(
                "make a second issuer, provision them with it, and have both sign (--issuer)"
            )
        usual = f"--issuer {first_} --issuer "
        more = tr(" (or {listed})").format(listed=", ".join(others[1:])) if others[1:] else ""
        return tr("run it again, signed by two: {usual}{others}{more}").format(
            usual=usual, others=others[0], more=more
        )

    def _signers(self, usual: Issuer) -> list[str]:
        """Return who signs: who was named, but not the old one once he is to be forgotten."""
        if not self._issuers:
            return [usual.name] if usual.may(*RANK) else []
        return [usual.name if name == self._old.name else name for name in self._issuers]

    def _must_be_quiet(self) -> None:
        orders = issuer_orders.sounding(self._desk, self._old)
        if orders:
            found = (f"{each.id.hex()[:6]} ({_short(each.told)})" for each in orders)
            told = first(found, between="; ")
            message = tr("alerts of {name} count still and would go silent: {told}").format(
                name=self._old.name, told=told
            )
            raise AlertError(message, tr("wait for their end, or add --silence"))


def _named(reason: int) -> str:
    return in_words(reasons.name(reason)) if reason else tr("no reason told")


def _short(told: str) -> str:
    return told if len(told) <= TOLD_SIZE else f"{told[:TOLD_SIZE]}..."
