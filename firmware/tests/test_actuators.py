# The task that drives actuators: leases, crashes, days, contacts, relays behind a slow line.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import DriverError
from drivers.output import Output
from firmware import day_runs
from firmware.actuators import Actuators, Part
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.tests.support import World, run

DAY = 10 * 86400 + 20000  # some time of a day


class Driver(Output):
    # Writes down what it is told, with the second.
    def __init__(self, world, slow=False):
        self.world = world
        self.begin_ms = world.now_ms()
        self.SLOW = slow
        self.log = []
        self.broken = self.crashes = False

    def note(self, value):
        if not self.log or self.log[-1][1] != value:
            self.log.append(((self.world.now_ms() - self.begin_ms) // 1000, value))
        self.value = value

    async def put(self, value, most_s=None):
        self.most_s = most_s
        if self.broken:
            raise DriverError("sensor_timeout")
        if self.crashes:
            raise ValueError("a bug")
        self.note(value)

    def off(self):
        self.note(0)
        self.lost = False


class Contact:
    def __init__(self, active):
        self.active = active

    def is_active(self):
        return self.active


class Unit:
    # rows: safe, lease, longest run, pause, day, needs
    def __init__(self, *rows, slow=(), contacts=(None, None), world=None):
        self.world = world or World()
        self.counters = Counters()
        self.clock = Clock(self.counters)
        self.parts_lock = asyncio.Lock()
        self.told, self.lines = [], []
        self.urgent = 0
        self.drivers = [Driver(self.world, n in slow) for n in range(len(rows))]
        now_s = self.clock.uptime_s()
        parts = []
        for n, row in enumerate(rows):
            days = day_runs.load("a%d" % n) if row[4] else None
            parts.append(Part("a%d" % n, self.drivers[n], *contacts, days, now_s, row))
        self.actuators = None
        made = Actuators(self, parts, 0, lambda number: (), self.call)
        assert self.actuators is made
        self.parts = parts

    def call(self):
        self.urgent += 1

    # What firmware.node has.
    def tell(self, *args):
        self.told.append(args)
        return len(self.told)

    def log(self, text, name="node"):
        self.lines.append(text)

    # story: generator of (seconds to let pass); what runs is cut off at the end.
    def live(self, story):
        async def main():
            tasks = [asyncio.create_task(task(lambda: None)) for _, task, _ in made.tasks()]
            for seconds in story:
                await asyncio.sleep_ms(1000 * seconds)
            for task in tasks:
                task.cancel()
            await asyncio.sleep_ms(1)

        made = self.actuators
        run(main())

    def ask(self, index, value, lease_s=0):
        self.parts[index].ask(value, self.clock.uptime_s(), lease_s)


FREE = [0, 60, 0, 0, 0, []]


def near(log, expected):
    assert [value for _, value in log] == [value for _, value in expected], log
    for (second, _), (wanted, _) in zip(log, expected):
        assert wanted <= second <= wanted + 6, (log, expected)


def test_what_nobody_asks_for_any_more_ends():
    unit = Unit(FREE)

    def story():
        unit.ask(0, 100)
        yield 40
        unit.ask(0, 100)
        yield 300  # whoever asked hangs

    unit.live(story())
    near(unit.drivers[0].log, [(0, 0), (0, 100), (100, 0)])
    assert unit.told[0][:4] == ("decision", "a0", 100, 0)
    assert [args[2] for args in unit.told] == [100, 0]


def test_a_safe_value_is_what_it_has_from_the_start():
    unit = Unit([30, 60, 0, 20, 0, []])
    unit.live([100])
    near(unit.drivers[0].log, [(0, 0), (20, 30), (100, 0)])


def test_a_task_that_ends_leaves_all_at_rest():
    def story(unit, crashes):
        unit.ask(0, 100, 1000)
        yield 20
        if crashes:
            unit.drivers[1].crashes = True
            unit.ask(1, 100)
            yield 20

    for crashes in (False, True):
        unit = Unit(FREE, FREE)
        try:
            unit.live(story(unit, crashes))
        except ValueError:
            assert crashes
        assert unit.drivers[0].log[-1][1] == 0, unit.drivers[0].log
        assert not unit.parts[0].value  # and it is known to be


def test_one_that_finds_no_memory_to_rest_holds_up_no_other():
    def off():
        raise MemoryError

    unit = Unit(FREE, FREE)

    def story():
        unit.ask(1, 100, 1000)
        yield 20
        assert unit.drivers[1].log[-1][1] == 100
        unit.drivers[0].off = off

    unit.live(story())
    assert unit.drivers[1].log[-1][1] == 0


def test_contacts_go_before_everything():
    hand, guard = Contact(False), Contact(True)
    unit = Unit(FREE, contacts=(hand, guard))

    def story():
        unit.ask(0, 100, 1000)
        yield 20
        hand.active = True
        yield 20
        hand.active = False
        yield 20
        guard.active = False
        yield 20

    unit.live(story())
    near(unit.drivers[0].log, [(0, 0), (0, 100), (20, 0), (41, 100), (60, 0)])
    held = [args[5] for args in unit.told]
    assert 2 in held and 3 in held  # SWITCH and INTERLOCK
    unit = Unit(FREE, contacts=(None, False))  # an interlock that is not there forbids
    unit.ask(0, 100, 1000)
    unit.live([20])
    assert unit.drivers[0].log == [(0, 0)]
    unit = Unit(FREE, contacts=(False, None))  # and so does a switch
    unit.ask(0, 100, 1000)
    unit.live([20])
    assert unit.drivers[0].log == [(0, 0)]


def test_a_day_has_no_more_than_it_has_whatever_is_cut():
    def story(unit, logs):
        unit.ask(0, 100)
        yield 200
        logs.append(list(unit.drivers[0].log))
        raise SystemExit  # the power goes: nothing is written any more

    world = World()
    rows = [0, 5000, 0, 0, 1000, []]
    spent = 0
    for _ in range(8):
        unit, logs = Unit(rows, world=world), []
        unit.clock.set(DAY, "server")
        try:
            unit.live(story(unit, logs))
        except SystemExit:
            pass
        begins = [second for second, value in logs[0] if value]
        spent += 200 - begins[0] if begins else 0
    assert 400 <= spent <= 1000
    unit = Unit(rows, world=world)
    unit.clock.set(DAY + 86400, "server")

    def next_day():
        unit.ask(0, 100)
        yield 20

    unit.live(next_day())
    assert unit.drivers[0].log[1][1] == 100


def daily(story, begin=DAY):
    # What one with 300 s a day ran, by the seconds of the uptime, while everybody wants it.
    unit = Unit([100, 9000, 0, 0, 300, []])
    unit.clock.set(begin, "server")
    unit.live(story(unit))
    log = unit.drivers[0].log
    return [(on, off - on) for (on, value), (off, _) in zip(log, log[1:]) if value]


def test_a_clock_that_jumps_gives_no_day_twice_and_takes_none():
    midnight_s = 86400 - DAY % 86400

    def whole_days(unit):
        yield 400
        for days in (1, -1, 3000, -3000, 1):
            unit.clock.set(unit.clock.now() + days * 86400, "server")
            yield 400
        yield 3 * 86400 - 2400

    for (on, ran_s), day in zip(daily(whole_days), range(4)):
        expected_s = midnight_s + 86400 * (day - 1) if day else 0
        assert abs(on - expected_s) <= 6 and abs(ran_s - 300) <= 6, (on, ran_s)
    assert len(daily(whole_days)) == 4

    def hours(unit):
        yield 400
        for _ in range(40):  # from five past midnight to five to midnight, and back
            unit.clock.set(unit.clock.now() // 86400 * 86400 + 86100, "server")
            yield 600
            unit.clock.set(unit.clock.now() // 86400 * 86400 + 300, "server")
            yield 600

    assert len(daily(hours)) == 1
    # A modem that was hours wrong, and is put right: the next day comes all the same.
    for wrong_s in (-30000, 30000, 70000):

        def corrected(unit, wrong_s=wrong_s):
            yield 400
            unit.clock.set(unit.clock.now() - wrong_s, "server")
            yield 3 * 86400

        begins = [on for on, _ in daily(corrected, DAY + wrong_s)]
        assert 3 <= len(begins) <= 4
        assert min([b - a for a, b in zip(begins[1:], begins[2:])]) > 86000
        assert (begins[-1] + DAY + 6) % 86400 <= 12, begins  # at midnight again


def test_a_clock_that_is_far_ahead_is_kept_as_the_last_day():
    class Runs:
        name, days, spent_s = "a0", [27758, 0], 0

    World()
    assert day_runs.reserve(Runs) and day_runs.load("a0") == [16383, 600]


def test_without_flash_that_takes_it_nothing_with_a_daily_limit_runs():
    unit = Unit([0, 9000, 0, 0, 300, []], FREE)
    before = day_runs.keep
    day_runs.keep = lambda part, seconds: False
    try:

        def story():
            unit.ask(0, 100)
            unit.ask(1, 100)
            yield 30

        unit.live(story())
    finally:
        day_runs.keep = before
    assert unit.drivers[0].log == [(0, 0)] and unit.drivers[1].log[1] == (0, 100)
    assert unit.told[0][:3] == ("actuator_fault", "a0", "fs_corrupt") and unit.urgent == 1


def test_a_relay_that_does_not_answer_is_told_once_and_tried_again_and_again():
    unit = Unit(FREE, slow=(0,))

    def story():
        yield 5
        unit.drivers[0].broken = True
        unit.ask(0, 100, 1000)
        yield 60
        faults = [args for args in unit.told if args[0] == "actuator_fault"]
        assert faults == [("actuator_fault", "a0", "sensor_timeout", 100, None)]
        unit.drivers[0].broken = False
        yield 10
        assert unit.drivers[0].log[-1][1] == 0  # at fault
        yield 3600
        unit.ask(0, 100)
        yield 10

    unit.live(story())
    assert unit.drivers[0].log[-2][1] == 100 and unit.urgent == 1
    assert unit.counters.snapshot()["sensor_timeout"] > 10


def test_a_relay_board_that_stays_dead_is_told_each_hour():
    unit = Unit(FREE, slow=(0,))
    unit.drivers[0].broken = True

    def story():
        for _ in range(130):
            unit.ask(0, 100)
            yield 60

    unit.live(story())
    assert len([args for args in unit.told if args[0] == "actuator_fault"]) == 3


def test_what_is_wanted_counts_once_the_line_is_free():
    unit = Unit(FREE, slow=(0,))

    async def others():
        async with unit.parts_lock:
            await asyncio.sleep_ms(30000)

    def story():
        yield 5
        busy = asyncio.create_task(others())
        yield 1
        unit.ask(0, 100, 1000)
        yield 10
        unit.ask(0, 0, 1000)
        yield 60
        assert busy.done()

    unit.live(story())
    assert unit.drivers[0].log == [(0, 0)]


def test_who_needs_another_one_waits_for_the_line():
    rows = FREE, FREE[:5] + [[0]]

    async def others(unit):
        async with unit.parts_lock:
            await asyncio.sleep_ms(20000)

    def story(unit, value):
        yield 5
        asyncio.create_task(others(unit))
        yield 1
        unit.ask(0, value, 1000)
        unit.ask(1, value, 1000)
        yield 40
        if value:
            yield from story(unit, 0)

    for slow, first in ((0, 0), (1, 1)):  # the valve behind the line, or its pump
        unit = Unit(*rows, slow=(slow,))
        unit.live(story(unit, 100))
        (_, (valve_on, _), (valve_off, _)), (_, (pump_on, _), (pump_off, _)) = [
            driver.log for driver in unit.drivers
        ]
        assert valve_on <= pump_on and pump_off <= valve_off, [d.log for d in unit.drivers]
        assert (valve_on, pump_off)[first] >= (24, 70)[first]  # the line was busy


def test_a_pump_that_nobody_can_ask_keeps_no_valve_open():
    unit = Unit(FREE, FREE[:5] + [[0]], slow=(1,))

    def story():
        unit.ask(0, 100, 1000)
        unit.ask(1, 100, 1000)
        yield 20
        unit.drivers[1].broken = True
        unit.ask(0, 0)
        unit.ask(1, 0)
        yield 30
        assert unit.drivers[0].log[-1][1] == 0

    unit.live(story())


def test_a_motor_that_lost_its_way_tries_again_for_a_person():
    unit = Unit(FREE)
    driver, part = unit.drivers[0], unit.parts[0]

    def story():
        unit.ask(0, 100, 1000)
        yield 10
        driver.lost = True  # as drivers/two_relay_motor.py says it, until somebody lets it go
        yield 10
        assert driver.log[-1][1] == 0 and part.fault_s is not None
        part.forgive()
        yield 10

    unit.live(story())
    assert driver.log[-2][1] == 100


def test_a_fault_is_told_when_there_is_room_again():
    unit = Unit(FREE)
    full = [True]

    def tell(*args):
        if full[0]:
            raise MemoryError
        unit.told.append(args)
        return 1

    unit.tell = tell

    def story():
        unit.actuators.fail(unit.parts[0], "travel_lost")
        yield 20
        assert not unit.told
        full[0] = False
        yield 20

    unit.live(story())
    assert unit.told[0] == ("actuator_fault", "a0", "travel_lost", 0, None)


def test_who_finds_no_room_to_tell_what_it_saw_drives_on():
    unit = Unit(FREE)

    def looked(number):
        raise MemoryError

    unit.actuators._looked = looked

    def story():
        unit.ask(0, 100, 1000)
        yield 20

    unit.live(story())
    assert (0, 100) in unit.drivers[0].log and not unit.told
