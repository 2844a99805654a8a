# SCD40, SCD41: carbon dioxide, air temperature, relative humidity (Sensirion, datasheet SCD4x).
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from .errors import SensorError
from .sensirion import SensirionDevice

_START_PERIODIC = const(b"\x21\xb1")
_STOP_PERIODIC = const(b"\x3f\x86")
_READ_SERIAL = const(b"\x36\x82")
_DATA_READY = const(b"\xe4\xb8")
_READ_MEASUREMENT = const(b"\xec\x05")

# Datasheet, command overview: execution times.
_STOP_MS = const(500)
_COMMAND_MS = const(1)
# Periodic measurement has a new value every 5 s; its clock may be some percent slow.
_POLL_MS = const(1000)
_POLLS = const(6)


class SCD4x(SensirionDevice):
    CHANNELS = (("co2", "ppm", 1), ("temperature", "Cel", 100), ("humidity", "%RH", 100))

    def __init__(self, bus, address=0x62):
        super().__init__(bus, address)

    async def probe(self):
        # While it measures it answers no other command, and it measures on through a reset of
        # ours. So stop first.
        try:
            self._write(_STOP_PERIODIC)
        except SensorError:  # reset by us while it was stopping, it takes nothing until it has
            await asyncio.sleep_ms(_STOP_MS)
            self._write(_STOP_PERIODIC)
        await asyncio.sleep_ms(_STOP_MS)
        await self._identify(_READ_SERIAL, 3, _COMMAND_MS)
        self._write(_START_PERIODIC)

    async def read(self):
        await self._wait_ready()
        co2, temperature, humidity = await self._words(_READ_MEASUREMENT, 3, _COMMAND_MS)
        if co2 == 0:
            raise SensorError("sensor_range", "0 ppm: the first value after power-on may be void")
        # T = -45 + 175 x / 65535, RH = 100 x / 65535, in hundredths; 6553 rounds.
        temperature = (3500 * temperature + 6553) // 13107 - 4500
        return co2, temperature, (2000 * humidity + 6553) // 13107

    async def _wait_ready(self):
        for poll in range(_POLLS):
            if poll:
                await asyncio.sleep_ms(_POLL_MS)
            (status,) = await self._words(_DATA_READY, 1, _COMMAND_MS)
            if status & 0x07FF:  # Datasheet: the lower 11 bits are zero until there is a value
                return
        # It lost its supply for a moment and idles: measuring again, the next read succeeds. One
        # that still measures refuses the command, which is no other reason.
        try:
            self._write(_START_PERIODIC)
        except SensorError:
            pass
        raise SensorError("sensor_timeout", "no CO2 value in %d s" % (_POLLS - 1))
