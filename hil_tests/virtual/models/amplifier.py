"""A power amplifier with a mute input and a relay in its supply, behind a DAC.

Hypotheses: the supply stands 50 ms after the relay closes; a level that changes while the output
is on is heard as a click, and counted.
"""

from __future__ import annotations

from collections.abc import Callable

from ..world import World
from .faults import Faults
from .i2s_sink import Gate, I2sSink

SUPPLY_US = 50_000


class Amplifier:
    """`mute` and `relay` listen to the board's pins; while no program runs it is muted and off.

    `gate` is when sound came through; `clicks` lists (us, what) of what a listener would complain
    of. Faults: `dead` (no sound, and the line `failed` says so), `relay_stuck` (it does not
    close), `deaf` (no sound, and nothing says so).
    """

    def __init__(self, world: World, sink: I2sSink) -> None:
        self.world = world
        self.sink = sink
        self.faults = Faults(dead=False, relay_stuck=False, deaf=False)
        self.mute = Wire(self._mute_changed, rest=1)
        self.relay = Wire(self._relay_changed, rest=0)
        self.failed = FaultLine(self)
        self.gate = sink.amplifier = Gate(world)
        self.muted = True
        self.supplied_us: int | None = None  # since when the relay is closed
        self.clicks: list[tuple[int, str]] = []
        sink.listeners.append(self._heard)

    @property
    def stands(self) -> bool:
        """True if the supply is there."""
        since_us = self.supplied_us
        return since_us is not None and self.world.now_us - since_us >= SUPPLY_US

    def _mute_changed(self, level: int) -> None:
        if self.muted and not level and not self.stands:
            self._click("unmuted without supply")
        self.muted = bool(level)
        self.update()

    def _relay_changed(self, level: int) -> None:
        if not self.muted:
            self._click("relay while unmuted")
        if not level:
            self.supplied_us = None
        elif self.supplied_us is None and not self.faults.take("relay_stuck"):
            self.supplied_us = self.world.now_us
            self.world.call_after(SUPPLY_US, self.update)
        self.update()

    def _heard(self, what: str) -> None:
        """The DAC has got samples, or its clock begins or ends."""
        if what != "samples" and not self.muted:
            self._click(f"{what} while unmuted")
        self.update()

    def _click(self, what: str) -> None:
        self.clicks.append((self.world.now_us, what))

    def update(self) -> None:
        """Open or close the gate by what is the case now."""
        is_open = self.stands and not self.muted
        if is_open and (self.faults.take("dead") or self.faults.take("deaf")):
            is_open = False
        self.gate.set(is_open)


class Wire:
    """A pin of the board with a resistor that decides while nobody drives it."""

    def __init__(self, action: Callable[[int], None], rest: int) -> None:
        self.action = action
        self.rest = rest

    def changed(self, value: int) -> None:
        """Take a new level of the pin."""
        self.action(value)

    def released(self) -> None:
        """The chip does not drive it any more."""
        self.action(self.rest)


class FaultLine:
    """The amplifier's fault output, high while it has failed."""

    def __init__(self, amplifier: Amplifier) -> None:
        self.amplifier = amplifier

    def level(self, _pulled_up: bool) -> int:
        """Level at the board's pin."""
        return int(bool(self.amplifier.faults.take("dead")))
