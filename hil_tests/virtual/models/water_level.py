"""What tells the level of the scene's river: a radar on RS485, a pressure sensor on 4-20 mA."""

from __future__ import annotations

import random

from ..river import River
from ..world import World
from .battery import CEILING_UV, converted
from .faults import Faults
from .modbus_slave import ModbusSlave

NOISE_MM = 1.0
MAX_MM = 30_000
NO_ECHO = 0xFFFF  # hypothesis: what the register has then
SPAN_MM = 5_000  # of the pressure sensor
LOW_ALARM_UA, HIGH_ALARM_UA = 3_500, 21_500


class RadarLevel(ModbusSlave):
    """A Modbus slave with the distance to the water in mm in register 0.

    Further faults: `no_echo`, `spike` (mm, in place of the distance).
    """

    MORE_FAULTS = {"no_echo": False, "spike": 0}

    def __init__(self, world: World, river: River, address: int) -> None:
        super().__init__(address)
        self.world = world
        self.river = river
        self.random = random.Random(world.random.getrandbits(64))
        self._on = True

    def supplied(self, on: bool) -> None:
        """Its supply comes or goes."""
        self._on = on

    def respond(self, frame: bytes) -> tuple[int, bytes] | None:
        return super().respond(frame) if self._on else None

    def registers(self) -> dict[int, int]:
        return {0: self.distance_mm()}

    def distance_mm(self) -> int:
        """What it measures now."""
        if self.faults.take("no_echo"):
            return NO_ECHO
        away_mm = self.river.datum_mm - self.river.level_mm(self.world.now_us)
        mm = self.faults.take("spike") or away_mm + self.random.gauss(0, NOISE_MM)
        return min(max(round(mm), 0), MAX_MM)


class CurrentLoop:
    """A pressure transmitter at the foot of the gauge, seen at a shunt by an ADC.

    Faults: `broken` (no current), `low_alarm`, `high_alarm`, `shorted` (full scale), `frozen`.
    """

    def __init__(self, world: World, river: River, shunt_mohm: int) -> None:
        self.world = world
        self.river = river
        self.shunt_mohm = shunt_mohm
        self.faults = Faults(
            broken=False, low_alarm=False, high_alarm=False, shorted=False, frozen=False
        )
        self.random = random.Random(world.random.getrandbits(64))
        self._last_ua = 4_000.0
        self._on = True

    def supplied(self, on: bool) -> None:
        """Its supply comes or goes."""
        self._on = on

    def current_ua(self) -> float:
        """What flows in the loop."""
        if not self._on:
            return 0
        for fault, current_ua in (
            ("broken", 0),
            ("low_alarm", LOW_ALARM_UA),
            ("high_alarm", HIGH_ALARM_UA),
        ):
            if self.faults.take(fault):
                return current_ua
        if not self.faults.take("frozen"):
            depth_mm = self.river.level_mm(self.world.now_us) - self.river.foot_mm
            depth_mm += self.random.gauss(0, NOISE_MM)
            self._last_ua = 4_000 + 16_000 * min(max(depth_mm / SPAN_MM, -0.0125), 1.03125)
        return self._last_ua

    def read_uv(self) -> int:
        """Microvolts at the pin, as an ADC with factory calibration gives them."""
        if self.faults.take("shorted"):
            return CEILING_UV
        return converted(self.current_ua() * self.shunt_mohm / 1000)
