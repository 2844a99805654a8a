# select.poll over what the bench feeds (UARTs, the console); files and sockets go to the original.
# SPDX-License-Identifier: Apache-2.0
import _link
import uselect as _unix
from micropython import const
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT  # noqa: F401

_LEAD_US = const(1000)  # how far the board may run on before it must let the bench look


class poll:
    def __init__(self):
        self._map = {}  # id -> (object, events)
        self._real = None

    def register(self, obj, events=POLLIN | POLLOUT):
        if hasattr(obj, "wait_mask"):
            self._map[id(obj)] = (obj, events)
        else:
            if self._real is None:
                self._real = _unix.poll()
            self._real.register(obj, events)

    def modify(self, obj, events):
        if id(obj) in self._map:
            self._map[id(obj)] = (obj, events)
        else:
            self._real.modify(obj, events)

    def unregister(self, obj):
        if self._map.pop(id(obj), None) is None and self._real:
            self._real.unregister(obj)

    def poll(self, timeout_ms=-1):
        if self._real and not self._map:
            return self._real.poll(timeout_ms)
        ready = []
        mask = 0
        for obj, events in self._map.values():
            now = events & POLLOUT  # an ESP32's buffers always take something
            if events & POLLIN:
                if obj.buffered():
                    now |= POLLIN
                else:
                    mask |= obj.wait_mask
            if now:
                ready.append((obj, now))
        if ready or (timeout_ms == 0 and _link.now - _link.told < _LEAD_US):
            return ready
        if self._real:
            return self._both(timeout_ms, mask)
        if timeout_ms < 0:
            return self._ready(_link.wait(_link.FOREVER, mask))
        return self._ready(_link.wait(_link.now + timeout_ms * 1000, mask))

    ipoll = poll

    def _ready(self, mask):
        return [(obj, POLLIN) for obj, events in self._map.values() if obj.wait_mask & mask]

    def _both(self, timeout_ms, mask):
        # At the REPL a program may wait for the terminal and for a UART: look at each in turn.
        end = _link.now + timeout_ms * 1000
        while True:
            ready = self._real.poll(5) or self._ready(_link.wait(_link.now, mask))
            if ready or 0 <= timeout_ms and _link.now >= end:
                return ready
