# Sensirion's I2C words: 16 bits, most significant byte first, each followed by its CRC-8.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.crc import crc8

from .errors import SensorError
from .i2c import I2CDevice


class SensirionDevice(I2CDevice):
    async def _words(self, command, count, wait_ms):
        # Sends the command, waits for its execution time and reads `count` words.
        self._write(command)
        await asyncio.sleep_ms(wait_ms)
        buffer = bytearray(3 * count)
        self._readinto(buffer)
        for start in range(0, len(buffer), 3):
            if crc8(buffer[start : start + 2]) != buffer[start + 2]:
                raise SensorError("sensor_crc", buffer.hex())
        return [buffer[start] << 8 | buffer[start + 1] for start in range(0, len(buffer), 3)]

    async def _identify(self, command, count, wait_ms):
        # These chips have no type register. A serial number with good CRCs tells Sensirion's
        # protocol; one of all zeros or all ones is a bus that floats or is held.
        serial = await self._words(command, count, wait_ms)
        if serial in ([0] * count, [0xFFFF] * count):
            raise SensorError("sensor_identity", "serial number %s" % serial)
