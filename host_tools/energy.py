"""Where a unit says that its energy went: the ENERGY event, in seconds and in milliamp hours."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldbeat.protocols import event

from .event_bodies import whole
from .language import tr

RADIO_STATES = ("tx", "active", "idle", "psm")


@dataclass(frozen=True)
class Ledger:
    """Seconds of a period; `radio` by RADIO_STATES, `rails` by their names on the board."""

    period_s: float
    awake_s: float
    light_s: float
    deep_s: float
    sleeps: int
    radio: dict[str, float]
    rails: dict[str, float] = field(default_factory=dict)
    camera_s: float = 0.0
    bytes_sent: int = 0
    wakes: int = 0

    @property
    def text(self) -> str:
        """The period in one line."""
        radio = self.radio["tx"] + self.radio["active"]
        parts = [
            tr("awake {span} of {span_2}").format(
                span=_span(self.awake_s), span_2=_span(self.period_s)
            )
        ]
        if self.deep_s or self.light_s:
            parts.append(
                tr("{sleeps} deep sleeps").format(sleeps=self.sleeps)
                if self.sleeps
                else tr("light sleep")
            )
        parts.append(
            tr("radio on {span} in {wakes} wakes, {bytes_sent:,} bytes").format(
                span=_span(radio), wakes=self.wakes, bytes_sent=self.bytes_sent
            )
        )
        parts += [
            tr("rail {name} {span}").format(name=name, span=_span(on_s))
            for name, on_s in sorted(self.rails.items())
        ]
        if self.camera_s:
            parts.append(tr("camera {span}").format(span=_span(self.camera_s)))
        return ", ".join(parts)


def parse(body: dict[int, Any]) -> Ledger | None:
    """Return the ledger in the body of an ENERGY event, or None if it makes no sense."""

    def seconds(value: Any) -> float:
        return whole(value) / 1000

    try:
        light, deep = body[event.ENERGY_ASLEEP]
        radio = body.get(event.ENERGY_RADIO, [0] * len(RADIO_STATES))
        rails = body.get(event.ENERGY_RAILS, {})
        return Ledger(
            whole(body[event.ENERGY_PERIOD_S]),
            seconds(body[event.ENERGY_AWAKE_MS]),
            seconds(light),
            seconds(deep),
            whole(body.get(event.ENERGY_SLEEPS, 0)),
            {name: seconds(ms) for name, ms in zip(RADIO_STATES, radio, strict=True)},
            {str(name): seconds(ms) for name, ms in rails.items()},
            seconds(body.get(event.ENERGY_CAMERA_MS, 0)),
            whole(body.get(event.ENERGY_BYTES, 0)),
            whole(body.get(event.ENERGY_WAKES, 0)),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def describe(body: dict[int, Any]) -> str:
    """Return the event in a few words."""
    ledger = parse(body)
    return (
        tr("energy: {text}").format(text=ledger.text)
        if ledger
        else tr("energy that cannot be read")
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return (
        tr("{value:.0f} min").format(value=seconds / 60)
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
