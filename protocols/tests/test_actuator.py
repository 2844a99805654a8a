# What an actuator may do, driven at random and judged by an observer that knows only the limits.
# SPDX-License-Identifier: Apache-2.0
import gc

from protocols import actuator
from protocols.actuator import Actuator

SPECS = (  # safe, lease_s, max_run_s, min_pause_s, max_day_s, needs
    (0, 60, 0, 0, 0, ()),
    (0, 60, 300, 120, 0, (0,)),
    (0, 30, 0, 60, 400, (0, 1)),
    (100, 45, 0, 0, 0, ()),
)


# -> [(index, value)] of those that changed: those that stop first, the last one before the others.
def step(actuators, blocked, now_s):
    before = [each.value for each in actuators]
    for each, why in zip(actuators, blocked):
        each.blocked = why
    count = actuator.step(actuators, now_s)
    now = [(index, each.value) for index, each in enumerate(actuators)]
    changes = [change for change, value in zip(now, before) if change[1] != value]
    assert len(changes) == count
    return [c for c in reversed(changes) if not c[1]] + [c for c in changes if c[1]]


def made(now_s=0):
    return [Actuator(*spec, now_s) for spec in SPECS]


def noise(seed):
    # MicroPython's random has another generator than CPython's.
    while True:
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        yield seed >> 8


class Observer:
    # Sees what is asked, what blocks, and what is put out; knows only the limits.
    def __init__(self):
        self.value = [0] * len(SPECS)
        self.since_s = [0] * len(SPECS)
        self.asked_s = [None] * len(SPECS)
        self.day_s = [0] * len(SPECS)
        self.most_run_s = 0

    def passed(self, seconds):
        for index, value in enumerate(self.value):
            self.day_s[index] += seconds if value else 0

    def saw(self, index, value, now_s):
        if bool(value) != bool(self.value[index]):
            if value:
                pause_s = now_s - self.since_s[index]
                assert pause_s >= SPECS[index][3], (index, pause_s)
                assert all([self.value[other] for other in SPECS[index][5]]), index
            else:
                for other, spec in enumerate(SPECS):
                    assert index not in spec[5] or not self.value[other], (index, other)
            self.since_s[index] = now_s
        self.value[index] = value

    def judge(self, blocked, now_s):
        for index, spec in enumerate(SPECS):
            safe, lease_s, max_run_s, _, max_day_s, _ = spec
            if not self.value[index]:
                continue
            run_s = now_s - self.since_s[index]
            self.most_run_s = max(self.most_run_s, run_s)
            assert not blocked[index]
            # A needed one outlives its lease by the steps in which what needs it stops.
            late_s = 2 if any([index in other[5] for other in SPECS]) else 0
            if self.value[index] != safe:
                assert now_s - self.asked_s[index] < lease_s + late_s, index
            if max_run_s:
                assert run_s < max_run_s + late_s, index
            if max_day_s:
                assert self.day_s[index] <= max_day_s, index


def test_no_random_life_goes_beyond_a_limit():
    random = noise(7)
    seen = set()
    for _ in range(6):
        actuators, observer = made(), Observer()
        idle = next(random) % 40  # how seldom it asks
        blocked = [0] * len(SPECS)
        for now_s in range(0, 4000):
            observer.passed(1 if now_s else 0)
            for index, each in enumerate(actuators):
                if next(random) % (1 + idle) == 0:
                    value = (0, 50, 100)[min(next(random) % 400, 2)]
                    each.ask(value, now_s)
                    observer.asked_s[index] = now_s
            if next(random) % 397 == 0:
                index = next(random) % len(SPECS)
                blocked[index] = next(random) % 3 and actuator.INTERLOCK
                if blocked[index]:  # what needs it is told first, by the firmware as here
                    for other, spec in enumerate(SPECS):
                        if index in spec[5]:
                            blocked[other] = actuator.INTERLOCK
            if now_s == 2000:
                for each in actuators:
                    each.new_day()
                observer.day_s = [0] * len(SPECS)
            for index, value in step(actuators, blocked, now_s):
                observer.saw(index, value, now_s)
            observer.judge(blocked, now_s)
            seen.update([(index, each.why) for index, each in enumerate(actuators)])
    whys = {why for _, why in seen}
    missing = set(range(actuator.ASKED, actuator.NEEDS + 1)) - whys
    assert missing == {actuator.SWITCH, actuator.FAULT}, missing  # blocks of the same kind
    assert observer.most_run_s > 250


def test_a_lease_that_nobody_renews_ends_at_the_safe_value():
    actuators = made()
    actuators[3].ask(20, 10)
    assert step(actuators, [0] * 4, 10) == [(3, 20)]
    assert step(actuators, [0] * 4, 54) == []
    assert step(actuators, [0] * 4, 55) == [(3, 100)]
    assert actuators[3].why == actuator.LEASE


def test_a_pump_starts_after_its_valve_and_stops_before_it():
    actuators = made()
    for each in actuators[:3]:
        each.ask(100, 200, 1000)
    story = [step(actuators, [0] * 4, second) for second in range(200, 204)]
    assert [change for changes in story for change in changes if change[0] < 3] == [
        (0, 100),
        (1, 100),
        (2, 100),
    ]
    assert step(actuators, [0] * 4, 204) == []
    actuators[0].ask(0, 204)
    actuators[1].ask(100, 204)
    story = [step(actuators, [0] * 4, second) for second in range(204, 208)]
    assert story == [[(2, 0)], [(1, 0)], [(0, 0)], []]


def test_a_block_waits_for_nobody():
    actuators = made()
    for each in actuators[:3]:
        each.ask(100, 200, 1000)
    for second in range(200, 204):
        step(actuators, [0] * 4, second)
    blocked = [actuator.SWITCH, 0, 0, 0]
    assert step(actuators, blocked, 204) == [(2, 0), (0, 0)]
    assert step(actuators, blocked, 205) == [(1, 0)]


def test_a_step_leaves_nothing_on_the_heap():
    if not hasattr(gc, "mem_alloc"):  # CPython
        return
    actuators = made()
    for each in actuators:
        each.ask(100, 200, 1000)
    for second in range(200, 204):
        actuator.step(actuators, second)
    gc.collect()
    before = gc.mem_alloc()
    for second in range(204, 300):
        actuator.step(actuators, second)
    assert gc.mem_alloc() == before


def test_what_ran_before_a_reset_counts():
    each = Actuator(0, 600, 0, 60, 900, (), 0, spent_s=890)
    each.ask(100, 0, 3000)
    assert step([each], [0], 0) == []  # as if it had just stopped
    assert each.why == actuator.MIN_PAUSE
    assert step([each], [0], 60) == [(0, 100)]
    assert step([each], [0], 70) == [(0, 0)]
    assert each.why == actuator.MAX_DAY
    each.new_day()
    assert step([each], [0], 130) == [(0, 100)]
