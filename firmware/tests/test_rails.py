# A rail is on while it has a user and at no other time, whatever happens to its users.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware.rails import Rail, Supplied
from firmware.tests.support import World, run


class Pin:
    def __init__(self):
        self.level = 0
        self.changes = 0

    def value(self, level):
        assert level != self.level  # never switched twice
        self.level = level
        self.changes += 1


def make(settle_ms=100):
    world, pin = World(), Pin()
    return world, pin, Rail(pin, settle_ms)


def test_one_user_waits_until_it_has_settled():
    world, pin, rail = make()
    seen = []

    async def story():
        begin_ms = world.now_ms()
        async with rail:
            seen.append((world.now_ms() - begin_ms, pin.level))
        seen.append(pin.level)

    run(story())
    assert seen == [(100, 1), 0] and rail.users == 0


# Users that come at some times, stay, and end by themselves, by an error or by a cancellation.
def histories():
    for second_ms in (0, 30, 100, 150, 400):
        for stay_ms in (0, 50, 300):
            for cut_ms in (None, 0, 20, 60, 120, 200, 420):
                for error in (False, True):
                    yield second_ms, stay_ms, cut_ms, error


class Story:
    def __init__(self, second_ms, stay_ms, cut_ms, error):
        self.world, self.pin, self.rail = make()
        self.inside = 0
        self.wrong = []
        self.second = second_ms, stay_ms, error
        self.cut_ms = cut_ms

    async def user(self, begin_ms, stay_ms, error):
        await asyncio.sleep_ms(begin_ms)
        called_ms = self.world.now_ms()
        async with self.rail:
            self.inside += 1
            self.expect(self.world.now_ms() - called_ms <= 110, "waited long")
            try:
                await asyncio.sleep_ms(stay_ms)
                if error:
                    raise ValueError
            finally:
                self.inside -= 1

    async def watch(self):
        while True:
            self.expect(self.pin.level == 1 or not self.inside, "off under a user")
            self.expect(self.pin.level == int(self.rail.users > 0), "on for nobody")
            await asyncio.sleep_ms(7)

    def expect(self, fact, what):
        if not fact:
            self.wrong.append(what)

    async def run(self):
        watcher = asyncio.create_task(self.watch())
        first = asyncio.create_task(self.user(0, 130, False))
        second = asyncio.create_task(self.user(*self.second))
        if self.cut_ms is not None:
            await asyncio.sleep_ms(self.cut_ms)
            second.cancel()
        for task in (first, second):
            try:
                await task
            except (ValueError, asyncio.CancelledError):
                pass
        self.expect(self.pin.level == 0 and self.rail.users == 0, "stays on")
        watcher.cancel()


def test_whatever_becomes_of_two_users():
    count = 0
    for history in histories():
        story = Story(*history)
        run(story.run())
        assert story.wrong == [], history
        count += 1
    assert count == 210


def test_a_user_that_is_cancelled_while_it_settles_leaves_it_off():
    world, pin, rail = make()

    async def user():
        async with rail:
            raise AssertionError("it has not settled")

    async def story():
        task = asyncio.create_task(user())
        await asyncio.sleep_ms(50)
        assert pin.level == 1
        task.cancel()
        await asyncio.sleep_ms(0)
        assert pin.level == 0

    run(story())


def test_what_it_was_on_is_taken_once():
    world, pin, rail = make()

    async def story():
        async with rail:
            await asyncio.sleep_ms(900)
            assert rail.take_ms() == 1000
            await asyncio.sleep_ms(500)
        await asyncio.sleep_ms(5000)
        assert rail.take_ms() == 500 and rail.take_ms() == 0

    run(story())


class Shot:
    closed = None

    async def close(self):
        closed, self.closed = self.closed, None
        if closed:
            closed()


class Part:
    CHANNELS = (("x", "1", 1),)
    more = 7

    def __init__(self, pin):
        self.pin = pin
        self.told = []
        self.error = None

    async def _do(self, what):
        assert self.pin.level == 1
        self.told.append(what)
        await asyncio.sleep_ms(10)
        assert self.pin.level == 1
        if self.error:
            raise self.error

    async def probe(self):
        await self._do("probe")

    async def read(self):
        await self._do("read")
        return (5,)

    async def capture(self, budget_bytes, region=None):
        await self._do("capture")
        return Shot()


def supplied():
    _, pin, rail = make()
    part = Part(pin)
    return pin, rail, part, Supplied(part, rail)


def test_a_part_that_was_off_is_probed_before_it_is_read():
    pin, rail, part, hung = supplied()

    async def story():
        await hung.probe()
        assert await hung.read() == (5,) and await hung.read() == (5,)
        assert part.told == ["probe"] + ["probe", "read"] * 2 and pin.level == 0
        part.told.clear()
        async with rail:  # somebody else keeps it on
            await hung.read()
            await hung.read()
        assert part.told == ["probe", "read", "read"] and pin.level == 0
        assert hung.CHANNELS == part.CHANNELS and hung.more == 7

    run(story())


def test_a_probe_that_failed_is_due_again():
    pin, rail, part, hung = supplied()

    async def story():
        async with rail:
            part.error = ValueError()
            for _ in range(2):
                try:
                    await hung.read()
                except ValueError:
                    pass
            part.error = None
            await hung.read()
        assert part.told == ["probe", "probe", "probe", "read"] and pin.level == 0

    run(story())


def test_a_camera_has_its_supply_until_the_picture_is_closed():
    pin, rail, part, hung = supplied()

    async def story():
        shot = await hung.capture(1000)
        await asyncio.sleep_ms(1000)
        assert pin.level == 1
        await shot.close()
        assert pin.level == 0
        await shot.close()
        assert rail.users == 0
        part.error = ValueError()
        try:
            await hung.capture(1000)
        except ValueError:
            pass
        assert pin.level == 0 and rail.users == 0

    run(story())
