# Trusted time: whole seconds since 2024-01-01 UTC, where they came from, and the uptime.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

import machine

from protocols.compat import const

# From worst to best; a source never overrides a better one. The modem's idea of UTC differs
# between vendor firmwares, a laptop may be wrong, the server's time is the one that counts.
_SOURCES = const(("none", "modem", "console", "server"))
# 2024-01-01T00:00:00Z in the port's own time, which begins in 1970 or in 2000.
_EPOCH = int(time.mktime((2024, 1, 1, 0, 0, 0, 0, 1, 0)))
_JUMP_S = const(2)
_DAY_S = const(86400)
_END_DAY = const(27759)  # 2099 is over, as in civil.py: nobody means a later time
# Of a wait: how late a set clock is noticed, how often a task beats; two in the watchdog's time.
_SLICE_S = const(50)
# In RTC memory, followed by the source: the RTC was set by us and runs since. What stands behind
# those four bytes is for sleep_store.py.
_MAGIC = const(b"fb1")


class Clock:
    def __init__(self, counters):
        self._counters = counters
        self._ticks = time.ticks_ms()
        self.rest_ms = 0
        self._uptime_s = 0
        self._offset_s = 0  # now = offset + uptime
        self._last = 0
        self._rank = 0
        self.jumps = 0  # changes whenever times before and after do not compare
        self.rtc = machine.RTC()
        self._recover()

    @property
    def source(self):
        return _SOURCES[self._rank]

    @property
    def synced(self):
        return self._rank > 0

    # Ticks wrap at 2^30 ms (12.4 days) and compare over half of that: ask at least once a day.
    def uptime_s(self):
        ticks = time.ticks_ms()
        passed = time.ticks_diff(ticks, self._ticks) + self.rest_ms
        self._ticks = ticks
        self._uptime_s += passed // 1000
        self.rest_ms = passed % 1000
        return self._uptime_s

    # Before the first set() this is the uptime. Small corrections backwards hold it still, so that
    # it never runs backwards except in a counted jump.
    def now(self):
        t = self._offset_s + self.uptime_s()
        if t > self._last:
            self._last = t
        return self._last

    # Waits for a time, to the begin of its second, and calls beat() now and then. Returns False
    # when the clock was set meanwhile, so that t may mean another moment now.
    async def until(self, t, beat):
        jumps = self.jumps
        while jumps == self.jumps:
            beat()
            left_s = t - self.now()
            if left_s <= 0:
                return True
            await asyncio.sleep_ms(min(left_s * 1000 - self.rest_ms, self.slice_ms()))
        return False

    # To the next multiple of a slice of uptime, so that tasks that look around now and then do so
    # together: the processor sleeps longer in one piece.
    def slice_ms(self):
        return (_SLICE_S - self.uptime_s() % _SLICE_S) * 1000 - self.rest_ms

    # Returns whether the time was taken.
    def set(self, t, source):
        rank = _SOURCES.index(source)
        if rank < self._rank or not 0 <= t // _DAY_S < _END_DAY:
            return False
        off = t - (self._offset_s + self.uptime_s())
        first = not self._rank
        self._rank = rank
        self._offset_s += off
        if first or abs(off) > _JUMP_S:
            self._last = t
            self.jumps += 1
            if not first:
                self._counters.count("clock_jump")
        self._keep(t)
        return True

    # The RTC runs on through every reset but the loss of power.
    def _keep(self, t):
        year, month, day, hour, minute, second, weekday = time.gmtime(_EPOCH + t)[:7]
        self.rtc.datetime((year, month, day, weekday, hour, minute, second, 0))
        self.rtc.memory(_MAGIC + bytes((self._rank,)) + bytes(self.rtc.memory())[4:])

    def _recover(self):
        memory = bytes(self.rtc.memory())
        if len(memory) < 4 or memory[:3] != _MAGIC or not 0 < memory[3] < len(_SOURCES):
            return
        year, month, day, weekday, hour, minute, second, _ = self.rtc.datetime()
        now = time.mktime((year, month, day, hour, minute, second, weekday, 1, 0))
        if now >= _EPOCH:
            self._rank = memory[3]
            self._offset_s = int(now) - _EPOCH - self._uptime_s
