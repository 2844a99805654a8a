# Supplies that a pin switches: on while somebody uses one, off when the last one has left.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time


class Rail:
    # pin: an output, 1 is on. Whoever enters waits until what hangs on it answers:
    #   async with rail: ...
    def __init__(self, pin, settle_ms):
        self.users = 0
        self.starts = 0  # how often it was switched on: what hung on it has forgotten all
        self._pin = pin
        self._settle_ms = settle_ms
        self._settled_ms = time.ticks_ms()  # it will have, then
        self._since_ms = time.ticks_ms()  # from here on it was not yet counted
        self._on_ms = 0  # what was counted

    async def __aenter__(self):
        self.users += 1
        if self.users == 1:
            self._pin.value(1)
            self.starts += 1
            self._since_ms = time.ticks_ms()
            self._settled_ms = time.ticks_add(self._since_ms, self._settle_ms)
        try:
            left_ms = time.ticks_diff(self._settled_ms, time.ticks_ms())
            if left_ms > 0:
                await asyncio.sleep_ms(left_ms)
        except BaseException:  # whoever is cancelled here never gets to __aexit__
            self.leave()
            raise
        return self

    async def __aexit__(self, *args):
        self.leave()

    def leave(self):
        self.users -= 1
        if not self.users:
            self._pin.value(0)
            self._count()

    # How long it was on since this was asked last.
    def take_ms(self):
        if self.users:
            self._count()
        on_ms, self._on_ms = self._on_ms, 0
        return on_ms

    def _count(self):
        now_ms = time.ticks_ms()
        self._on_ms += time.ticks_diff(now_ms, self._since_ms)
        self._since_ms = now_ms


class Supplied:
    # Stands for a part that hangs on a rail, which is on while the part is asked.
    def __init__(self, part, rail):
        self._part = part
        self._rail = rail
        self._start = None  # of the rail, when the part was probed
        self.CHANNELS = part.CHANNELS

    # All else is the part's.
    def __getattr__(self, name):
        return getattr(self._part, name)

    async def probe(self):
        async with self._rail:
            await self._probe()

    async def read(self):
        async with self._rail:
            await self._ready()
            return await self._part.read()

    # On until the picture is closed.
    async def capture(self, budget_bytes, region=None):
        await self._rail.__aenter__()
        try:
            await self._ready()
            shot = await self._part.capture(budget_bytes, region)
        except BaseException:
            self._rail.leave()
            raise
        closed = shot.closed  # whoever else waits for it

        def leave():
            if closed:
                closed()
            self._rail.leave()

        shot.closed = leave
        return shot

    # A part that was without its supply is a new one.
    async def _ready(self):
        if self._start != self._rail.starts:
            await self._probe()

    async def _probe(self):
        self._start = None
        await self._part.probe()
        self._start = self._rail.starts
