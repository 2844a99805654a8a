"""Whom a loudspeaker obeys, as it says at its port, beside those who are in office here.

All else may be well: one that obeys somebody else is silent when those in office speak, and speaks
when others do. A lost registry leaves such ones, and issuers that were made at another computer.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from fieldbeat.protocols import cbor, command

from .acceptance import FAILED, NOT_TESTED, PASSED, Check
from .issuers import Issuers
from .language import tr
from .registry import Registry

OFFICE = "speaker.office"


def kids(held: bytes | None) -> list[bytes]:
    """Return the key ids of those in a unit's `key/issuers`; none if that is damaged."""
    try:
        return [command.issuer_kid(item[0], item[1]) for item in cbor.decode(held or b"\x80")]
    except (ValueError, TypeError, LookupError):
        return []


def strangers(held: bytes | None, issuers: Issuers) -> list[str]:
    """Return whom a unit obeys and who is not in office here: names, or key ids of the unknown."""
    office = {issuer.kid for issuer in issuers.in_office()}
    names = {issuer.kid: issuer.name for issuer in issuers.all()}
    return [names.get(kid, kid.hex()) for kid in kids(held) if kid not in office]


def check(held: bytes | None, registry: Registry | None) -> Check:
    """Return whether a loudspeaker obeys those in office here, and nobody else, as a check.

    Args:
        held: its `key/issuers`.
        registry: knows who is in office; None: it is not here.
    """
    issuers = Issuers(registry) if registry else None
    if issuers is None or not issuers.all():
        return Check(OFFICE, NOT_TESTED, text=tr("who may order is not known here"))
    if names := strangers(held, issuers):
        text = tr("obeys {names}, not in office here: fieldbeat provision")
        return Check(OFFICE, FAILED, text=text.format(names=", ".join(names)))
    if late := [each.name for each in issuers.in_office() if each.kid not in kids(held)]:
        text = tr("does not obey {names} yet").format(names=", ".join(late))
        return Check(OFFICE, PASSED, text=text)
    return Check(OFFICE, PASSED, text=tr("obeys those in office here"))
