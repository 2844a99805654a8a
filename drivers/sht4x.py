# SHT40, SHT41, SHT45: air temperature and relative humidity (Sensirion, datasheet SHT4x).
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .sensirion import SensirionDevice

_MEASURE_HIGH = const(b"\xfd")
_READ_SERIAL = const(b"\x89")
# Datasheet, timing: a high-repeatability measurement takes 8.3 ms at most.
_MEASURE_MS = const(10)
_SERIAL_MS = const(1)


class SHT4x(SensirionDevice):
    CHANNELS = (("temperature", "Cel", 100), ("humidity", "%RH", 100))

    def __init__(self, bus, address=0x44):
        super().__init__(bus, address)

    async def probe(self):
        await self._identify(_READ_SERIAL, 2, _SERIAL_MS)

    async def read(self):
        temperature, humidity = await self._words(_MEASURE_HIGH, 2, _MEASURE_MS)
        # T = -45 + 175 x / 65535, RH = -6 + 125 x / 65535; both fractions are reduced by 5, so
        # that hundredths stay small integers. 6553 rounds.
        temperature = (3500 * temperature + 6553) // 13107 - 4500
        humidity = (2500 * humidity + 6553) // 13107 - 600
        # Datasheet, signal conversion: at the ends RH goes beyond 0 and 100 % and is cropped.
        return temperature, min(max(humidity, 0), 10000)
