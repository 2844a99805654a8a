# The world of the device models on a board: the board's own clock, events by asyncio.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time
from random import Random

_LONGEST_MS = 60_000  # ticks_us may be asked for 9 minutes; then it would run backwards


class Event:
    def __init__(self, at_us, call):
        self.at_us = at_us
        self.call = call

    def cancel(self):
        self.call = None


class World:
    def __init__(self, seed=1, utc_s=0):
        self.random = Random(seed)
        self._start_s = utc_s
        self._mark = (0, time.ticks_us())  # replaced as a whole: interrupts ask for the time, too
        self._queue = []
        self._changed = asyncio.Event()

    @property
    def now_us(self):
        us, ticks = self._mark
        return us + time.ticks_diff(time.ticks_us(), ticks)

    @property
    def utc_s(self):
        return self._start_s + self.now_us // 1_000_000

    def call_at(self, at_us, call):
        event = Event(at_us, call)
        queue = self._queue
        at = len(queue)
        while at and queue[at - 1].at_us > at_us:
            at -= 1
        queue.insert(at, event)
        if at == 0:
            self._changed.set()
        return event

    def call_after(self, delay_us, call):
        return self.call_at(self.now_us + delay_us, call)

    # Nobody draws a timeline of a board.
    def tell(self, *event):
        pass

    # Runs what is due; returns how many ms there are until the next event.
    def run_due(self):
        queue = self._queue
        while queue and queue[0].at_us <= self.now_us:
            call = queue.pop(0).call
            if call:
                call()
        if not queue:
            return _LONGEST_MS
        return min(max((queue[0].at_us - self.now_us + 999) // 1000, 0), _LONGEST_MS)

    async def run(self):
        while True:
            wait_ms = self.run_due()
            self._mark = (self.now_us, time.ticks_us())
            self._changed.clear()
            try:
                await asyncio.wait_for_ms(self._changed.wait(), wait_ms)
            except asyncio.TimeoutError:
                pass
