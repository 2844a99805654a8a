# Want of memory at any line between a command and its sound: once, and it sounds all the same.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import linecache
import sys

import pytest

from firmware import alerts
from firmware.tests.support import World, remove_tree, run, temp_dir
from firmware.tests.support_alerts import Player, Unit
from protocols import arbiter, receipt
from protocols.command import EMERGENCY

FILES = (alerts.__file__, arbiter.__file__)
ID = b"e" + bytes(7)
PASSES = (1, 2)  # of a line, in which it is tried
FREE = ("try:", "self._held.remove(held)")  # lines that want no memory
LAST_MS = 20000  # two pauses of supervision, or one and that before another try


class ShortPlayer(Player):
    def __init__(self):
        super().__init__()
        self.overlaps = 0

    async def play(self, alert, percent, on_sound):
        self.overlaps += self.at_once
        self.at_once += 1
        try:
            on_sound()
            self.heard.append(alert.event)
            await asyncio.sleep_ms(500)
        finally:
            self.at_once -= 1


class NoRoom:
    # Fails before a line of FILES, at one of its passes; point None: it counts the passes.
    def __init__(self, point):
        self.point = point
        self.passes = {}

    def __call__(self, frame, event, arg):
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            line = frame.f_code.co_filename, frame.f_lineno
            self.passes[line] = self.passes.get(line, 0) + 1
            if self.point == (line, self.passes[line]):
                sys.settrace(None)
                raise MemoryError("no room")
        return self


# As node.py does it.
async def supervise(function):
    while True:
        try:
            await function(lambda: None)
        except MemoryError:
            await asyncio.sleep_ms(5000)


# As the collector and commands.py do it: what is not known is obeyed, all else is answered.
async def send(unit, name, *more):
    for _ in range(2):
        if unit.seen(name.encode() + bytes(7)) is None:
            try:
                unit.send(name, EMERGENCY, *more)
            except MemoryError:
                pass
        await asyncio.sleep_ms(200)


async def alone(unit):
    await send(unit, "e", 1)


async def before_another(unit):
    await send(unit, "d", 2)
    await send(unit, "e", 1)


async def behind_another(unit):
    await send(unit, "d", 1)
    await send(unit, "e", 2)


def told(story, point):
    directory = temp_dir()
    no_room = NoRoom(point)

    async def both():
        unit = Unit(directory)
        unit.player = unit.alerts._player = ShortPlayer()
        tasks = [
            asyncio.ensure_future(supervise(function))
            for function in (unit.alerts.run, unit.alerts.play)
        ]
        sys.settrace(no_room)
        try:
            await story(unit)
            await asyncio.sleep_ms(LAST_MS)
        finally:
            sys.settrace(None)
        for task in tasks:
            task.cancel()
        return unit

    World()
    before = sys.gettrace()
    try:
        return run(both()), no_room.passes
    finally:
        sys.settrace(before)
        remove_tree(directory)


@pytest.mark.parametrize("story", [alone, before_another, behind_another])
def test_want_of_memory_at_any_line_keeps_nobody_silent(story):
    _, passes = told(story, None)
    points = [
        (line, n)
        for line in passes
        if linecache.getline(*line).strip() not in FREE
        for n in PASSES
        if n <= passes[line]
    ]
    assert len(points) > 200
    wrong = []
    for point in points:
        unit, _ = told(story, point)
        stages = [stage for stage, _ in unit.stages(ID)] + [unit.seen(ID) or 0]
        ended = any(receipt.is_final(stage) for stage in stages)
        if "e" not in unit.player.heard or unit.player.overlaps or unit.alerts._held or not ended:
            wrong.append((point, unit.player.heard, unit.player.overlaps, ended))
    assert wrong == []
