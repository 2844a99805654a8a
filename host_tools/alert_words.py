"""An order in words, for who has to confirm it and for who looks at it later."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from fieldbeat.protocols import command

from .alert_places import Part
from .language import tr
from .registered_unit import Unit
from .signed_commands import Window, words
from .sounds import CODECS, PATTERNS, Sound, shortest_s
from .times import iso, span
from .wording import all_of, counted, first

AREAS_NAMED = 8
_FFMPEG = {  # its encoder, Hz, and bytes of a packet: 12 of RTP and 20 ms
    "pcmu": ("pcm_mulaw", 8000, 172),
    "pcma": ("pcm_alaw", 8000, 172),
    "l16": ("pcm_s16be", 16000, 652),
}


def told(sound: Sound) -> str:
    """Return what an order is, in one line."""
    drill = tr("a silent drill") if sound.silent else ""
    kind = words(sound.class_, sound.level)
    if drill:
        kind = kind.replace(tr("a drill"), drill, 1)
    return f"{kind}: {content(sound)}"


def content(sound: Sound) -> str:
    """Return what is played, in words."""
    steps: list[str] = []
    text = ""
    for step in [*sound.content, None]:
        if step is not None and step[0] == command.SPEECH:
            text += (" " if text else "") + step[2].decode("gbk")
            continue
        if text:
            steps.append(tr('says "{text}"').format(text=text))
            text = ""
        if step is not None:
            steps.append(_step(step))
    times = tr(", {repeat} times over").format(repeat=sound.repeat) if sound.repeat > 1 else ""
    return tr(", then ").join(steps) + times


def summary(
    sound: Sound,
    window: Window,
    parts: Sequence[Part],
    signers: Iterable[str],
    unheard: int,
    now_s: float,
) -> list[str]:
    """Return what a person confirms, in a few lines.

    Args:
        sound: what is to be sounded.
        window: when.
        parts: where.
        signers: names of the issuers.
        unheard: how many of the units were never heard of.
        now_s: the time, Unix seconds.
    """
    units = [unit for part in parts for unit in part.units]
    everywhere = any(part.target is True for part in parts)
    verb = tr("goes silently to") if sound.silent else tr("sounds at")
    count = counted(len(units), "loudspeaker")
    where = (
        tr("EVERY loudspeaker there is, {count} here").format(count=count) if everywhere else count
    )
    volume = "" if sound.volume is None else tr(", volume {volume} %").format(volume=sound.volume)
    lines = [
        f"{told(sound)}",
        f"{verb} {where}: {areas(units)}",
        tr("{when}{volume}, signed by {listed}").format(
            when=_when(window, now_s), volume=volume, listed=all_of(signers)
        ),
    ]
    return lines + _unsaid(sound, window, now_s) + unreached(unheard)


def _unsaid(sound: Sound, window: Window, now_s: float) -> list[str]:
    """Return lines about what nobody will hear, or not to its end."""
    lines = []
    shortest = shortest_s(sound.content)
    if window.expires_s - max(window.start_s, now_s) < shortest:
        text = tr("its time is over BEFORE IT IS SAID ONCE, which takes {seconds:.0f} s at least")
        lines.append(text.format(seconds=shortest))
    if sound.volume == 0 and not sound.silent:
        lines.append(
            tr("no emergency is that quiet: each sounds it at its 'emergency_volume'")
            if sound.class_ == command.EMERGENCY
            else tr("NOBODY HEARS IT: its volume is 0")
        )
    return lines


def unreached(unheard: int) -> list[str]:
    """Return a line about the units of an order that were never heard of, if there are any."""
    text = tr("{unheard} of them never sent anything, and get it only when they do")
    return [text.format(unheard=unheard)] if unheard else []


def talking(content: Iterable[Sequence[Any]]) -> list[str]:
    """Return what to type for each live stream in what is played; 'POLE' is a unit's address."""
    return [_ffmpeg(step) for step in content if step[0] == command.STREAM]


def _ffmpeg(step: Sequence[Any]) -> str:
    _, payload_type, port, group, _ = step
    encoder, rate_hz, size = _FFMPEG[_codec(payload_type)]
    host = ".".join(map(str, group)) if group else "POLE"
    return (
        f"ffmpeg -re -i talk.mp3 -ac 1 -ar {rate_hz} -c:a {encoder} -rtpflags send_bye "
        f'-f rtp "rtp://{host}:{port}?pkt_size={size}"'
    )


def names(units: Iterable[Unit]) -> str:
    """Return the first names of units."""
    return first(unit.name for unit in units)


def areas(units: Iterable[Unit]) -> str:
    """Return how many units are in which area, the largest first."""
    counts = Counter(unit.site or tr("no area") for unit in units).most_common()
    named = ", ".join(f"{name} ({count})" for name, count in counts[:AREAS_NAMED])
    more = len(counts) - AREAS_NAMED
    return named + (tr(" and {more} more areas").format(more=more) if more > 0 else "")


def _step(step: list[Any]) -> str:
    if step[0] == command.TONE:
        return tr("a {patterns} tone of {value:g} s").format(
            patterns=tr(PATTERNS[step[1]]), value=step[2] / 1000
        )
    if step[0] == command.CLIP:
        return tr("clip {step}").format(step=step[1])
    _, payload_type, port, group, seconds = step
    place = f"{'.'.join(map(str, group))}:{port}" if group else tr("port {port}").format(port=port)
    return tr("the live {codec} stream at {place} for up to {seconds}").format(
        codec=_codec(payload_type), place=place, seconds=span(seconds)
    )


def _codec(payload_type: int) -> str:
    return next(name for name, number in CODECS.items() if number == payload_type)


def _when(window: Window, now_s: float) -> str:
    begin_s = max(window.start_s, now_s)
    start = (
        tr("from {start_s}").format(start_s=iso(window.start_s))
        if window.start_s > now_s
        else tr("at once")
    )
    return tr("{start}, until {expires_s} (for {value})").format(
        start=start, expires_s=iso(window.expires_s), value=span(window.expires_s - begin_s + 0.5)
    )
