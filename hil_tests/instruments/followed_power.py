"""The supply of a board whose serial port may vanish with it, as USB ports do."""

from __future__ import annotations

from .power import Power
from .serial_line import SerialLine


class FollowedPower:
    """Implements `Power` over another one; the console is there again when `on` returns."""

    def __init__(self, power: Power, line: SerialLine) -> None:
        self.power = power
        self.line = line

    def on(self) -> None:
        self.power.on()
        self.line.come_back()

    def off(self) -> None:
        self.line.may_vanish = True
        self.power.off()

    def cycle(self) -> None:
        self.line.may_vanish = True
        self.power.cycle()
        self.line.come_back()

    def is_on(self) -> bool:
        return self.power.is_on()

    def close(self) -> None:
        self.power.close()
