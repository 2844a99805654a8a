# A tipping bucket with a reed contact: a closing after a rest is a tip, whatever bounces after it.
# SPDX-License-Identifier: Apache-2.0
import time

from protocols.compat import const

from .errors import SensorError

_NAME = const("rain")  # in the store
# Hypotheses. A bucket passes its magnet in 100 ms; one that has stopped there is blocked. More
# edges than these a tip are a worn contact, or a cable that hums.
_STUCK_MS = const(10000)
_BOUNCES = const(30)
_LOOK_MS = const(1000)  # who reads again within it gets the same answer


class RainGauge:
    CHANNELS = (("rain", "mm", 10),)  # since the unit was provisioned; it never runs backwards

    # pin: gives `irq`; active: its level while the contact is closed. store: get(name) gives what
    # put(name, value) was given last, also after a sleep, a reset or a loss of power.
    def __init__(self, pin, store, tip_um=200, active=0, debounce_ms=100):
        self._pin = pin
        self.store = store
        self._tip_um = tip_um
        self._active = active
        self._debounce_ms = debounce_ms
        self.tips = store.get(_NAME) or 0
        self._closed = self._is_closed()
        # None: it rests for longer than any debouncing, or than ticks can tell.
        self._changed_ms = time.ticks_ms() if self._closed else None
        self._bounces = 0  # since it was looked at last
        self._tips_seen = self.tips
        self._looked_ms = time.ticks_ms()
        self._hums = ""
        pin.irq(self._edge, pin.IRQ_RISING | pin.IRQ_FALLING)

    # The contact has woken the chip: that edge came while there was no program to see it.
    def woke(self):
        self._count()
        self._closed, self._changed_ms = self._is_closed(), time.ticks_ms()

    async def probe(self):
        self._pin.irq(self._edge, self._pin.IRQ_RISING | self._pin.IRQ_FALLING)

    async def read(self):
        self._look()
        rested_ms = self._rested_ms()
        if self._closed and (rested_ms is None or rested_ms >= _STUCK_MS):
            raise SensorError("sensor_range", "the contact stays closed: see to the bucket")
        if self._hums:
            raise SensorError("sensor_range", self._hums)
        return (self.tips * self._tip_um // 100,)

    def _look(self):
        now_ms = time.ticks_ms()
        if time.ticks_diff(now_ms, self._looked_ms) < _LOOK_MS:
            return
        bounces, tips = self._bounces, self.tips - self._tips_seen
        self._bounces, self._tips_seen, self._looked_ms = 0, self.tips, now_ms
        self._hums = ""
        if bounces > _BOUNCES * (tips + 1):
            self._hums = "%d bounces in %d tips" % (bounces, tips)

    # On an ESP32 this runs some time after the edge, and the level may be another one by then. But
    # the first edge after a rest in the open state is a closing all the same.
    def _edge(self, pin):
        rested_ms = self._rested_ms()
        rests = rested_ms is None or rested_ms >= self._debounce_ms
        if rests and not self._closed:
            self._count()
        elif not rests:
            self._bounces += 1
        self._closed = self._is_closed()
        self._changed_ms = time.ticks_ms()

    def _count(self):
        self.tips += 1
        try:
            self.store.put(_NAME, self.tips)
        except OSError:
            pass  # with the next one

    def _is_closed(self):
        return self._pin.value() == self._active

    # How long ago the last edge was. Ticks compare over six days: asked with each sample, a longer
    # rest is noticed before.
    def _rested_ms(self):
        if self._changed_ms is None:
            return None
        rested_ms = time.ticks_diff(time.ticks_ms(), self._changed_ms)
        if rested_ms >= 2 * _STUCK_MS:
            self._changed_ms = None
            return None
        return rested_ms
