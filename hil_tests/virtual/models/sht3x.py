"""Sensirion SHT3x-DIS, temperature and humidity, at the level of its datasheet (version 6).

Not modelled: clock stretching, periodic measurement, alerts, the warming by the heater.
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .i2c import I2CDevice, Nack, filled
from .source import to_code

MEASURE_US = {0x2400: 15_500, 0x240B: 6_500, 0x2416: 4_500}  # tables 4 and 9
RESET_US = 1_500
SOFT_RESET, BREAK = 0x30A2, 0x3093
READ_STATUS, CLEAR_STATUS = 0xF32D, 0x3041
HEATER = {0x306D: 0x2000, 0x3066: 0}
AFTER_RESET = 0x8010  # table 18: an alert is pending, a reset was seen


class SHT3x(I2CDevice):
    """Answers commands of two bytes; reading before the measurement is over is a Nack."""

    NOISE = {"air_temperature": 0.04 / 3, "air_humidity": 0.08 / 3}  # tables 1, 2, three sigma

    def __init__(self, world: World, scene: Scene, address: int = 0x44) -> None:
        super().__init__(world, scene, address)
        self.status = AFTER_RESET
        self.result = b""
        self.pending = False

    def command(self, data: bytes) -> None:
        if len(data) != 2:
            raise Nack("commands have two bytes")
        code = int.from_bytes(data, "big")
        if self.busy:
            raise Nack("measuring")
        self.result, self.pending = b"", False
        if code == SOFT_RESET:
            self.status = AFTER_RESET
            self.start(RESET_US)
        elif code in MEASURE_US:
            self.pending = True
            self.start(MEASURE_US[code])
        elif code == READ_STATUS:
            self.result = self.words(self.status)
        elif code == CLEAR_STATUS:
            self.status &= 0x2000
        elif code in HEATER:
            self.status = self.status & ~0x2000 | HEATER[code]
        elif code != BREAK:
            raise Nack(f"no command 0x{code:04x}")

    def answer(self, n: int) -> bytes:
        if self.busy:
            raise Nack("measuring")
        if self.pending:
            self.pending = False
            self.result = self.words(
                to_code(self.source.read("air_temperature"), -45, 175),
                to_code(self.source.read("air_humidity"), 0, 100),
            )
        if not self.result:
            raise Nack("nothing to read")
        out, self.result = self.result, b""
        return filled(out, n)
