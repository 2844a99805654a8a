# A water meter or a flow sensor with pulses: litres since the unit was provisioned, and the flow.
# SPDX-License-Identifier: Apache-2.0
import time

from protocols.compat import const

from .errors import SensorError

_NAME = const("flow")  # in the store
_LOOK_MS = const(1000)  # who reads again within it gets the same answer


# Counts the edges of a pin. An ESP32 keeps eight of its calls waiting: at 200 pulses/s a pause of
# the program of 40 ms loses some, so that a counter of the chip is better where there is one.
class Pulses:
    def __init__(self, pin, active=0):
        self._count = 0
        pin.irq(self._edge, pin.IRQ_RISING if active else pin.IRQ_FALLING)

    def _edge(self, pin):
        self._count += 1

    def value(self):
        return self._count


class FlowMeter:
    CHANNELS = (("volume", "l", 10), ("flow", "l/min", 100))  # the volume never runs backwards

    # counter: its value() is the pulses since the start. store: get(name) gives what put(name,
    # value) was given last, also after a reset or a loss of power. A sensor has hundreds of pulses
    # a litre, so the store gets tenths of a litre, once a reading: what came since the last one is
    # lost with the power. most_l_min: what is faster is a cable that hums.
    def __init__(self, counter, store, pulses_per_l, most_l_min=1000):
        self._counter = counter
        self.store = store
        self._per_l = pulses_per_l
        self._most = most_l_min * 100
        self._stored = store.get(_NAME) or 0  # tenths of a litre
        self._begin = self._stored  # those that the pulses below do not count
        self._first = self._seen = counter.value()
        self._looked_ms = time.ticks_ms()
        self._flow = 0

    async def probe(self):
        pass  # one that is unplugged gives no pulses, as when no water flows: nobody can tell

    async def read(self):
        pulses, now_ms = self._counter.value(), time.ticks_ms()
        passed_ms = time.ticks_diff(now_ms, self._looked_ms)
        if passed_ms >= _LOOK_MS:
            count, self._seen, self._looked_ms = pulses - self._seen, pulses, now_ms
            unit = self._per_l * passed_ms
            self._flow = (count * 6000000 + unit // 2) // unit
            self._keep(self._begin + (pulses - self._first) * 10 // self._per_l)
        if self._flow > self._most:
            raise SensorError("sensor_range", "%d / 100 l/min: the cable hums" % self._flow)
        return self._stored, self._flow

    def _keep(self, tenths):
        if tenths == self._stored:
            return
        self._stored = tenths
        try:
            self.store.put(_NAME, tenths)
        except OSError:
            pass  # with the next one
