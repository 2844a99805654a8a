# Lines that share a UART of the chip: its pin matrix leads it to the part whose turn it is.
# SPDX-License-Identifier: Apache-2.0


class Turn:
    # Stands for a part. route() leads the UART to its line; `lock` is that of the UART.
    def __init__(self, part, route, lock):
        self._part = part
        self._route = route
        self._lock = lock
        self.CHANNELS = part.CHANNELS

    # All else is the part's.
    def __getattr__(self, name):
        return getattr(self._part, name)

    async def probe(self):
        await self._with(self._part.probe)

    async def read(self):
        return await self._with(self._part.read)

    # Its turn ends when the picture is closed.
    async def capture(self, budget_bytes, region=None):
        await self._lock.acquire()
        try:
            self._route()
            shot = await self._part.capture(budget_bytes, region)
        except BaseException:
            self._lock.release()
            raise
        shot.closed = self._lock.release
        return shot

    async def _with(self, call):
        async with self._lock:
            self._route()
            return await call()
