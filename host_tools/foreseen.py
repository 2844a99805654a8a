"""What loudspeakers will refuse, as far as is known, told before an order is confirmed.

It is told and never forbidden: what is known here may be old, and an emergency does not wait.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fieldbeat.protocols.command import EMERGENCY

from . import obedience, unit_clips
from .alert_words import names
from .issuers import Issuer
from .language import tr
from .registered_unit import SPEAKER, Unit
from .registry import Registry
from .store import Store
from .times import iso

CLOCK_S = 60.0  # by so much the clock of another process may differ
SILENT_S = 3600.0  # a loudspeaker asks at least every 400 s, see docs/speaker.md


def clock(store: Store, now_s: float) -> str:
    """Return that the clock here is behind what was collected, '' if it is not.

    A collector that has the right time sends nobody what has ended for it before it was made.
    """
    last = max(store.contacts(), key=lambda contact: contact.last_s, default=None)
    if last is None or last.last_s < now_s + CLOCK_S:
        return ""
    return tr(
        "the clock of this computer is wrong, or was: it is {now_s}, and {unit} was heard at"
        " {last_s}"
    ).format(now_s=iso(now_s), unit=last.unit, last_s=iso(last.last_s))


def silence(store: Store, units: Sequence[Unit], now_s: float) -> str:
    """Return that no loudspeaker of an order was heard for long, '' if one was, or none ever.

    They ask every few minutes. By a clock that is ahead an order also counts for too long.
    """
    contacts = [store.contact(unit.name) for unit in units if unit.role == SPEAKER]
    last_s = max((contact.last_s for contact in contacts if contact), default=now_s)
    if now_s - last_s < SILENT_S:
        return ""
    return tr(
        "NOBODY of them was heard since {last_s}: does 'fieldbeat collect' run, and is the clock"
        " of this computer right? It is {now_s}"
    ).format(last_s=iso(last_s), now_s=iso(now_s))


def refusals(
    registry: Registry,
    store: Store,
    units: Sequence[Unit],
    rank: tuple[int, int],
    issuers: Sequence[Issuer],
) -> list[str]:
    """Return a line for each reason for which some of the units will refuse an order.

    Args:
        registry, store: what is known of the units.
        units: whom it is for.
        rank: class and level that its issuers must have.
        issuers: who signs; nobody: it needs no signature.
    """
    if not issuers:
        return []
    lines = strangers(registry, store, units, issuers)
    class_, level = rank
    if len(issuers) == 1 and class_ == EMERGENCY:
        two = [unit for unit in units if level <= unit.two_issuers_level]
        if two:
            step = tr("name another one as well: --issuer, twice")
            lines.append(
                tr("WILL BE REFUSED at {names}: two issuers must sign there; {step}").format(
                    names=names(two), step=step
                )
            )
    return lines


def strangers(
    registry: Registry, store: Store, units: Sequence[Unit], issuers: Sequence[Issuer]
) -> list[str]:
    """Return a line for each issuer whom some of the units do not obey."""
    known = {each.unit.name: each for each in obedience.everybody(registry, store)}
    lines = []
    for issuer in issuers:
        deaf = [u for u in units if u.name in known and not known[u.name].may_obey(issuer)]
        if deaf:
            step = tr("see 'fieldbeat issuer status'")
            lines.append(
                tr("WILL BE REFUSED at {names}: {name} is unknown there; {step}").format(
                    names=names(deaf), name=issuer.name, step=step
                )
            )
    return lines


def without_clips(
    store: Store, units: Sequence[Unit], content: Iterable[Sequence[Any]]
) -> list[str]:
    """Return a line for each clip of an alert that some of the units do not have."""
    return [
        tr(
            "NOT THERE at {names}: clip {name}; they would answer clip_missing, and "
            "sound the attention tone instead"
        ).format(names=names(lacking), name=name)
        for name, lacking in unit_clips.lacking(store, units, content).items()
    ]
