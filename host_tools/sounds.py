"""What is to be sounded: tones, clips, streams and speech, as the steps of an alert.

sound = Sound(EMERGENCY, 1, [tone("two-tone", 3), *speech("Leave the bank now.")])
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fieldbeat.protocols import command

from .alert_error import AlertError
from .alert_places import Asked, Part
from .language import tr

PATTERNS = ("steady", "two-tone", "sweep")
CODECS = {"pcmu": 0, "pcma": 8, "l16": 11}
GBK = 1  # the encoding of text on the wire
SPEECH_BYTES = 400  # of a step
SPEECH_S = 0.04  # a byte takes at least, whoever speaks
MAX_STEPS = 8
_ENDS = "。！？；…!?;\n"  # where speech is cut if it can be: after one of these, then these
_PAUSES = "，、：,: "
# What stands in brackets a TTS chip takes for an order to itself: "[v0]" makes it silent.
_SPOKEN = str.maketrans("[]", "()")


@dataclass(frozen=True)
class Sound:
    """What is to be sounded."""

    class_: int
    level: int
    content: list[list[Any]]
    repeat: int = 1
    volume: int | None = None
    event: str = ""
    silent: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        return self.class_, self.level

    def at(self, parts: Iterable[Part]) -> Asked:
        """Return what is asked where, as `Maker` wants it.

        Raises:
            AlertError: it is too long.
        """
        if len(self.content) > MAX_STEPS:
            message = tr("it has {count} steps, {max_steps} are allowed").format(
                count=len(self.content), max_steps=MAX_STEPS
            )
            raise AlertError(message, tr("shorten the text, or send less at a time"))
        alert = command.Alert(
            *(self.class_, self.level, self.content, self.repeat, self.volume),
            *(self.event, self.silent),
        )
        return [(part, alert) for part in parts]


def tone(pattern: str, seconds: float) -> list[Any]:
    """Return a step that is a tone."""
    return [command.TONE, PATTERNS.index(pattern), round(1000 * seconds)]


def clip(name: str) -> list[Any]:
    """Return a step that plays a clip which units have.

    Raises:
        AlertError: no clip can be called that.
    """
    if not re.fullmatch(r"[a-z0-9_-]{1,24}", name):
        step = tr("give its name without folder and ending, 1 to 24 of a-z, 0-9, _ and -")
        raise AlertError(tr("'{name}' is no name of a clip").format(name=name), step)
    return [command.CLIP, name]


def stream(place: str, codec: str, seconds: float) -> list[Any]:
    """Return a step that plays a live RTP stream.

    Args:
        place: GROUP:PORT of a multicast stream, or :PORT for one that is sent to each unit.
        codec: of `CODECS`.
        seconds: how long at most.

    Raises:
        AlertError: the place is none.
    """
    host, colon, port = place.removeprefix("rtp://").rpartition(":")
    if not colon or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise AlertError(
            tr("'{place}' is no place of a stream").format(place=place),
            tr("give GROUP:PORT, or :PORT"),
        )
    group = b""
    if host:
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            address = ipaddress.IPv4Address(0)
        if not address.is_multicast:
            step = tr("give 224.0.0.0 to 239.255.255.255, or :PORT for a stream sent to each unit")
            raise AlertError(tr("'{host}' is no multicast group").format(host=host), step)
        group = address.packed
    return [command.STREAM, CODECS[codec], int(port), group, min(max(1, int(seconds)), 86_400)]


def speech(text: str) -> list[list[Any]]:
    """Return the steps that speak a text, encoded in GBK as the TTS chips want it.

    Raises:
        AlertError: there is nothing to speak, or a character that the chips do not know.
    """
    text = _joined(text).translate(_SPOKEN)
    if not text:
        raise AlertError(
            tr("there is no text to speak"), tr("give one: --text 'Leave the bank now.'")
        )
    for character in text:
        if not character.isprintable():
            message = tr("the text has a control character, U+{ord:04X}").format(
                ord=ord(character)
            )
            raise AlertError(message, tr("leave it out"))
        try:
            character.encode("gbk")
        except UnicodeEncodeError:
            message = tr("'{character}' (U+{ord:04X}) cannot be spoken, it is not in GBK").format(
                character=character, ord=ord(character)
            )
            raise AlertError(message, tr("leave it out, or write it in words")) from None
    return [[command.SPEECH, GBK, piece.encode("gbk")] for piece in _pieces(text)]


def shortest_s(content: Iterable[list[Any]]) -> float:
    """Return how long steps last at least; of clips and streams nothing is known here."""
    tones = (step[2] / 1000 for step in content if step[0] == command.TONE)
    bytes_ = (len(step[2]) for step in content if step[0] == command.SPEECH)
    return sum(tones) + SPEECH_S * sum(bytes_)


def unspeakable(text: str) -> list[str]:
    """Return the characters of a text that the TTS chips do not know, each once."""
    return [each for each in dict.fromkeys(text) if not _is_spoken(each)]


def _is_spoken(character: str) -> bool:
    try:
        return character.isspace() or (character.isprintable() and bool(character.encode("gbk")))
    except UnicodeEncodeError:
        return False


def _joined(text: str) -> str:
    """Return lines as one text, each with an end that a voice makes."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    joined = ""
    for line in (line for line in lines if line):
        if joined and joined[-1] not in _ENDS + _PAUSES + ".":
            joined += "." if joined[-1].isascii() else "。"
        separator = " " if joined and joined[-1].isascii() else ""
        joined += separator + line
    return joined


def _pieces(text: str) -> list[str]:
    """Cut a text into pieces of a step: after a sentence, a pause, or where it must be."""
    pieces = []
    while len(text.encode("gbk")) > SPEECH_BYTES:
        end, size = 0, 0
        while size + len(text[end].encode("gbk")) <= SPEECH_BYTES:
            size += len(text[end].encode("gbk"))
            end += 1
        head = text[:end]
        ends = [m.end() for m in re.finditer(rf"[{re.escape(_ENDS)}]|\.(?=\s)", head)]
        pauses = [m.end() for m in re.finditer(f"[{re.escape(_PAUSES)}]", head)]
        cut = (ends or pauses or [end])[-1]
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [*pieces, text] if text else pieces
