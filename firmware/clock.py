# Trusted time: whole seconds since 2024-01-01 UTC, where they came from, and the uptime.
# SPDX-License-Identifier: Apache-2.0
import time

import machine
from protocols.compat import const

# From worst to best. A source never overrides a better one: the modem's idea of UTC differs between
# vendor firmwares, the server's does not.
SOURCES = ("none", "modem", "server")
_JUMP_S = const(2)
_MAGIC = b"fb1"  # in RTC memory, followed by the source: the RTC was set by us and runs since


class Clock:
    def __init__(self, counters):
        self._counters = counters
        self._ticks = time.ticks_ms()
        self._rest_ms = 0
        self._uptime_s = 0
        self._offset_s = 0  # now = offset + uptime
        self._last = 0
        self._rank = 0
        self.jumps = 0  # changes whenever times before and after do not compare
        self._rtc = machine.RTC()
        self._recover()

    @property
    def source(self):
        return SOURCES[self._rank]

    @property
    def synced(self):
        return self._rank > 0

    # Ticks wrap at 2^30 ms (12.4 days) and compare over half of that: ask at least once a day.
    def uptime_s(self):
        ticks = time.ticks_ms()
        passed = time.ticks_diff(ticks, self._ticks) + self._rest_ms
        self._ticks = ticks
        self._uptime_s += passed // 1000
        self._rest_ms = passed % 1000
        return self._uptime_s

    # Before the first set() this is the uptime. Small corrections backwards hold it still, so that
    # it never runs backwards except in a counted jump.
    def now(self):
        t = self._offset_s + self.uptime_s()
        if t > self._last:
            self._last = t
        return self._last

    # Returns whether the time was taken.
    def set(self, t, source):
        rank = SOURCES.index(source)
        if rank < self._rank or t < 0:
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

    def _keep(self, t):
        days, second = divmod(t, 86400)
        year, month, day = _civil(days)
        weekday = days % 7  # 2024-01-01 was a Monday
        hour, minute = second // 3600, second // 60 % 60
        self._rtc.datetime((year, month, day, weekday, hour, minute, second % 60, 0))
        self._rtc.memory(_MAGIC + bytes((self._rank,)))

    # The RTC runs on through every reset but the loss of power.
    def _recover(self):
        memory = bytes(self._rtc.memory())
        if memory[:3] != _MAGIC or not 0 < memory[3] < len(SOURCES):
            return
        year, month, day, _, hour, minute, second, _ = self._rtc.datetime()
        if year >= 2024:
            self._rank = memory[3]
            self._offset_s = seconds_since_2024(year, month, day, hour, minute, second)


def _is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month_days(year, month):
    if month == 2:
        return 29 if _is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _civil(days):
    year, month = 2024, 1
    while days >= (366 if _is_leap(year) else 365):
        days -= 366 if _is_leap(year) else 365
        year += 1
    while days >= _month_days(year, month):
        days -= _month_days(year, month)
        month += 1
    return year, month, days + 1


def seconds_since_2024(year, month, day, hour, minute, second):
    days = sum(366 if _is_leap(y) else 365 for y in range(2024, year))
    days += sum(_month_days(year, m) for m in range(1, month)) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second
