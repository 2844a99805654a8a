# Tasks that fail or hang, and the ways in which a node ends.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os

from firmware import events, later, main
from firmware.clock import Clock
from firmware.node import Node
from firmware.sampler import Sampler
from firmware.tests.support import ResetNow
from firmware.tests.support_node import Unit
from firmware.uplink import Uplink
from protocols.tests.support import raises

HOUR = 3600
DAY = 24 * HOUR


class Broken:
    # In place of a method while it is used: fails at the given calls, or at all of them.
    def __init__(self, kind, name, replacement):
        self._kind, self._name, self._replacement = kind, name, replacement

    def __enter__(self):
        self._works = getattr(self._kind, self._name)
        setattr(self._kind, self._name, self._replacement)

    def __exit__(self, *args):
        setattr(self._kind, self._name, self._works)


def test_a_task_that_fails_is_restarted_and_told():
    calls = []

    async def fail_twice(self, t):
        calls.append(t)
        if len(calls) <= 2:
            raise ValueError("sampler trouble")

    with Unit() as unit, Broken(Sampler, "round", fail_twice):
        node = unit.boot()
        unit.run(HOUR)
        assert node.counters.snapshot() == {"task_restart": 2} and len(calls) >= 11
        assert "sampler: ValueError('sampler trouble'" in "\n".join(node.log_lines)
        with open(unit.root + "/crash.txt") as file:
            assert file.read().count("ValueError: sampler trouble") == 2


def test_a_task_that_fails_for_ever_ends_in_safe_mode_and_a_reset():
    async def fail(self, beat):
        raise MemoryError

    with Unit() as unit, Broken(Uplink, "wake", fail):
        node = unit.boot()
        # A restarted uplink waits for its time, so that this takes hours.
        unit.run(4 * HOUR)
        assert node.safe_mode_reason is None
        assert node.counters.snapshot()["task_restart"] == 4 + 1

    async def fail_at_once(self, beat):
        raise MemoryError

    with Unit() as unit, Broken(Sampler, "run", fail_at_once):
        node = unit.boot()
        unit.run(120)
        assert "task sampler fails again and again" in node.safe_mode_reason
        assert node.counters.snapshot() == {"task_restart": 6, "safe_mode": 1}
        assert "task sampler fails" in unit.type("status")
        raises(ResetNow, unit.run, HOUR + 100)


def test_safe_mode_puts_to_rest_what_is_driven():
    class Driven:
        rests = 0

        def off(self):
            self.rests += 1

    async def fail_at_once(self, beat):
        raise ValueError("sampler trouble")

    with Unit() as unit, Broken(Sampler, "run", fail_at_once):
        node = unit.boot()
        node.actuators = driven = Driven()
        unit.run(10)
        assert node.safe_mode_reason is None and not driven.rests
        unit.run(60)
        assert node.safe_mode_reason and driven.rests


def test_a_task_that_there_is_no_memory_to_look_after_means_a_reset():
    async def fail_at_once(self, beat):
        raise MemoryError

    for error in (MemoryError(), OSError(5)):  # the second: of the port that a log line goes to

        def fail(self, name, error=error):
            raise error

        with Unit() as unit, Broken(Sampler, "run", fail_at_once):
            with Broken(Node, "_may_restart", fail):
                unit.boot()
                raises(ResetNow, unit.run, 10)


def test_who_is_always_on_goes_on_trying():
    calls = []

    async def fail_at_once(self, beat):
        calls.append(1)
        raise MemoryError

    with Unit() as unit, Broken(Sampler, "run", fail_at_once):
        node = unit.boot()
        node.role.ALWAYS_ON = True
        unit.run(120)
        assert node.safe_mode_reason is None and len(calls) > 20


def test_the_watchdog_starves_when_a_task_is_stuck():
    async def stuck(self, beat):
        await asyncio.Event().wait()

    with Unit() as unit, Broken(Sampler, "run", stuck):
        node = unit.boot()
        unit.run(280)
        fed = unit.world.fed
        assert fed >= 5
        unit.run(1)
        unit.run(1000)
        assert "silent: sampler" in "\n".join(node.log_lines)


class Ending:
    # main.run() with a node that ends at once in a given way.
    def __init__(self, unit, error, at_once=False):
        self.unit, self.error, self.at_once = unit, error, at_once

    def Node(self, root):
        if self.at_once:
            raise self.error
        node = self.unit.node or self.unit.boot()
        error = self.error

        async def end():
            raise error

        node.run = end
        return node

    def run(self):
        original, main.Node = main.Node, self.Node
        try:
            main.run(self.unit.root)
        finally:
            main.Node = original


def test_ctrl_c_leaves_a_repl_with_nothing_lost():
    with Unit() as unit:
        node = unit.boot()
        unit.run(700)
        depth = node.outbox.depth
        Ending(unit, KeyboardInterrupt()).run()
        assert node.outbox.depth == depth + 1  # two samples that were in RAM
        assert unit.world.wdt_ms == HOUR * 1000


def test_a_crash_is_written_down_and_resets():
    with Unit() as unit:
        for _ in range(40):
            raises(ResetNow, Ending(unit, ValueError("x" * 200)).run)
        with open(unit.root + "/crash.txt") as file:
            assert "ValueError: xxx" in file.read()
        for name in ("crash.txt", "crash.old"):
            assert 0 < os.stat(unit.root + "/" + name)[6] < 6000


def fail_for_want_of_memory(*args):
    raise MemoryError


def test_a_crash_resets_also_without_the_memory_to_tell_of_it():
    for name in ("traceback", "keep"):
        with Unit() as unit, Broken(main.crash, name, fail_for_want_of_memory):
            raises(ResetNow, Ending(unit, ValueError("x")).run)


def test_the_watchdog_runs_from_the_first_moment():
    with Unit() as unit:
        with Broken(Clock, "__init__", fail_for_want_of_memory):
            raises(MemoryError, unit.boot)
        assert unit.world.wdt_ms == 120000
        Ending(unit, KeyboardInterrupt(), at_once=True).run()
        assert unit.world.wdt_ms == 600 * 1000  # it may be a loudspeaker: nobody knows


def test_samples_that_a_wanted_reset_cannot_keep_are_told():
    with Unit() as unit:
        node = unit.boot()
        unit.run(700)
        room = []

        def make_room():
            room.append(1)

        node.make_room = make_room
        with Broken(later, "call", fail_for_want_of_memory):
            raises(ResetNow, node.reboot)
        with open(unit.root + "/crash.txt") as file:
            assert room and "MemoryError: the last samples are lost" in file.read()


def test_what_failed_to_be_told_is_told_again():
    days = []  # of the calls

    def fail_at_first(node, urgent=False):
        days.append(node.clock.uptime_s() // DAY)
        if days.count(days[-1]) == 1:
            raise MemoryError

    with Unit() as unit, Broken(events, "health", fail_at_first):
        node = unit.boot()
        unit.run(DAY + 2 * HOUR)
        assert days == [0, 0, 1, 1] and node.safe_mode_reason is None
        assert node.counters.snapshot()["task_restart"] == 1


def test_a_wanted_reset_keeps_the_samples():
    with Unit() as unit:
        node = unit.boot()
        unit.run(700)
        depth = node.outbox.depth
        raises(ResetNow, node.reboot)
        assert node.outbox.depth == depth + 1
