"""Whether a unit that was provisioned may go into the field."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from . import unit_acceptance
from .errors import FieldbeatError
from .language import tr
from .unit_job import Job
from .unit_words import in_words


class Link(unit_acceptance.Link, Protocol):
    """What a test needs of an `SmpLink`."""

    def status(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class Accepted:
    """What was found at a unit that passed, in words."""

    found: str


class NotAccepted(FieldbeatError):
    """A unit that does not do what it should."""


class Differs(NotAccepted):
    """A unit that holds something else than the plan gives it."""


Accept = Callable[[Job, Link, bool], Accepted]  # whether it was flashed in this very work


def accept(job: Job, link: Link, just_flashed: bool) -> Accepted:
    """Ask a unit how it is: no safe mode, and the app and configuration that were planned.

    Raises:
        NotAccepted: it is not as it should be.
        CannotTry: it does not say which app it has.
        LinkError: the connection failed.
    """
    status = link.status()
    if reason := status.get("safe mode", ""):
        message = tr("{unit} is in safe mode: {reason}").format(
            unit=job.name, reason=in_words(reason)
        )
        raise NotAccepted(message, tr("see 'log' and 'counters' in 'fieldbeat console'"))
    if link.read_setting("config/sha256") != job.goal.config_sha256:
        message = tr("{unit} has another configuration than the plan").format(unit=job.name)
        raise Differs(message, tr("run the same command again"))
    if unit_acceptance.build_id(link) != job.build_id:
        message = tr("{unit} has another app than the plan").format(unit=job.name)
        raise Differs(message, tr("run the same command again"))
    return Accepted(tr("it runs, with the configuration of the plan"))
