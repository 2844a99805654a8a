"""CAP 1.2 messages (OASIS Common Alerting Protocol) as alerts of ours.

| CAP                                   | here                                                    |
| status Actual / Exercise              | class emergency / drill; System, Test, Draft: refused   |
| msgType Alert, Update                 | an alert; an Update also cancels what it refers to      |
| msgType Cancel                        | cancels what it refers to                               |
| severity Extreme ... Minor            | level 1 ... 4; Unknown: somebody has to decide          |
| effective, expires                    | the window                                              |
| eventCode EBM, else event             | event                                                   |
| polygon, circle, geocode, areaDesc    | areas: see cap_places.py                                |
| headline, description, instruction    | what is spoken                                          |
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from .errors import CannotTry
from .geometry import Point
from .language import tr
from .times import iso

ALERT, UPDATE, CANCEL = "Alert", "Update", "Cancel"


class CapError(CannotTry):
    """The message cannot be taken as it is."""


@dataclass(frozen=True)
class Area:
    """One area: what it is called, its codes as (name of the system, code), and what is drawn.

    A polygon is a closed ring of points; a circle is its middle and its radius in km.
    """

    description: str
    codes: tuple[tuple[str, str], ...] = ()
    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[tuple[Point, float], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What a unit's `site` may be to lie in it."""
        return tuple(value for _, value in self.codes) + (self.description,)


@dataclass(frozen=True)
class Info:
    """One info block; times in Unix seconds, `level` None if the sender did not decide."""

    language: str
    event: str
    event_code: str
    severity: str
    level: int | None
    effective_s: float | None
    expires_s: float | None
    headline: str
    description: str
    instruction: str
    areas: tuple[Area, ...]
    is_past: bool = False  # it says that nobody has to do anything any more

    def spoken(self) -> list[str]:
        """Return what may be spoken, the fullest text first."""
        choices = [
            (self.headline, self.description, self.instruction),
            (self.headline, self.instruction),
            (self.headline or self.description or self.instruction or self.event,),
        ]
        return list(
            dict.fromkeys("\n".join(part for part in c if part) for c in choices if any(c))
        )


@dataclass(frozen=True)
class Message:
    """One CAP message; `origin` names it, and `references` the messages that it is about.

    `sent_s` is its time in Unix seconds.
    """

    origin: str
    sent_s: float
    kind: str
    class_: int
    references: tuple[str, ...]
    infos: tuple[Info, ...]

    def info(self, now_s: float, language: str | None = None) -> Info:
        """Return the info block to be spoken: the first one, or the first of a language.

        Raises:
            CapError: there is none of that language, several would have to be spoken, or it has
                expired.
        """
        wanted = (language or self.infos[0].language).lower()
        found = [i for i in self.infos if i.language.lower().startswith(wanted)]
        if not found:
            known = ", ".join(dict.fromkeys(i.language for i in self.infos))
            raise CapError(
                tr("no info is in language '{language}'").format(language=language),
                tr("choose one of {known}").format(known=known),
            )
        if len(found) > 1:
            message = tr("{count} info blocks are in language '{language}'").format(
                count=len(found), language=found[0].language
            )
            raise CapError(message, tr("send them as messages of their own"))
        expires_s = found[0].expires_s
        if expires_s is not None and expires_s <= now_s:
            message = tr("the alert expired at {expires_s}").format(expires_s=iso(expires_s))
            raise CapError(message, tr("ask its sender for an update"))
        return found[0]
