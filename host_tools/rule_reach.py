"""Loudspeakers that never sound by a rule: the level sensor of each cannot tell its mark.

What a sensor can tell is seen in the configuration that the registry has of a unit.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from fieldbeat.protocols import cbor

from . import alert_words, boards, level_reach, profiles, quantities
from .board_model import Board
from .errors import FieldbeatError
from .language import tr
from .level_reach import Mark
from .profiles import Channel, Profile
from .registered_unit import Unit
from .registry import Registry

Ends = tuple[int, int]  # the lowest and the highest that a sensor can tell, in counts


def notes(registry: Registry, units: Iterable[Unit], rules: Sequence[Any]) -> Iterator[str]:
    """Yield rules that never sound at some of the units, or once and never again."""
    found: dict[tuple[int, Ends], list[Unit]] = {}
    channels: dict[int, Channel] = {}
    loaded = cache(_loaded)  # many units are of a few kinds
    for unit in units:
        config = registry.config(unit.name) if rules else None
        kind = loaded(unit.profile, unit.board) if config else None
        if config is None or kind is None:
            continue
        given = cbor.decode(config)
        for n, rule in enumerate(rules):
            channel, ends = _reach(*kind, given, rule.channel)
            if channel and ends:
                channels[n] = channel
                found.setdefault((n, ends), []).append(unit)
    for (n, ends), these in found.items():
        rule, channel = rules[n], channels[n]
        over = rule.threshold + rule.hysteresis if rule.below else rule.threshold - rule.hysteresis
        mark = Mark("", channel, rule.threshold, rule.below, over)
        if not mark.is_within(*ends):
            told = tr(
                "WILL NEVER SOUND at {names}: rule {number}, {name} there is only measured "
                "from {ends}"
            )
        elif not mark.ends_within(*ends):
            told = tr(
                "WILL SOUND ONCE and not again at {names}: rule {number}, {name} there is only "
                "measured from {ends}, and it is armed again beyond"
            )
        else:
            continue
        yield told.format(
            names=alert_words.names(these),
            number=rule.number,
            name=channel.name,
            ends=quantities.span(*ends, channel),
        )


def _loaded(profile: str, board: str) -> tuple[Profile, Board] | None:
    try:
        return profiles.load(profile), boards.load(board)
    except FieldbeatError:  # of an older or newer fieldbeat
        return None


def _reach(
    profile: Profile, board: Board, config: Any, name: str
) -> tuple[Channel | None, Ends | None]:
    """Return a channel of a unit with what its level sensor can tell; None where nobody knows."""
    channel = next((each for each in profile.channels if each.name == name), None)
    part = board.fitted.get(channel.part) if channel else None
    if channel is None or part is None:
        return None, None
    datum_mm = config.get("fitted", {}).get(channel.part, {}).get("datum_mm")
    trim = config.get("sampling", {}).get("trim", {}).get(name)
    return channel, level_reach.ends(part, datum_mm, channel, trim)
