"""Sensirion SHT4x, temperature and humidity, at the level of its datasheet (version 6).

Not modelled: the warming by the heater (a heated measurement only takes its time).
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .i2c import I2CDevice, Nack, filled
from .source import to_code

MEASURE_US = {0xFD: 8_300, 0xF6: 4_500, 0xE0: 1_600}  # table 4, maximum durations
REPEATABILITY = {0xFD: 1.0, 0xF6: 2.0, 0xE0: 3.0}  # noise relative to the high precision
HEATED_US = dict.fromkeys((0x39, 0x2F, 0x1E), 1_100_000)  # 200, 110, 20 mW for 1 s
HEATED_US.update(dict.fromkeys((0x32, 0x24, 0x15), 110_000))  # the same powers for 0.1 s
READ_SERIAL, SOFT_RESET = 0x89, 0x94
RESET_US = 1_000


class SHT4x(I2CDevice):
    """Answers the one-byte commands; reading before the measurement is over is a Nack."""

    NOISE = {"air_temperature": 0.04 / 3, "air_humidity": 0.08 / 3}  # table 1, three sigma

    def __init__(self, world: World, scene: Scene, address: int = 0x44) -> None:
        super().__init__(world, scene, address)
        self.serial = world.random.getrandbits(32)
        self.result = b""
        self.pending = 0

    def command(self, data: bytes) -> None:
        code = data[0]
        if code == SOFT_RESET:
            self.result, self.pending = b"", 0
            self.start(RESET_US)
            return
        if self.busy:
            raise Nack("measuring")
        self.result, self.pending = b"", 0
        if code in MEASURE_US:
            self.pending = code
            self.start(MEASURE_US[code])
        elif code in HEATED_US:
            self.pending = 0xFD
            self.start(HEATED_US[code])
        elif code == READ_SERIAL:
            self.result = self.words(self.serial >> 16, self.serial & 0xFFFF)
        else:
            raise Nack(f"no command 0x{code:02x}")

    def answer(self, n: int) -> bytes:
        if self.busy:
            raise Nack("measuring")
        if self.pending:
            self.result, self.pending = self.measure(), 0
        if not self.result:
            raise Nack("nothing to read")
        out, self.result = self.result, b""
        return filled(out, n)

    def measure(self) -> bytes:
        """Return temperature and humidity words (section 4.6)."""
        temperature = to_code(self.source.read("air_temperature"), -45, 175)
        humidity = to_code(self.source.read("air_humidity"), -6, 125)
        return self.words(temperature, humidity)
