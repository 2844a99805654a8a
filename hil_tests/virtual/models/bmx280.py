"""Bosch BME280 or BMP280 at the level of its datasheet: a register map, forced and normal mode.

The counts are those at which the datasheet's formulas with a decimal point (BME280 8.1) give the
scene's values. Not modelled: oversampling beyond its time, the filter, SPI.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from ..scene import Scene
from ..world import World
from .i2c import I2CDevice, filled

ID, RESET, CTRL_HUM, STATUS, CTRL_MEAS, CONFIG, DATA = 0xD0, 0xE0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF7
BMP280, BME280 = 0x58, 0x60
RESET_WORD = 0xB6
START_US = 2_000
MEASURING, COPYING = 0x08, 0x01
# Trimming values: those of the BMP280's example (3.12), and of a BME280 that was read out.
T = (27504, 26435, -1000)
P = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
H = (75, 362, 0, 311, 50, 30)
EMPTY = bytes.fromhex("800000 800000 8000".replace(" ", ""))  # 4.2.3: nothing was measured
NOISE_PA = 1.3  # BME280 table 3: RMS at the lowest oversampling, 3.3 Pa at the most noise


class BMX280(I2CDevice):
    """`chip_id` decides which of the two it is. Further fault: `other_chip`, its id instead."""

    NOISE = {"air_temperature": 0.005, "pressure": NOISE_PA, "air_humidity": 0.02}
    MORE_FAULTS = {"other_chip": 0}
    DEAF_WHILE_BUSY = False

    def __init__(
        self, world: World, scene: Scene, address: int = 0x76, chip_id: int = BME280
    ) -> None:
        super().__init__(world, scene, address)
        self.chip_id = chip_id
        self.pointer = 0
        self.registers = bytearray(256)
        self.power_on()

    def power_on(self) -> None:
        """All registers as after a reset; the trimming values are copied from its memory."""
        self.registers = bytearray(256)
        self.registers[ID] = self.chip_id
        self.registers[0x88:0xA0] = struct.pack("<HhhHhhhhhhhh", *T, *P)
        if self.chip_id == BME280:
            h1, h2, h3, h4, h5, h6 = H
            self.registers[0xA1] = h1
            self.registers[0xE1:0xE4] = struct.pack("<hB", h2, h3)
            self.registers[0xE4] = h4 >> 4 & 0xFF
            self.registers[0xE5] = (h5 & 15) << 4 | h4 & 15
            self.registers[0xE6] = h5 >> 4 & 0xFF
            self.registers[0xE7] = h6 & 0xFF
        self.registers[DATA : DATA + 8] = EMPTY
        self.ctrl_hum = 0  # takes effect with the next write of CTRL_MEAS
        self.measures = False

    def command(self, data: bytes) -> None:
        self.settle()
        self.pointer = data[0]
        # 6.2.1: pairs of register and value, as many as one likes.
        for register, value in zip(data[::2], data[1::2], strict=False):
            self.set_register(register, value)

    def set_register(self, register: int, value: int) -> None:
        """Write one register; the others are read only."""
        if register == RESET and value == RESET_WORD:
            self.power_on()
            self.start(START_US)
        elif register in (CTRL_HUM, CONFIG):
            self.registers[register] = value
        elif register == CTRL_MEAS:
            self.registers[register] = value
            self.ctrl_hum = self.registers[CTRL_HUM] & 7
            if value & 3:
                self.measures = True
                self.start(self.duration_us(value))

    def duration_us(self, ctrl_meas: int) -> int:
        """The longest time of a measurement, section 9.1."""
        times = [(1 << (osrs - 1)) if osrs else 0 for osrs in self.oversampling(ctrl_meas)]
        temperature, pressure, humidity = (min(count, 16) for count in times)
        us = 1_250 + 2_300 * temperature
        us += (2_300 * pressure + 575) if pressure else 0
        return us + ((2_300 * humidity + 575) if humidity else 0)

    def oversampling(self, ctrl_meas: int) -> tuple[int, int, int]:
        """The codes for temperature, pressure and humidity; 0 leaves it out."""
        humidity = self.ctrl_hum if self.chip_id == BME280 else 0
        return ctrl_meas >> 5, ctrl_meas >> 2 & 7, humidity

    def settle(self) -> None:
        """Put a finished measurement into the registers; forced mode ends with it."""
        if self.busy or not self.measures:
            return
        self.registers[DATA : DATA + 8] = self.measure()
        if self.registers[CTRL_MEAS] & 3 == 3:  # normal mode goes on
            self.start(self.duration_us(self.registers[CTRL_MEAS]))
        else:
            self.registers[CTRL_MEAS] &= 0xFC
            self.measures = False

    def answer(self, n: int) -> bytes:
        self.settle()
        self.registers[STATUS] = (MEASURING if self.measures else COPYING) if self.busy else 0
        self.registers[ID] = self.faults.take("other_chip") or self.chip_id
        out = bytes(self.registers[self.pointer : self.pointer + n])
        self.pointer = min(self.pointer + n, 255)
        return filled(out, n)

    def measure(self) -> bytes:
        """Return the eight data registers of this moment."""
        wanted = self.oversampling(self.registers[CTRL_MEAS])
        out = bytearray(EMPTY)
        celsius = self.source.read("air_temperature")
        counts = inverse(lambda x: temperature(x)[0], celsius, 1 << 20)
        fine = temperature(counts)[1]
        if wanted[0]:
            out[3:6] = (counts << 4).to_bytes(3, "big")
        if wanted[1]:
            pascal = self.source.read("pressure")
            found = inverse(lambda x: pressure(x, fine), pascal, 1 << 20)
            out[:3] = (found << 4).to_bytes(3, "big")
        if wanted[2]:
            per_cent = self.source.read("air_humidity")
            found = inverse(lambda x: humidity(x, fine), per_cent, 1 << 16)
            out[6:8] = found.to_bytes(2, "big")
        return bytes(out)


def temperature(counts: int) -> tuple[float, float]:
    """Return Cel and t_fine."""
    fine = (counts / 16384 - T[0] / 1024) * T[1] + (counts / 131072 - T[0] / 8192) ** 2 * T[2]
    return fine / 5120, fine


def pressure(counts: int, fine: float) -> float:
    """Return Pa."""
    x = fine / 2 - 64000
    offset = (x * x * P[5] / 32768 + x * P[4] * 2) / 4 + P[3] * 65536
    slope = (P[2] * x * x / 524288 + P[1] * x) / 524288
    slope = (1 + slope / 32768) * P[0]
    p = (1048576 - counts - offset / 4096) * 6250 / slope
    return p + (P[8] * p * p / 2147483648 + p * P[7] / 32768 + P[6]) / 16


def humidity(counts: int, fine: float) -> float:
    """Return per cent, cropped to 0 .. 100."""
    h1, h2, h3, h4, h5, h6 = H
    x = fine - 76800
    bend = 1 + h6 / 67108864 * x * (1 + h3 / 67108864 * x)
    x = (counts - (h4 * 64 + h5 / 16384 * x)) * (h2 / 65536 * bend)
    return min(max(x * (1 - h1 * x / 524288), 0.0), 100.0)


def inverse(formula: Callable[[int], float], value: float, size: int) -> int:
    """Return the counts below `size` at which a formula that only rises, or falls, gives value."""
    low, high = 0, size - 1
    rises = formula(high) > formula(low)
    while low < high:
        middle = (low + high) // 2
        if (formula(middle) < value) is rises:
            low = middle + 1
        else:
            high = middle
    return low
