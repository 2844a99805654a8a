# Reading a UART under asyncio: waits for bytes with a limit. Writing needs no help where the
# transmit buffer holds all of it; for the rest an ESP32 waits, and everybody with it.
# SPDX-License-Identifier: Apache-2.0
import asyncio


class UARTPort:
    def __init__(self, uart):
        self.uart = uart
        self._stream = asyncio.StreamReader(uart)

    async def readinto(self, buffer, wait_ms):
        # The number of bytes read, 0 if none came in time.
        size = 0

        async def read():
            nonlocal size
            size = await self._stream.readinto(buffer) or 0

        try:
            await asyncio.wait_for_ms(read(), wait_ms)
        except asyncio.TimeoutError:
            # Both may happen in one turn of the loop: what was read then still counts.
            pass
        return size
