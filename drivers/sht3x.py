# SHT30, SHT31, SHT35: air temperature and relative humidity (Sensirion, datasheet SHT3x-DIS).
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from .errors import SensorError
from .sensirion import SensirionDevice

_SINGLE_SHOT_HIGH = const(b"\x24\x00")  # table 9: clock stretching off, repeatability high
_READ_STATUS = const(b"\xf3\x2d")
_SOFT_RESET = const(b"\x30\xa2")  # it switches the heater off, too
# Table 4: 15.5 ms at most for high repeatability, 1.5 ms for a soft reset.
_MEASURE_MS = const(16)
_RESET_MS = const(2)
_COMMAND_MS = const(1)
# Table 18: what is reserved reads as zero, and a reset is told until the status is cleared.
_RESERVED = const(0x53EC)
_RESET_SEEN = const(0x0010)


class SHT3x(SensirionDevice):
    CHANNELS = (("temperature", "Cel", 100), ("humidity", "%RH", 100))

    def __init__(self, bus, address=0x44):
        super().__init__(bus, address)

    async def probe(self):
        # An SHT4x at the same address does not acknowledge these.
        self._write(_SOFT_RESET)
        await asyncio.sleep_ms(_RESET_MS)
        (status,) = await self._words(_READ_STATUS, 1, _COMMAND_MS)
        if status & _RESERVED or not status & _RESET_SEEN:
            raise SensorError("sensor_identity", "status %04x after a reset" % status)

    async def read(self):
        temperature, humidity = await self._words(_SINGLE_SHOT_HIGH, 2, _MEASURE_MS)
        # T = -45 + 175 x / 65535, RH = 100 x / 65535, in hundredths; 6553 rounds.
        temperature = (3500 * temperature + 6553) // 13107 - 4500
        return temperature, (2000 * humidity + 6553) // 13107
