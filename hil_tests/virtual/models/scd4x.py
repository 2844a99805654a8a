"""Sensirion SCD4x, carbon dioxide, at the level of its datasheet (version 1.5, section 3).

Not modelled: the drift that self-calibration corrects, and the sensor's own warmth.
"""

from __future__ import annotations

from ..scene import Scene
from ..world import World
from .i2c import I2CDevice, Nack, filled, sensirion_crc
from .source import to_code

START_PERIODIC, START_LOW_POWER, STOP_PERIODIC = 0x21B1, 0x21AC, 0x3F86
READ_MEASUREMENT, DATA_READY = 0xEC05, 0xE4B8
SERIAL_NUMBER, REINIT, FACTORY_RESET, SELF_TEST = 0x3682, 0x3646, 0x3632, 0x3639
SINGLE_SHOT, SINGLE_SHOT_RHT, POWER_DOWN, WAKE_UP = 0x219D, 0x2196, 0x36E0, 0x36F6
SET_PRESSURE, FORCED_RECALIBRATION, PERSIST = 0xE000, 0x362F, 0x3615

PERIOD_US = {START_PERIODIC: 5_000_000, START_LOW_POWER: 30_000_000}
WHILE_PERIODIC = (READ_MEASUREMENT, DATA_READY, STOP_PERIODIC, SET_PRESSURE)
EXECUTION_US = {  # table 9, maximum durations; 1 ms where it is not named
    START_PERIODIC: 0,
    START_LOW_POWER: 0,
    STOP_PERIODIC: 500_000,
    REINIT: 30_000,
    FACTORY_RESET: 1_200_000,
    SELF_TEST: 10_000_000,
    SINGLE_SHOT: 5_000_000,
    SINGLE_SHOT_RHT: 50_000,
    FORCED_RECALIBRATION: 400_000,
    PERSIST: 800_000,
    WAKE_UP: 30_000,
}
# setting -> (command that writes it, command that reads it, default word)
SETTINGS = {
    "temperature_offset": (0x241D, 0x2318, 1498),  # 4 Cel
    "altitude": (0x2427, 0x2322, 0),
    "self_calibration": (0x2416, 0x2313, 1),
}


class SCD4x(I2CDevice):
    """Modes idle, periodic and asleep; a command that its mode forbids is a Nack."""

    NOISE = {"co2": 10.0, "air_temperature": 0.1, "air_humidity": 0.4}  # repeatability

    def __init__(self, world: World, scene: Scene, address: int = 0x62) -> None:
        super().__init__(world, scene, address)
        self.serial = world.random.getrandbits(48)
        self.settings = {name: default for name, (_, _, default) in SETTINGS.items()}
        self.power_on()

    def power_on(self) -> None:
        """Start as after the supply came up: idle, ready after 30 ms."""
        self.period_us = 0
        self.asleep = False
        self.sample_us = 0  # when the next sample is ready
        self.fresh = False
        self.result = b""
        self.ready_us = self.world.now_us + 30_000

    def command(self, data: bytes) -> None:
        if len(data) < 2:
            raise Nack("a command has two bytes")
        code = int.from_bytes(data[:2], "big")
        if self.asleep and code != WAKE_UP:
            raise Nack("powered down")
        if self.busy:
            raise Nack(f"busy, 0x{code:04x} came too early")
        if self.period_us and code not in WHILE_PERIODIC:
            raise Nack(f"0x{code:04x} is not allowed while measuring periodically")
        self.result = b""
        self.execute(code, self.argument(data[2:]))

    @staticmethod
    def argument(data: bytes) -> int | None:
        """Return the word after a command; a wrong check byte refuses the command."""
        if not data:
            return None
        if len(data) != 3 or sensirion_crc(data[:2]) != data[2]:
            raise Nack("check byte of the argument")
        return int.from_bytes(data[:2], "big")

    def execute(self, code: int, argument: int | None) -> None:
        """Carry out a command that is allowed now."""
        self.collect()
        if code in PERIOD_US:
            self.period_us = PERIOD_US[code]
            self.schedule(self.period_us)
        elif code == STOP_PERIODIC:
            self.period_us, self.fresh = 0, False
        elif code == READ_MEASUREMENT:
            if self.fresh:
                self.fresh, self.result = False, self.measure()
        elif code == DATA_READY:
            self.result = self.words(0x8006 if self.fresh else 0x8000)
        elif code == SERIAL_NUMBER:
            self.result = self.words(*(self.serial >> shift & 0xFFFF for shift in (32, 16, 0)))
        elif code in (SINGLE_SHOT, SINGLE_SHOT_RHT):
            self.schedule(EXECUTION_US[code])
        elif code in (REINIT, FACTORY_RESET):
            self.power_on()
        elif code in (SELF_TEST, FORCED_RECALIBRATION):
            self.result = self.words(0 if code == SELF_TEST else 0x8000)
        elif code in (POWER_DOWN, WAKE_UP):
            self.asleep = code == POWER_DOWN
        elif code not in (SET_PRESSURE, PERSIST):
            self.setting(code, argument)
        self.ready_us = self.world.now_us + EXECUTION_US.get(code, 1_000)

    def setting(self, code: int, argument: int | None) -> None:
        """Write or read one of the stored settings."""
        for name, (write, read, _) in SETTINGS.items():
            if code == write and argument is not None:
                self.settings[name] = argument
                return
            if code == read:
                self.result = self.words(self.settings[name])
                return
        raise Nack(f"no command 0x{code:04x}")

    def schedule(self, duration_us: int) -> None:
        """The next sample is ready after this time; `slow` and `stuck` change it."""
        self.start(duration_us)
        self.sample_us, self.fresh = self.ready_us, False

    def collect(self) -> None:
        """Take over a sample that became ready, and plan the one after it."""
        now_us = self.world.now_us
        if self.sample_us and now_us >= self.sample_us:
            self.fresh = True
            missed = (now_us - self.sample_us) // self.period_us if self.period_us else 0
            self.sample_us += (missed + 1) * self.period_us
            if not self.period_us:
                self.sample_us = 0

    def answer(self, n: int) -> bytes:
        if self.asleep or self.busy:
            raise Nack("busy")
        if not self.result:
            raise Nack("nothing to read")
        out, self.result = self.result, b""
        return filled(out, n)

    def measure(self) -> bytes:
        """Return CO2 in ppm, temperature and humidity as words (section 3.5.2)."""
        co2 = min(max(round(self.source.read("co2")), 0), 40_000)
        temperature = to_code(self.source.read("air_temperature"), -45, 175)
        humidity = to_code(self.source.read("air_humidity"), 0, 100)
        return self.words(co2, temperature, humidity)
