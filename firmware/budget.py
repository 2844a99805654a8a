# Bytes that may be sent in a day of the uptime; a reset begins a new one.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_DAY_S = const(86400)


class Budget:
    def __init__(self, clock, bytes_day):
        self._clock = clock
        self._bytes_day = bytes_day
        self.day = 0
        self.spent = 0

    def spend(self, size):
        self.spent += size

    def affords(self, size):
        day = self._clock.uptime_s() // _DAY_S
        if day != self.day:
            self.day, self.spent = day, 0
        return self.spent + size <= self._bytes_day
