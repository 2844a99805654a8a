# Steps the actuators of actuator.py.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

# As in actuator.py, whose names would take heap; a test compares them.
_ASKED = const(0)
_LEASE = const(1)
_SWITCH = const(2)
_INTERLOCK = const(3)
_FAULT = const(4)
_MAX_RUN = const(5)
_MIN_PAUSE = const(6)
_MAX_DAY = const(7)
_NEEDS = const(8)

_DAY_S = const(86400)


class Actuator:
    # max_run_s, min_pause_s, max_day_s: 0 is no limit. needs: indexes of others, below its own.
    # spent_s: what it ran today before a reset.
    def __init__(self, safe, lease_s, max_run_s, min_pause_s, max_day_s, needs, now_s, spent_s=0):
        self.safe = safe
        self.lease_s = lease_s
        self.needs = needs
        self.value = 0
        self.blocked = 0
        self.why = _LEASE
        self.spent_s = spent_s
        self._max_run_s = max_run_s
        self._min_pause_s = min_pause_s
        self._max_day_s = max_day_s
        self._wanted = safe
        self._until_s = now_s
        self._since_s = now_s  # running or at rest
        self._counted_s = now_s

    # lease_s: of a person's order, else its own.
    def ask(self, value, now_s, lease_s=0):
        self._wanted = value
        self._until_s = now_s + (lease_s or self.lease_s)

    # How long what it does may go on if nobody asks or counts any more.
    def left_s(self, now_s):
        left_s = _DAY_S if self.safe else self._until_s - now_s
        if self._max_run_s:
            left_s = min(left_s, self._since_s + self._max_run_s - now_s)
        if self._max_day_s:
            left_s = min(left_s, self._max_day_s - self.spent_s - now_s + self._counted_s)
        return left_s

    # Whether it does what its value says: what is behind a slow line will.
    def settled(self):
        return True

    def new_day(self):
        self.spent_s = 0

    # -> the value that it may have now
    def next(self, now_s, blocked):
        if self.value:
            self.spent_s += now_s - self._counted_s
        self._counted_s = now_s
        wanted, why = self._wanted, _ASKED
        if now_s >= self._until_s:
            wanted, why = self.safe, _LEASE
        if blocked:
            wanted, why = 0, blocked
        elif wanted:
            limit = self._limit(now_s - self._since_s)
            if limit:
                wanted, why = 0, limit
        self.why = why
        return wanted

    def _limit(self, for_s):
        if self._max_day_s and self.spent_s >= self._max_day_s:
            return _MAX_DAY
        if not self.value:
            return _MIN_PAUSE if for_s < self._min_pause_s else 0
        return _MAX_RUN if self._max_run_s and for_s >= self._max_run_s else 0

    def put(self, value, now_s):
        if bool(value) != bool(self.value):
            self._since_s = now_s
        self.value = value

    # It came to rest only now, since its line was busy: its pause begins.
    def rests(self, now_s):
        if not self.value:
            self._since_s = now_s


# -> how many change now. What needs another one starts a step after that one has, and the other
# stops a step after it has; a block (`blocked` of each: _SWITCH, _FAULT, _INTERLOCK or 0) waits
# for nobody. It is called each second, so it makes no lists.
def step(actuators, now_s):
    for each in actuators:
        each._wish = each.next(now_s, each.blocked)
    for each in actuators:
        for other in each.needs:
            needed = actuators[other]
            runs = needed._wish and needed.value and (each.value or needed.settled())
            if each._wish and not runs:
                each._wish = 0
                each.why = _NEEDS
    for each in actuators:
        if each.value or not (each.settled() or each.blocked):
            for other in each.needs:
                needed = actuators[other]
                if not needed._wish and not needed.blocked:
                    needed._wish = needed.value
    changes = 0
    for each in actuators:
        if each._wish != each.value:
            each.put(each._wish, now_s)
            changes += 1
    return changes
