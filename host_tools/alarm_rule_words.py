"""Alarm rules in words, for who confirms them and for who looks at them later."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fieldbeat.protocols import alarm_rules, command

from . import alert_words, signed_commands, times
from .alarm_tables import LONG_HOLD_S
from .language import tr
from .quantities import quantity
from .sounds import Sound


def condition(rule: Any) -> str:
    """Return when a rule fires: 'level above 3.200 m for 2 min'."""
    side = tr("{channel} below {mark}") if rule.below else tr("{channel} above {mark}")
    beyond = side.format(channel=rule.channel, mark=_of(rule, rule.threshold))
    hold = tr(" for {span}").format(span=times.span(rule.hold_s)) if rule.hold_s else ""
    return f"{beyond}{hold}"


def words(rule: Any) -> Iterator[str]:
    """Yield a rule in the lines that a person confirms."""
    sound = Sound(*rule.alert)
    back = rule.threshold + (rule.hysteresis if rule.below else -rule.hysteresis)
    side = tr("at or above") if rule.below else tr("at or below")
    volume = "" if sound.volume is None else tr(", volume {volume} %").format(volume=sound.volume)
    yield tr("rule {number}: {condition}").format(number=rule.number, condition=condition(rule))
    yield f"  {alert_words.told(sound)}{volume}"
    again = tr("again when it was {side} {of}, after {span} or more").format(
        side=side, of=_of(rule, back), span=times.span(rule.pause_s)
    )
    yield tr("  for up to {span}; {again}").format(span=times.span(rule.window_s), again=again)


def late(rules: tuple[Any, ...]) -> Iterator[str]:
    """Yield which emergencies may sound when what they warn of has passed."""
    for rule in rules:
        if rule.alert.cls == command.EMERGENCY and rule.hold_s > LONG_HOLD_S:
            yield tr(
                "rule {number} sounds only when every reading of {span} was beyond its mark: "
                "what it warns of may have passed by then"
            ).format(number=rule.number, span=times.span(rule.hold_s))


def _of(rule: Any, counts: int) -> str:
    return quantity(counts, rule.scale, rule.unit)


def told(rules: tuple[Any, ...]) -> str:
    """Return rules in one line."""
    if not rules:
        return tr("no alarm rules any more")
    return tr("alarm rules: ") + "; ".join(f"{rule.number}: {condition(rule)}" for rule in rules)


def of_command(plaintext: bytes) -> tuple[Any, ...]:
    """Return the rules in a command that was made."""
    found = signed_commands.opened(plaintext)
    assert found.command == command.ALARM_RULES
    return tuple(alarm_rules.parse(found.args))
