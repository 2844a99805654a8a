# Where a motor between two ends is, by the time that it ran: roofs, vents, screens.
# SPDX-License-Identifier: Apache-2.0
#
# It says which way to run; never both, and between two directions it rests for the dead time. The
# position is a guess that gets worse with each run: at an end the motor runs on by a tenth, or
# until its end stop says so, and then it is known again. After a start it is not known at all, so
# the first run is all the way to an end: to where it is to be, or else to the safe one.
from .compat import const

OPEN = const(1)
CLOSE = const(-1)

_WHOLE = const(100)
_NEAR = const(2)  # per cent: no run for less


class Travel:
    # travel_ms: from end to end
    def __init__(self, travel_ms, dead_ms):
        self.direction = 0
        self.home = CLOSE  # which way the end is where it does no harm
        self.position = None  # per cent, once it is known
        self.lost = False  # an end stop that should have come did not
        self._travel_ms = travel_ms
        self._dead_ms = dead_ms
        self._target = None
        self._since_ms = 0  # its run, or its rest: before a start it may have run the other way
        self._from = 0  # where the run began

    # None: nowhere, it stays where it is.
    def go(self, target):
        self._target = target

    # Whether it would run if the dead time were over.
    @property
    def waits(self):
        return not self.direction and self._way() != 0

    # stops: (open, closed) as the end stops say, None where there is none -> direction
    def step(self, now_ms, stops=(None, None)):
        if self.direction:
            self._move(now_ms, stops)
        if not self.direction:
            self._start(now_ms, stops)
        return self.direction

    def halt(self, now_ms):
        if self.direction:
            self._stop(now_ms, self.position)

    # Which way it is to run, 0 if it is there.
    def _way(self):
        target, position = self._target, self.position
        if target is None or self.lost:
            return 0
        if position is None:
            return self.home if _is_between(target) else OPEN if target else CLOSE
        if target == position or (_is_between(target) and abs(target - position) < _NEAR):
            return 0
        return OPEN if target > position else CLOSE

    def _start(self, now_ms, stops):
        position, direction = self.position, self._way()
        if not direction:
            return
        if stops[0 if direction == OPEN else 1]:  # it stands there already
            self.position = _WHOLE if direction == OPEN else 0
            return
        if now_ms - self._since_ms >= self._dead_ms:
            self._from = position if position is not None else _WHOLE if direction < 0 else 0
            self._since_ms = now_ms
            self.direction = direction

    def _move(self, now_ms, stops):
        ran_ms = now_ms - self._since_ms
        moved = _WHOLE * ran_ms // self._travel_ms
        end = _WHOLE if self.direction == OPEN else 0
        stop = stops[0 if end else 1]
        if stop:
            self._stop(now_ms, end)
        elif self.position is None or self._target == end:  # the end makes it known
            longest_ms = self._travel_ms * abs(end - self._from) // _WHOLE + self._travel_ms // 10
            if ran_ms >= longest_ms:
                self.lost = stop is False
                self._stop(now_ms, None if self.lost else end)
            elif self.position is not None:
                self.position = _clip(self._from + self.direction * moved)
        else:
            self.position = _clip(self._from + self.direction * moved)
        if self.direction and not self._wants(end):
            self._stop(now_ms, self.position)

    # Whether it is to run on: there may be another target by now.
    def _wants(self, end):
        if self.position is None:
            return True
        left = (self._target - self.position) * self.direction
        return left > 0 or self._target == end

    def _stop(self, now_ms, position):
        self.direction = 0
        self._since_ms = now_ms
        self.position = position


def _is_between(target):
    return 0 < target < _WHOLE


def _clip(position):
    return min(max(position, 0), _WHOLE)
