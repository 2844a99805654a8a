# A motor between two ends, with a relay for each way: roof, vent, screen.
# SPDX-License-Identifier: Apache-2.0
#
# Both relays at once join two phases, or reverse a running motor against its inertia. So the other
# relay is let go before one closes, and between them is the dead time, whatever this is told and
# in what order. (In the cabinet the contactors lock each other as well.)
import time

from protocols import travel
from protocols.compat import const

from .output import Output

_WHOLE = const(100)
_TEND_MS = const(100)  # of a second of travel 10 %, of two minutes a thousandth


class TwoRelayMotor(Output):
    GRADUAL = True

    # open, close: outputs; active: their level that closes a relay. stops: (open, closed), each
    # tells whether the end stop is reached, or is None.
    def __init__(self, open, close, travel_ms, dead_ms, active=1, stops=(None, None)):
        self._open = open
        self._close = close
        self._active = active
        self._stops = stops
        self._levels = [False, False]
        self._dead_ms = dead_ms
        self._travel = travel.Travel(travel_ms, dead_ms)
        self._direction = 0
        self._ms = 0  # never wraps, which ticks do: tend() is called once an hour at least
        self._ticks = time.ticks_ms()
        self._rested_ms = 0  # when the relays were let go last: it may be that a reset did so

    # Where it is, None while nobody knows.
    async def read(self):
        return (self._travel.position,)

    async def put(self, value):
        self.lost = self._travel.lost = False  # whoever told it again wants it tried again
        self._travel.home = travel.OPEN if 2 * self.safe > _WHOLE else travel.CLOSE
        self._travel.go(value)
        self.value = value
        self.tend()

    def tend(self):
        now_ms, levels, motor = self._now_ms(), self._levels, self._travel
        if not self._direction and not motor.direction and not motor.waits:
            return 0
        for n in range(2):
            stop = self._stops[n]
            levels[n] = stop and bool(stop())
        self._drive(motor.step(now_ms, levels))
        self.lost = self._travel.lost
        return _TEND_MS if self._direction or self._travel.waits else 0

    # It stays where it is; by hand it may be moved from there, so that nobody knows any more.
    def off(self):
        self._drive(0)
        self._travel.halt(self._now_ms())
        self._travel.position = None
        self._travel.go(None)
        self.lost = self._travel.lost = False  # whoever called this knows
        self.value = 0

    def _now_ms(self):
        ticks = time.ticks_ms()
        self._ms += time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._ms

    def _drive(self, direction):
        if self._direction and direction != self._direction:
            self._let_go()
            self._rested_ms = self._now_ms()
            self._direction = 0
        if not direction:
            self._let_go()
        elif not self._direction and self._has_rested():
            self._let_go()
            own = self._open if direction == travel.OPEN else self._close
            own.value(self._active)
            self._direction = direction

    def _let_go(self):
        self._open.value(1 - self._active)
        self._close.value(1 - self._active)

    def _has_rested(self):
        return self._now_ms() - self._rested_ms >= self._dead_ms
