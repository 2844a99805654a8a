# Which pictures are taken and when: by the clock, because of an alarm, because somebody asked.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import DriverError
from protocols.compat import const
from protocols.event import (
    ALARMED,
    COMMANDED,
    PICTURE,
    PICTURE_FLAGS,
    PICTURE_HEIGHT,
    PICTURE_KIND,
    PICTURE_QUALITY,
    PICTURE_SHA256,
    PICTURE_SIZE,
    PICTURE_SYNCED,
    PICTURE_WHY,
    PICTURE_WIDTH,
    SCHEDULE,
)

from . import later

_THUMBNAIL, _GAUGE, _FULL = const(0), const(1), const(2)
_TRIES = const(2)
_DAY_S = const(86400)
_EVENTS = const("firmware.events firmware.speaker_events")


class Pictures:
    # camera: as in drivers/camera.py. table: [pictures] of the config. regions: names that the
    # camera knows. on_urgent: async, called when somebody waits for what was taken.
    def __init__(self, node, camera, store, table, regions, on_urgent):
        self._node = node
        self._camera = camera
        self.store = store
        self._table = table
        self._gauge = "gauge" in regions
        self._on_urgent = on_urgent
        self._asked = []  # (why, kind, bytes, called when it was done or not)
        self._wait = None  # what run() waits in
        self.busy = False  # with what somebody asked for

    # Because of an alarm: first what is small.
    def alarmed(self):
        for kind in self._kinds():
            self.ask(ALARMED, kind)
        self.ask(ALARMED, _FULL)

    def ask(self, why, kind, size=None, done=None):
        self._asked.append((why, kind, size or self._budget(kind), done))
        self.busy = True
        if self._wait:
            self._wait.cancel()

    async def run(self, beat):
        picture = self.store.left_over()
        if picture:  # a reset came between its last byte and its event
            self._tell(picture)
        clock = self._node.clock
        jumps, due = clock.jumps, self._next_due()
        while True:
            beat()
            if jumps != clock.jumps:  # what was due by another time is not due by this one
                jumps, due = clock.jumps, self._next_due()
            if self._asked:
                await self._take_asked(beat)
            elif due is not None and clock.now() >= due:
                for kind in self._kinds():
                    beat()
                    await self._take(SCHEDULE, kind, self._budget(kind))
                due = self._next_due()
            else:
                await self._rest(due, beat)

    # Until a time, as tasks wait that a sleep may come over; ask() ends it.
    async def _rest(self, due, beat):
        clock = self._node.clock
        due = clock.now() + _DAY_S if due is None else due
        self._wait = asyncio.create_task(clock.until(due, beat))
        try:
            await self._wait
        except asyncio.CancelledError:
            if not self._asked:  # somebody else has ended this task
                raise

    def _next_due(self):
        every = self._table["every_s"]
        if not every:
            return None
        at = self._table["at_s"]
        return ((self._node.clock.now() - at) // every + 1) * every + at

    def _kinds(self):
        return (_THUMBNAIL, _GAUGE) if self._gauge else (_THUMBNAIL,)

    def _budget(self, kind):
        return self._table[("thumbnail_bytes", "gauge_bytes", "full_bytes")[kind]]

    # --- taking one

    # Each goes on its way before the next one is taken. Of an alarm without its pictures the
    # server hears why, and not with the next day's counters.
    async def _take_asked(self, beat):
        missed = False
        try:
            while self._asked:
                beat()
                why, kind, size, done = self._asked.pop(0)
                reason = await self._take(why, kind, size)
                if done:
                    done(reason)
                missed = missed or why == ALARMED and reason is not None
                if missed and not self._asked:
                    self._node.tell("health", True)
                await self._on_urgent(beat)
        finally:  # a command that an error has cut is obeyed when it is repeated
            self.busy = bool(self._asked)

    # -> the reason why there is none, or None
    async def _take(self, why, kind, size):
        reason = self._hindrance(why, size)
        for _ in range(0 if reason else _TRIES):
            try:
                reason = await self._shoot(why, kind, size)
                break
            except DriverError as error:
                reason = error.reason
                self._node.counters.count(reason)
            except OSError:
                reason = "fs_corrupt"
                self._node.counters.count(reason)
                break
        return reason

    # The schedule leaves of the day's bytes what an alarm needs.
    def _hindrance(self, why, size):
        store, table = self.store, self._table
        if not self.powered():
            self._node.counters.count("battery_low")
            return "battery_low"
        store.spend(self._node.clock.now() // _DAY_S, 0)
        left = table["budget_bytes_day"] - store.spent - store.waiting_bytes()
        if why == SCHEDULE:
            left -= table["full_bytes"]
        if why != COMMANDED and left < size:
            self._node.counters.count("budget_spent")
            return "budget_spent"
        return None

    def powered(self):
        least = self._table["battery_min_mv"]
        if not least:
            return True
        millivolts = self._node.tell("battery_mv")
        return millivolts is None or millivolts >= least

    async def _shoot(self, why, kind, size):
        node = self._node
        async with node.parts_lock:
            now, synced = node.clock.now(), node.clock.synced
            shot = await self._camera.capture(size, "gauge" if kind == _GAUGE else None)
            try:
                picture = await self.store.write(shot, now, synced, why, kind, size)
            finally:
                await shot.close()
        return self._tell(picture) if picture else "picture_lost"

    # Its event is evidence, and its record number is the picture's number.
    def _tell(self, picture):
        body = {
            PICTURE_WHY: picture.why,
            PICTURE_KIND: picture.kind,
            PICTURE_SIZE: picture.size,
            PICTURE_WIDTH: picture.width,
            PICTURE_HEIGHT: picture.height,
            PICTURE_QUALITY: picture.quality,
            PICTURE_SHA256: picture.sha256,
            PICTURE_SYNCED: picture.synced,
        }
        if picture.flags:
            body[PICTURE_FLAGS] = picture.flags
        number = later.call(_EVENTS, "append", self._node, PICTURE, body)
        if number is None:
            return "fs_corrupt"
        self.store.adopt(picture, number)
        return None
