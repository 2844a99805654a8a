# BH1750FVI: illuminance (ROHM, datasheet BH1750FVI).
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from .i2c import I2CDevice

_POWER_ON = const(b"\x01")
_ONE_TIME_HIGH = const(b"\x20")
# Datasheet: H-resolution takes 180 ms at most with the default MTreg, and in proportion to it.
_MEASURE_MS = const(180)
# Counts per lux are 1.2 at MTreg 69. Full scale is then 54,612 lx, less than direct sun; the
# smallest MTreg, 31, reaches 121,556 lx.
_MT_DEFAULT = const(69)
_MT_BRIGHT = const(31)
_SATURATED = const(0xFFFF)


class BH1750(I2CDevice):
    CHANNELS = (("illuminance", "lx", 1),)

    def __init__(self, bus, address=0x23):
        super().__init__(bus, address)
        self._buffer = bytearray(2)

    async def probe(self):
        # No identity register: that it acknowledges its address is all there is.
        self._write(_POWER_ON)

    async def read(self):
        counts, measurement_time = await self._measure(_MT_DEFAULT), _MT_DEFAULT
        if counts == _SATURATED:
            counts, measurement_time = await self._measure(_MT_BRIGHT), _MT_BRIGHT
        # lux = counts / 1.2 * 69 / MTreg, in integers: 345 = 5 * 69, 6 = 5 * 1.2
        divisor = 6 * measurement_time
        return ((counts * 345 + divisor // 2) // divisor,)

    async def _measure(self, measurement_time):
        self._write(_POWER_ON)
        # MTreg goes out as two commands: 01000 + upper 3 bits, 011 + lower 5 bits.
        self._write(bytes((0x40 | measurement_time >> 5,)))
        self._write(bytes((0x60 | measurement_time & 31,)))
        self._write(_ONE_TIME_HIGH)
        await asyncio.sleep_ms(_MEASURE_MS)
        self._readinto(self._buffer)
        return self._buffer[0] << 8 | self._buffer[1]
