"""The clock of the bench, in both modes."""

import threading

import pytest
from fieldbeat.hil_tests.virtual.errors import BenchError
from fieldbeat.hil_tests.virtual.world import World


@pytest.fixture
def world():
    world = World(seed=1)
    yield world
    world.close()


def test_events_run_in_order_of_time_and_then_of_asking(world):
    seen = []
    world.call_after(2_000_000, lambda: seen.append(("late", world.now_us)))
    world.call_after(1_000_000, lambda: seen.append(("first", world.now_us)))
    world.call_after(1_000_000, lambda: seen.append(("second", world.now_us)))
    world.run_for(1.5)
    assert seen == [("first", 1_000_000), ("second", 1_000_000)]
    assert world.now_us == 1_500_000
    world.run_for(1)
    assert seen[2:] == [("late", 2_000_000)]


def test_a_cancelled_event_does_not_run(world):
    seen = []
    event = world.call_after(1, lambda: seen.append("never"))
    event.cancel()
    world.run_for(1)
    assert seen == []


def test_an_event_for_the_past_runs_now(world):
    world.run_for(5)
    seen = []
    world.call_at(1, lambda: seen.append(world.now_us))
    world.run_for(1)
    assert seen == [5_000_000]


def test_run_until_stops_at_the_event_that_fulfils_it(world):
    ticks = []

    def tick():
        ticks.append(world.now_us)
        world.call_after(1_000_000, tick)

    tick()
    assert world.run_until(lambda: len(ticks) == 4, timeout_s=60)
    assert world.now_us == 3_000_000
    assert not world.run_until(lambda: len(ticks) == 99, timeout_s=10)
    assert world.now_us == 13_000_000


def test_the_start_gives_the_time_of_day(world):
    world.run_for(60)
    assert world.utc_s == 1717200060  # 2024-06-01T00:01:00Z


def test_the_seed_decides_the_randomness():
    worlds = [World(seed) for seed in (1, 1, 2)]
    first, same, other = (world.random.random() for world in worlds)
    assert first == same != other
    for world in worlds:
        world.close()


def test_real_time_runs_events_of_other_threads_and_hands_back_to_virtual_time(world):
    seen = []
    world.start_real()
    with pytest.raises(BenchError, match="stop_real"):
        world.run_for(1)
    world.call_after(0, lambda: seen.append(threading.current_thread().name))
    world.call_after(20_000, lambda: seen.append("later"))
    assert world.run_real(30, lambda: len(seen) == 2)
    world.stop_real()
    assert seen == ["world", "later"]
    before = world.now_us
    world.run_for(3600)
    assert world.now_us == before + 3_600_000_000


def test_what_breaks_the_loop_is_raised_where_it_is_stopped(world):
    world.start_real()
    world.call_after(0, lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        world.run_real(30)
    world.run_for(1)
