"""A unit's own modem as what a survey looks at, by way of the unit's console."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldbeat.protocols import cbor

from .errors import CannotTry
from .language import tr
from .survey_line import Clock, UnitLine
from .survey_modem import MODEMS, Modem

if TYPE_CHECKING:
    from .smp_link import SmpLink


def modem_of(link: SmpLink, clock: Clock) -> Modem:
    """Return the modem of a unit, which its board's file names.

    Raises:
        CannotTry: it has none, or none that is known here.
    """
    data = link.download("/board.cbor")
    try:
        part = cbor.decode(data or b"")["modem"]["part"]
    except (ValueError, TypeError, KeyError):
        part = tr("none")
    if part not in MODEMS:
        message = tr("this unit has no modem to survey with: {part}").format(part=part)
        step = tr("survey with a modem alone, at a port of its own: --modem bc26")
        raise CannotTry(message, step)
    return Modem(UnitLine(link, clock), part, clock.now_s)
