"""ROHM BH1750FVI, ambient light, at the level of its datasheet.

It never refuses a command or a read: read too early, it gives the result before.
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .i2c import I2CDevice, filled

POWER_DOWN, POWER_ON, RESET = 0x00, 0x01, 0x07
# opcode -> (longest time at the default measurement time, lux per count relative to H mode)
MODES = {
    0x10: (180_000, 1.0),
    0x11: (180_000, 0.5),
    0x13: (24_000, 4.0),
    0x20: (180_000, 1.0),
    0x21: (180_000, 0.5),
    0x23: (24_000, 4.0),
}
ONE_TIME = 0x20
DEFAULT_MT, MIN_MT, MAX_MT = 69, 31, 254


class BH1750(I2CDevice):
    """One-shot and continuous modes, measurement time register, power down."""

    NOISE = {"illuminance": 0.5}
    DEAF_WHILE_BUSY = False

    def __init__(self, world: World, scene: Scene, address: int = 0x23) -> None:
        super().__init__(world, scene, address)
        self.powered = False
        self.mode = 0
        self.measurement_time = DEFAULT_MT
        self.register = 0

    def command(self, data: bytes) -> None:
        for opcode in data:
            self.opcode(opcode)

    def opcode(self, opcode: int) -> None:
        """Carry out one opcode of the instruction table; others do nothing."""
        self.settle()
        if opcode == POWER_DOWN:
            self.powered, self.mode = False, 0
        elif opcode == POWER_ON:
            self.powered = True
        elif opcode == RESET:
            if self.powered:  # not accepted in power down
                self.register = 0
        elif opcode in MODES:
            self.powered, self.mode = True, opcode
            self.start(MODES[opcode][0] * self.measurement_time // DEFAULT_MT)
        elif opcode >> 3 == 0b01000:
            self.measurement_time = (opcode & 0b111) << 5 | self.measurement_time & 0b11111
        elif opcode >> 5 == 0b011:
            self.measurement_time = self.measurement_time & 0b11100000 | opcode & 0b11111

    def answer(self, n: int) -> bytes:
        self.settle()
        return filled(self.register.to_bytes(2, "big"), n)

    def settle(self) -> None:
        """Put a finished measurement into the register; one-time modes power down after it."""
        if not self.mode or self.busy:
            return
        sensitivity = min(max(self.measurement_time, MIN_MT), MAX_MT) / DEFAULT_MT
        lux_per_count = MODES[self.mode][1] / 1.2 / sensitivity
        self.register = min(max(round(self.source.read("illuminance") / lux_per_count), 0), 65535)
        if MODES[self.mode][1] == 4.0:  # low resolution: steps of 4 lx, counts stay 1/1.2 lx
            self.register = min(self.register * 4, 65535)
        if self.mode & ONE_TIME:
            self.mode, self.powered = 0, False
