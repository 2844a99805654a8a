# What of a distance to water can be true: it moves no faster than water does, and never stands
# still to the mm.
# SPDX-License-Identifier: Apache-2.0
import time

from protocols.compat import const

from .errors import SensorError

_SPARE_MM = const(50)  # waves, between two readings
# Hypotheses: a flash flood rises by a metre in a minute. What is faster is a spider, a boat or a
# double echo, unless it stays for so long.
_RISE_MM_S = const(20)
_DOUBT_MS = const(30000)
# Where nobody looked for longer, water may have gone far, and so may a boat: a doubt tells.
_UNSEEN_MS = const(10000)
# Air that warms and cools moves every echo by some mm in a day: one that stays the same to the mm
# does not come from water.
_FROZEN_MS = const(86400000)


class Surface:
    # freezes: a value that stays the same for a day comes from no water.
    def __init__(self, rise_mm_s=None, freezes=True):
        self._rise_mm_s = _RISE_MM_S if rise_mm_s is None else rise_mm_s
        self._freezes = freezes
        self._last_mm = self._last_ms = None  # the last distance that was believed, and when
        self._doubt_mm = self._doubt_ms = None  # another one, which may be true
        self._doubt_since_ms = None
        self._still_ms = 0  # for so long it was the same

    # Raises for what cannot be the water. A jump that lasts is believed: a gate was opened, or
    # what was believed before was wrong.
    def judge(self, mm):
        now_ms = time.ticks_ms()
        if self._last_mm is None:
            self._believe(mm, now_ms)
            return
        passed_ms = min(time.ticks_diff(now_ms, self._last_ms), _UNSEEN_MS)
        if self._fits(mm, self._last_mm, passed_ms):
            self._believe(mm, now_ms)
            return
        if self._doubt_mm is None or not self._fits(
            mm, self._doubt_mm, time.ticks_diff(now_ms, self._doubt_ms)
        ):
            self._doubt_since_ms = now_ms
        self._doubt_mm, self._doubt_ms = mm, now_ms
        if time.ticks_diff(now_ms, self._doubt_since_ms) < _DOUBT_MS:
            raise SensorError("sensor_range", "%d mm after %d mm" % (mm, self._last_mm))
        self._believe(mm, now_ms)

    def _fits(self, mm, before_mm, passed_ms):
        return abs(mm - before_mm) <= _SPARE_MM + self._rise_mm_s * passed_ms // 1000

    def _believe(self, mm, now_ms):
        if mm == self._last_mm:
            self._still_ms = min(
                self._still_ms + time.ticks_diff(now_ms, self._last_ms), _FROZEN_MS
            )
        else:
            self._still_ms = 0
        self._last_mm, self._last_ms, self._doubt_mm = mm, now_ms, None
        if self._freezes and self._still_ms >= _FROZEN_MS:
            raise SensorError("sensor_range", "%d mm for a whole day" % mm)

    # Over a deep sleep, in which ticks begin anew: how long ago each was.
    def keep(self):
        now_ms, ages = time.ticks_ms(), []
        for then_ms in (self._last_ms, self._doubt_ms, self._doubt_since_ms):
            ages.append(None if then_ms is None else time.ticks_diff(now_ms, then_ms))
        return [self._last_mm, self._doubt_mm, self._still_ms, ages]

    def resume(self, kept, passed_ms):
        self._last_mm, self._doubt_mm, self._still_ms, ages = kept
        now_ms, times = time.ticks_ms(), []
        for age_ms in ages:
            then_ms = None
            if age_ms is not None:  # no more than ticks can tell
                then_ms = time.ticks_add(now_ms, -min(age_ms + passed_ms, _FROZEN_MS))
            times.append(then_ms)
        self._last_ms, self._doubt_ms, self._doubt_since_ms = times
