# select.poll over what the bench feeds (UARTs, sockets, the console) and empties (I2S); files go
# to the original.
# SPDX-License-Identifier: Apache-2.0
import _link
import uselect as _unix
from micropython import const
from uselect import POLLERR, POLLHUP, POLLIN, POLLOUT  # noqa: F401

_FOREVER = const(-1)
_LEAD_US = const(1000)
_ROOM_BITS = const(0x6000)  # what has them in its mask is not always ready for writing: I2S


class poll:
    # What the bench feeds is kept in lists of one order, so that a look takes no heap: on a chip
    # it takes none either.
    def __init__(self):
        self._objects = []
        self._events = []
        self._mask = 0  # of what to wait for
        self._writes = 0  # of what is asked for POLLOUT
        self._real = None

    def register(self, obj, events=POLLIN | POLLOUT):
        if not hasattr(obj, "wait_mask"):
            if self._real is None:
                self._real = _unix.poll()
            self._real.register(obj, events)
        elif obj in self._objects:
            self.modify(obj, events)
        else:
            self._objects.append(obj)
            self._events.append(events)
            self._sum_up()

    def modify(self, obj, events):
        if obj in self._objects:
            self._events[self._objects.index(obj)] = events
            self._sum_up()
        else:
            self._real.modify(obj, events)

    def unregister(self, obj):
        if obj in self._objects:
            self._events.pop(self._objects.index(obj))
            self._objects.remove(obj)
            self._sum_up()
        elif self._real and not hasattr(obj, "wait_mask"):
            self._real.unregister(obj)

    def _sum_up(self):
        self._mask = self._writes = 0
        for obj, events in zip(self._objects, self._events):
            mask = obj.wait_mask
            if not mask & _ROOM_BITS:
                self._writes |= events & POLLOUT
            if events & (POLLOUT if mask & _ROOM_BITS else POLLIN):
                self._mask |= mask

    def poll(self, timeout_ms=-1):
        if self._real and not self._objects:
            return self._real.poll(timeout_ms)
        if self._writes or self._buffered():
            return self._at_once()
        if timeout_ms == 0 and _link.now - _link.told < _LEAD_US:
            return ()
        if self._real:
            return self._both(timeout_ms)
        timeout_ms = _FOREVER if timeout_ms < 0 else _link.now + timeout_ms * 1000
        if _link.wait(timeout_ms, self._mask):
            return self._ready(_link._in[2])
        return ()

    ipoll = poll

    def _buffered(self):
        for obj in self._objects:
            if obj.buffered():
                return True
        return False

    def _at_once(self):
        # An ESP32's buffers always take something, but for those of I2S.
        ready = []
        for obj, events in zip(self._objects, self._events):
            now = events & POLLOUT
            if obj.wait_mask & _ROOM_BITS & ~_link.inputs:
                continue
            if events & POLLIN and obj.buffered():
                now |= POLLIN
            if now:
                ready.append((obj, now))
        return ready

    def _ready(self, mask):
        ready = []
        for obj, events in zip(self._objects, self._events):
            if obj.wait_mask & mask:
                if obj.wait_mask & _ROOM_BITS:
                    ready.append((obj, POLLOUT))
                elif events & POLLIN:
                    ready.append((obj, POLLIN))
        return ready

    def _both(self, timeout_ms):
        # At the REPL a program may wait for the terminal and for a UART: look at each in turn.
        end = _link.now + timeout_ms * 1000
        while True:
            ready = self._real.poll(5) or self._ready(_link.wait(_link.now, self._mask))
            if ready or 0 <= timeout_ms and _link.now >= end:
                return ready
