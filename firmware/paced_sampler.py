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
            before = self._values()
            await self.round(t)
            values = self._values()
            if any([values[name] is None and before[name] is not None for name in values]):
                self.watch.doubt()
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

    # {channel: counts, None without a value that can be believed}
    def _values(self):
        last = [(name, self.last.get(name)) for name in self.watch.names]
        return {name: each[0] if each and each[1] == NORMAL else None for name, each in last}


def _after(now, interval_s):
    return (now // interval_s + 1) * interval_s
