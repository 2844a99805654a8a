# A sampler that follows the water: its rounds come faster while there is much to see, and between
# two of them it looks at what alarms are about, without a report of it.
# SPDX-License-Identifier: Apache-2.0
from protocols.schema import NORMAL

from .watched_sampler import WatchedSampler


class PacedSampler(WatchedSampler):
    def follow(self, watch):
        self.watch = watch

    # All times are multiples of an interval, as those of any sampler.
    async def run(self, beat):
        while True:
            due, t = self._next()
            if await self._clock.until(t, beat):
                await self.step(due, t)

    async def step(self, due, t):
        if t == due:
            await self.round(t)
            values = {name: self._believed(name) for name in self.watch.names}
        else:
            values = await self.look(self.watch.names)
        self.watch.update(values)

    # -> when the next round is due, and when to look
    def _next(self):
        now, pace = self._clock.now(), self.watch.pace
        if not self.watch.is_fast:
            t = _after(now, self.interval_s)
            return t, t
        t = min(_after(now, pace["interval_s"]), _after(now, self.interval_s))
        return t, min(t, _after(now, pace["look_s"]))

    def _believed(self, name):
        value, quality, _ = self.last[name]
        return value if quality == NORMAL else None


def _after(now, interval_s):
    return (now // interval_s + 1) * interval_s
