# Which of the alerts that a unit holds sounds now.
# SPDX-License-Identifier: Apache-2.0
#
# A higher class goes first, then a lower level number, then what came later. What is pre-empted
# begins again when it is its turn, if its window is still open; what comes too early is armed.
# Times are of a clock that never jumps.
#
# Each method returns what is to be done, in order: ("stop", id), ("play", id), ("resume", id) for
# what played before, and ("receipt", id, stage, reason). Every id that was submitted gets one
# receipt that is final. What has started is told by the player, who knows when it sounded.
from collections import namedtuple

from .command import EMERGENCY
from .compat import const
from .receipt import ACCEPTED, CANCELLED, DONE, INTERRUPTED, REFUSED, SILENT

HELD_MAX = const(16)
_ENDED_MAX = const(32)

# silent: a drill that takes its turn without a sound, and lets what plays play on
Request = namedtuple("Request", ("id", "cls", "level", "start_s", "end_s", "silent"))


class _Held:
    def __init__(self, request, order, started):
        self.request = request
        self.rank = (request.cls, -request.level, order)
        self.started = started


class Arbiter:
    def __init__(self):
        self._held = []  # the highest rank first
        self._playing = None
        self._ended = []  # ids
        self._count = 0
        self._settled_s = None
        self._actions = []

    def submit(self, request, now_s, started=False):
        # started: it played before a reset
        if self._find(request.id) is None and request.id not in self._ended:
            self._expire(now_s)
            self._count += 1
            held = _Held(request, self._count, started)
            self._insert(held)
            if request.end_s <= now_s:
                self._unheard(held, "cmd_expired")
            elif len(self._held) > HELD_MAX:
                self._unheard(self._held[-1], "preempted")
            if held in self._held and not started:
                self._receipt(held, ACCEPTED)
        return self.tick(now_s)

    def move(self, id, start_s, end_s):
        # The clock by which its window was made was wrong; tick() follows.
        held = self._find(id)
        if held is not None:
            _, cls, level, _, _, silent = held.request
            held.request = Request(id, cls, level, start_s, end_s, silent)

    def cancel(self, id, now_s, reason=None):
        self._expire(now_s)
        held = self._find(id)
        if held is not None:
            if held.started:
                self._close(held, INTERRUPTED, reason or "cancelled")
            else:
                self._close(held, CANCELLED, reason)
        return self.tick(now_s)

    def ended(self, id, now_s, ok=True, reason=None):
        # By itself, whole or not.
        held = self._playing
        if held is not None and held.request.id == id:
            self._playing = None
            self._close(held, DONE if ok else INTERRUPTED, reason)
        return self.tick(now_s)

    def tick(self, now_s):
        self._expire(now_s)
        best = self._best(now_s)
        while best is not None and best.request.silent:
            self._close(best, SILENT)
            best = self._best(now_s)
        if best is not self._playing:
            self._stop()
            self._playing = best
            if best is not None:
                self._actions.append(("resume" if best.started else "play", best.request.id))
                best.started = True
        self._settled_s = now_s
        actions = self._actions
        self._actions = []
        return actions

    def next_s(self):
        # When the next tick is due, or None.
        times = []
        for held in self._held:
            start_s = held.request.start_s
            times.append(held.request.end_s if start_s <= self._settled_s else start_s)
        return min(times) if times else None

    @property
    def playing(self):
        # -> the id whose turn it is, or None
        return self._playing.request.id if self._playing is not None else None

    def holds(self, id):
        return self._find(id) is not None

    def has_ended(self, id):
        return id in self._ended

    def _insert(self, held):
        # Not sort(): one that finds no memory would leave them in any order.
        place = 0
        while place < len(self._held) and self._held[place].rank > held.rank:
            place += 1
        self._held.insert(place, held)

    def _find(self, id):
        for held in self._held:
            if held.request.id == id:
                return held
        return None

    def _best(self, now_s):
        for held in self._held:
            if held.request.start_s <= now_s:
                return held
        return None

    def _expire(self, now_s):
        for held in list(self._held):
            if held.request.end_s <= now_s:
                if held is self._playing:
                    self._close(held, DONE)
                else:
                    waited = held.request.start_s <= self._settled_s
                    self._unheard(held, "preempted" if waited else "cmd_expired")

    def _unheard(self, held, reason):
        self._close(held, INTERRUPTED if held.started else REFUSED, reason)

    def _close(self, held, stage, reason=None):
        if held is self._playing:
            self._stop()
        self._receipt(held, stage, reason)  # first: without room for it the next tick closes it
        self._held.remove(held)
        self._ended.append(held.request.id)
        if len(self._ended) > _ENDED_MAX:
            self._ended.pop(0)

    def _stop(self):
        if self._playing is not None:
            self._actions.append(("stop", self._playing.request.id))
            self._playing = None

    def _receipt(self, held, stage, reason=None):
        self._actions.append(("receipt", held.request.id, stage, reason))


def volume(alert, usual, floor):
    # In per cent; an emergency is never quieter than the floor.
    wanted = usual if alert.volume is None else alert.volume
    return max(wanted, floor) if alert.cls == EMERGENCY else wanted
