# A rain gauge that also says how much fell in the last five minutes, the last hour and this day.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const
from protocols.rain import Sums

# In the store of the gauge: number of the day, the count at its start.
_DAY = const("rain_day")
_BASE = const("rain_base")


class RainSums:
    # part: the gauge, whose first channel is a count that only grows.
    def __init__(self, part, clock, day_start_s):
        name, unit, scale = part.CHANNELS[0]
        self.CHANNELS = (
            (name, unit, scale),
            ("last_5min", unit, scale),
            ("last_hour", unit, scale),
            ("day", unit, scale),
        )
        self._part = part
        self._clock = clock
        self._sums = Sums(day_start_s)
        base = part.store.get(_BASE)
        if base is not None:  # a reset does not end the day
            self._sums.day, self._sums.day_base = part.store.get(_DAY), base

    # All else is the gauge's.
    def __getattr__(self, name):
        return getattr(self._part, name)

    async def probe(self):
        await self._part.probe()

    async def read(self):
        count = (await self._part.read())[0]
        clock, sums, day = self._clock, self._sums, self._sums.day
        found = sums.add(clock.uptime_s(), clock.now() if clock.synced else None, count)
        if sums.day != day:
            self._keep_day()
        return (count,) + found

    # The base first: a cut between the two costs at most what fell since the day began.
    def _keep_day(self):
        try:
            self._part.store.put(_BASE, self._sums.day_base)
            self._part.store.put(_DAY, self._sums.day)
        except OSError:
            pass  # only a reset would miss it

    def keep(self):
        return self._sums.keep()

    def resume(self, kept, _passed_ms):
        self._sums.resume(kept)
