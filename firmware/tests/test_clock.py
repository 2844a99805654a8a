# Time across the wrap of ticks, from several sources, and across a reset.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware.clock import Clock
from firmware.counters import Counters
from firmware.tests.support import World, run

NOON = 13176000  # 2024-06-01T12:00:00Z


def make(**options):
    world = World(**options)
    counters = Counters()
    return world, counters, Clock(counters)


def test_uptime_until_somebody_tells_the_time():
    world, _, clock = make()
    world.pass_ms(61500)
    assert (clock.uptime_s(), clock.now(), clock.synced, clock.source) == (61, 61, False, "none")
    assert clock.set(NOON, "modem")
    world.pass_ms(500)
    assert (clock.uptime_s(), clock.now(), clock.synced, clock.source) == (
        62,
        NOON + 1,
        True,
        "modem",
    )


def test_ticks_wrap_every_twelve_days():
    world, counters, clock = make(start_ms=(1 << 30) - 1000)
    clock.set(NOON, "server")
    for day in range(1, 40):
        world.pass_ms(86400000)
        assert clock.uptime_s() == 86400 * day
        assert clock.now() == NOON + 86400 * day
    assert counters.snapshot() == {}


def test_no_millisecond_is_lost_between_two_looks():
    world, _, clock = make()
    for _ in range(1000):
        world.pass_ms(333)
        clock.uptime_s()
    assert clock.uptime_s() == 333


def test_a_better_source_wins_and_a_worse_one_does_not():
    order = ("modem", "console", "server")
    for first in range(3):
        for second in range(3):
            world, _, clock = make()
            clock.set(NOON, order[first])
            taken = clock.set(NOON + 100, order[second])
            assert taken == (second >= first)
            assert clock.now() == NOON + (100 if taken else 0)
            assert clock.source == order[max(first, second)]


def test_a_time_that_nobody_means_is_not_taken():
    for t in (-1, 2398377600, 0xFFFFFFFF):
        _, _, clock = make()
        assert not clock.set(t, "server") and not clock.synced
        assert clock.set(2398377599, "server")


def test_small_corrections_never_run_backwards():
    world, counters, clock = make()
    clock.set(NOON, "server")
    world.pass_ms(10000)
    assert clock.now() == NOON + 10
    jumps = clock.jumps
    clock.set(NOON + 8, "server")
    seen = []
    for _ in range(5):
        seen.append(clock.now() - NOON)
        world.pass_ms(1000)
    assert seen == [10, 10, 10, 11, 12]
    assert clock.jumps == jumps and counters.snapshot() == {}


def test_a_jump_is_taken_and_counted():
    for step in (3, -3, 86400, -86400):
        world, counters, clock = make()
        clock.set(NOON, "server")
        jumps = clock.jumps
        clock.set(NOON + step, "server")
        assert clock.now() == NOON + step
        assert clock.jumps == jumps + 1 and counters.snapshot() == {"clock_jump": 1}


def test_time_survives_a_reset_but_not_the_loss_of_power():
    world, counters, clock = make()
    clock.set(NOON, "server")
    assert world.rtc[0] == (2024, 6, 1, 5, 12, 0, 0, 0)  # a Saturday
    world.pass_ms(330000)
    after = Clock(counters)
    assert (after.now(), after.source, after.uptime_s()) == (NOON + 330, "server", 0)
    world.rtc = [(2000, 1, 1, 5, 0, 0, 0, 0), b"fb1\x03"]
    assert not Clock(counters).synced
    for memory in (b"", b"fb1", b"fb1\x00", b"fb1\x09", b"xx1\x03"):
        world.rtc = [(2024, 6, 1, 5, 12, 0, 0, 0), memory]
        assert not Clock(counters).synced, memory


def test_waiting_ends_on_time_or_when_the_clock_is_set():
    world, _, clock = make()
    clock.set(NOON, "modem")
    beats = []

    async def story():
        assert await clock.until(NOON + 200, lambda: beats.append(clock.now() - NOON))
        assert clock.now() == NOON + 200

        async def jump():
            await asyncio.sleep_ms(30000)
            clock.set(NOON + 5000, "server")

        asyncio.create_task(jump())
        assert not await clock.until(NOON + 300, lambda: None)
        assert clock.now() < NOON + 5060

    run(story())
    assert beats == [0, 50, 100, 150, 200]


def test_a_short_wait_ends_with_its_second():
    world, _, clock = make()
    clock.set(NOON, "modem")

    async def story():
        for second in range(3, 60, 3):
            world.pass_ms(404)  # a reading
            assert await clock.until(NOON + second, lambda: None)
            assert clock.uptime_s() == second and clock.rest_ms == 0

    run(story())


def test_tasks_look_around_together():
    world, _, clock = make()
    world.pass_ms(12345)
    assert clock.slice_ms() == 37655
    world.pass_ms(37655)
    assert (clock.uptime_s(), clock.slice_ms()) == (50, 50000)
