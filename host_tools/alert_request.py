"""What a person asks to be sounded, where and when; and what that means."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, field

from fieldbeat.protocols.command import DAILY

from . import sounds
from .alert_error import AlertError
from .language import tr
from .signed_commands import Window
from .times import iso

WINDOW_S = 1800.0
LONGEST_S = 30 * 86_400.0  # units keep nothing armed for longer
TONE, TONE_S = "two-tone", 3.0


@dataclass
class Request:
    """What is asked for; None and empty lists leave it to the defaults, or to a CAP message."""

    class_: int | None = None
    level: int | None = None
    texts: list[str] = field(default_factory=list)
    clips: list[str] = field(default_factory=list)
    stream: str | None = None
    codec: str = "pcmu"
    tone: str | None = None  # of sounds.PATTERNS, or 'none'
    repeat: int = 1
    volume: int | None = None
    event: str = ""
    silent: bool = False
    areas: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    everyone: bool = False
    start_s: float | None = None
    expires_s: float | None = None
    for_s: float | None = None
    issuers: list[str] = field(default_factory=list)

    @property
    def names_places(self) -> bool:
        return bool(self.areas or self.groups or self.units or self.everyone)


def window(request: Request, now_s: float) -> Window:
    """Return when it counts.

    Raises:
        AlertError: it is over before it begins, or ends too late.
    """
    start_s = request.start_s or 0.0
    begin_s = max(start_s, now_s)
    expires_s = request.expires_s or begin_s + (request.for_s or WINDOW_S)
    if expires_s <= now_s:
        raise AlertError(
            tr("it would have ended at {expires_s}").format(expires_s=iso(expires_s)),
            tr("give a later --until"),
        )
    if expires_s <= begin_s:
        message = tr("it would end at {expires_s}, before it begins").format(
            expires_s=iso(expires_s)
        )
        raise AlertError(message, tr("give a later --until, or an earlier --at"))
    if expires_s - now_s > LONGEST_S:
        message = tr("it would end at {expires_s}, more than 30 days ahead").format(
            expires_s=iso(expires_s)
        )
        raise AlertError(message, tr("give an earlier end: units keep nothing for longer"))
    return Window(start_s if start_s > now_s else 0.0, expires_s)


def content(request: Request, class_: int, window: Window, now_s: float) -> list[list]:
    """Return the steps that are to be sounded.

    Raises:
        AlertError: there is none, or one is not allowed.
    """
    steps = [sounds.clip(name) for name in request.clips]
    steps += [step for text in request.texts for step in sounds.speech(text)]
    if request.stream:
        seconds = window.expires_s - max(window.start_s, now_s)
        steps.append(sounds.stream(request.stream, request.codec, seconds))
    pattern = request.tone or ("none" if class_ == DAILY else TONE)
    if not steps and request.tone in (None, "none"):
        step = tr("add --text, --clip, --stream, --tone or --cap")
        raise AlertError(tr("nobody said what is to be sounded"), step)
    return steps if pattern == "none" else [sounds.tone(pattern, TONE_S), *steps]
