"""Orders that are no alerts: loudspeakers test themselves, or tell how they are.

plan = upkeep.self_test(desk, request)
...  # the person confirms plan.summary
order = desk.send(plan, keys)
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from fieldbeat.protocols import command
from fieldbeat.protocols.command import DAILY

from . import alert_places, alert_words
from .alert_desk import Desk
from .alert_places import Asked
from .alert_plan import LOWEST, Plan
from .alert_request import Request
from .language import tr
from .signed_commands import Window
from .wording import all_of, counted

WINDOW_S = 600.0
_RANK = (DAILY, LOWEST)


def self_test(desk: Desk, request: Request) -> Plan:
    """Return a self-test at the places of a request, `silent` or with a tone of a second.

    Raises:
        AlertError: no place is named, or one that has no loudspeaker.
        IssuerError: nobody may order it, or it is not told who does.
    """
    asked = _everywhere(desk, request, request.silent)
    issuers = desk.chosen(request.issuers, *_RANK)
    window = Window(0.0, desk.now() + (request.for_s or WINDOW_S))
    told = tr("a silent self-test") if request.silent else tr("a self-test with a tone")
    signed = tr("signed by {listed}").format(listed=all_of(issuer.name for issuer in issuers))
    summary = (told, f"{_where(asked)}, {signed}")
    plan = Plan(command.SELFTEST, _RANK, told, window, asked, tuple(issuers), summary)
    return desk.checked(plan)


def ask(desk: Desk, request: Request) -> Plan:
    """Return a question for the state of loudspeakers, which nobody needs to sign.

    Raises:
        AlertError: no place is named, or one that has no loudspeaker.
    """
    asked = _everywhere(desk, request, None)
    window = Window(0.0, desk.now() + WINDOW_S)
    told = tr("a question how they are")
    return desk.checked(
        Plan(command.STATUS, _RANK, told, window, asked, (), (told, _where(asked)))
    )


def _everywhere(desk: Desk, request: Request, args: object) -> Asked:
    places = request.areas, request.groups, request.units, request.everyone
    return [(part, args) for part in alert_places.choose(desk.registry, *places)]


def _where(asked: Asked) -> str:
    units = [unit for part, _ in asked for unit in part.units]
    return tr("at {counted}: {areas}").format(
        counted=counted(len(units), "loudspeaker"), areas=alert_words.areas(units)
    )
