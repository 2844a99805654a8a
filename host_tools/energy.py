"""Where a unit says that its energy went: the ENERGY event, in seconds and in milliamp hours."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldbeat.protocols import event

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
        parts = [f"awake {_span(self.awake_s)} of {_span(self.period_s)}"]
        if self.deep_s or self.light_s:
            parts.append(f"{self.sleeps} deep sleeps" if self.sleeps else "light sleep")
        parts.append(f"radio on {_span(radio)} in {self.wakes} wakes, {self.bytes_sent:,} bytes")
        parts += [f"{name} {_span(on_s)}" for name, on_s in sorted(self.rails.items())]
        if self.camera_s:
            parts.append(f"camera {_span(self.camera_s)}")
        return ", ".join(parts)


def parse(body: dict[int, Any]) -> Ledger | None:
    """Return the ledger in the body of an ENERGY event, or None if it makes no sense."""

    def whole(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError
        return value

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
    return f"energy: {ledger.text}" if ledger else "energy that cannot be read"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
