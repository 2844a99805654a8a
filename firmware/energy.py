# Where the energy goes: how long the chip, the radio, the camera and each supply were on.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

# Of Ledger.counts: milliseconds, and then numbers.
_LIGHT = const(0)
_DEEP = const(1)
_TX = const(2)
_ACTIVE = const(3)
_IDLE = const(4)
_CAMERA = const(5)
_SLEEPS = const(6)
_BYTES = const(7)
_WAKES = const(8)
_COUNTS = const(9)


class Ledger:
    # It listens in on what is asked of the carrier. Whoever sleeps, films or tells counts here.
    # reachable_ms: so long a modem that was let go can be reached before it sleeps, T3324.
    def __init__(self, clock, carrier, rails, reachable_ms):
        self.counts = [0] * _COUNTS
        self.on_ms = dict.fromkeys(rails, 0)
        self.since_ms = 0  # uptime; what was told before is no longer in it
        self.closed_ms = None  # when the modem was let go, until that is counted
        self.day = 0  # of the uptime, for which it was told last
        self._clock = clock
        self._rails = rails
        self._reachable_ms = reachable_ms
        self._open, self._send, self._close = carrier.open, carrier.send, carrier.close
        carrier.open, carrier.send, carrier.close = self.open, self.send, self.close

    def now_ms(self):
        return self._clock.uptime_s() * 1000 + self._clock.rest_ms

    # Brings up to date what is counted when it ends. `ends`: the radio is needed again.
    def settle(self, ends=False):
        for name, rail in self._rails.items():
            self.on_ms[name] += rail.take_ms()
        if self.closed_ms is not None:
            idle_ms = self.now_ms() - self.closed_ms
            if ends or idle_ms >= self._reachable_ms:
                self.counts[_IDLE] += min(idle_ms, self._reachable_ms)
                self.closed_ms = None

    async def open(self):
        self.settle(True)
        self.counts[_WAKES] += 1
        self.counts[_ACTIVE] -= self.now_ms()
        await self._open()

    async def send(self, datagram, last):
        self.counts[_BYTES] += len(datagram)
        begun_ms = self.now_ms()
        try:
            await self._send(datagram, last)
        finally:
            begun_ms -= self.now_ms()
            self.counts[_TX] -= begun_ms
            self.counts[_ACTIVE] += begun_ms

    async def close(self):
        try:
            await self._close()
        finally:
            self.closed_ms = self.now_ms()
            self.counts[_ACTIVE] += self.closed_ms
