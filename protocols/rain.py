# Sums of rain out of a count that only grows: of the last five minutes, of the hour, of the day.
# SPDX-License-Identifier: Apache-2.0
#
# The first two go by the uptime, which never jumps. They hold what fell since the unit runs where
# that is less, and after a time without readings as well: nobody knows when it fell. A day begins
# at an hour that the hydrologists of the place have agreed on; what fell between the last reading
# before that and the first one after it belongs to the new day. Until the clock is set, and
# when it is set, the day goes on.
from .compat import const
from .window import Window

_SHORT_S = const(300)
_HOUR_S = const(3600)
_DAY_S = const(86400)
# A count that begins anew is near 0. Hypothesis: one that has gone back to anything above this
# comes of a store that was damaged, or of another gauge.
_FRESH = const(100)


class Sums:
    # day_start_s: from midnight UTC to the start of a day.
    def __init__(self, day_start_s=0):
        self._start_s = day_start_s
        self._count = None  # at the last reading
        self.total = 0  # what fell since this object was made, on top of the first count
        self.day = None  # number of the day, None until the clock was set
        self.day_base = 0  # total at its start
        self._short = Window(_SHORT_S)
        self._hour = Window(_HOUR_S)

    # t: s since 2024, None while the clock is not set -> the three sums, in units of the count
    def add(self, uptime_s, t, count):
        before = count if self._count is None else self.total
        self._count_on(count)
        if t is not None:
            self._turn((t - self._start_s) // _DAY_S, before)
        short = self.total - self._short.add(uptime_s, self.total)[1]
        hour = self.total - self._hour.add(uptime_s, self.total)[1]
        return short, hour, self.total - self.day_base

    def _count_on(self, count):
        last, self._count = self._count, count
        if last is None:
            self.total = count
            if self.day is None or self.day_base > count:
                self.day_base = count
        elif count >= last:
            self.total += count - last
        elif count <= _FRESH:
            self.total += count

    # A clock that is set back over midnight does not end the day twice; one that was wrong by days
    # leaves the sum as it is.
    def _turn(self, day, before):
        if self.day is not None and day > self.day:
            self.day_base = before
        if self.day is None or day > self.day or day < self.day - 1:
            self.day = day

    # --- over a deep sleep

    def keep(self):
        own = [self._count, self.total, self.day, self.day_base]
        return own + [self._short.marks, self._hour.marks]

    def resume(self, kept):
        self._count, self.total, self.day, self.day_base = kept[:4]
        self._short.marks, self._hour.marks = kept[4:]
