# What drives the actuators of a station: a task of its own, so that leases end whatever becomes of
# the rules. Loaded only where the config has a table [control].
# SPDX-License-Identifier: Apache-2.0
#
# At a start, in a crash, in safe mode and before a reset all are at rest; then each has its safe
# value until somebody asks. Times are uptime: a clock that is set changes none of them.
import asyncio

from drivers.errors import DriverError
from protocols.actuator_engine import Actuator, step
from protocols.compat import const

from . import later

_SILENCE_S = const(20)
_BUS_SILENCE_S = const(60)  # longer: sensors use the line too, and let it go after each part
_IDLE_MS = const(5000)
_BUSY_MS = const(1000)
_QUIET_S = const(2)  # a contact that bounces is no permission
_FAULT_S = const(3600)  # then it is tried again, or when a person wants it
_LAST_S = const(2)
_TRIES = const(3)  # of a relay board
_DAY_S = const(86400)
_SHORTEST_S = const(72000)  # of a day, whatever the clock says
_VERIFY_S = const(60)  # a relay board that has lost its supply has forgotten
_RESTS = const(-1)  # without any power, as it stands
_DAYS = const("firmware.day_runs")

# As in protocols/actuator.py, whose names would take heap; a test compares them.
_SWITCH = const(2)
_INTERLOCK = const(3)
_FAULT = const(4)


class Part(Actuator):
    # One actuator. row: of the config, from its safe value to what it needs. switch, interlock:
    # contacts, None where it has none, False where that is not there, which forbids. days: None,
    # or [the day, its seconds that are written down].
    def __init__(self, name, driver, switch, interlock, days, now_s, row):
        spent_s = days[1] if days else 0
        super().__init__(row[0], row[1], row[2], row[3], row[4], row[5], now_s, spent_s)
        self.name = name
        self.driver = driver
        driver.safe = row[0]
        self.switch = switch
        self.interlock = interlock
        self.days = days
        self.target = 0  # the value that its driver is to have
        self.done = None  # the value that its driver has, None: not known
        self.done_s = now_s
        self.failures = 0
        self.fault_s = None  # since when it is at fault
        self.untold = None  # of a fault: reason, value, feedback
        self.refused = None  # when a contact last said no, and which
        self.decider = 0, 0  # cause, number of the rule
        self.told = 0, 0, 0, 0

    def settled(self):
        return not self.driver.SLOW or self.done == self.value

    # Whether a contact or a fault forbids it.
    def judge(self, now_s):
        why = 0
        if self.switch is False or (self.switch and self.switch.is_active()):
            why = _SWITCH
        elif self.interlock is not None and not (self.interlock and self.interlock.is_active()):
            why = _INTERLOCK
        if why:
            self.refused = now_s, why
        elif self.refused and now_s - self.refused[0] < _QUIET_S:
            why = self.refused[1]
        self.blocked = why or (_FAULT if self.fault_s is not None else 0)

    # It may try again, as often as at first.
    def forgive(self):
        self.fault_s = None
        self.failures = 0


class Actuators:
    # looked(number) -> [(name, counts)], what a rule looked at. urgent(): somebody is to be told
    # now.
    def __init__(self, node, parts, offset_s, looked, urgent):
        self._node = node
        self.parts = parts
        self._offset_s = offset_s
        self._looked = looked
        self._urgent = urgent
        self._slow = [part for part in parts if part.driver.SLOW]
        self._jumps = None  # of the clock, when it was looked at for a day
        self._day_begin_s = self._day_end_s = 0  # uptime
        node.actuators = self
        self.off()

    def tasks(self):
        tasks = (("actuators", self._run, _SILENCE_S),)
        return tasks + (("relays", self._serve, _BUS_SILENCE_S),) if self._slow else tasks

    # It did not do what it was told: at rest for an hour, and told. feedback: counts, or None.
    def fail(self, part, reason, feedback=None):
        if part.fault_s is None:
            part.fault_s = self._node.clock.uptime_s()
            part.untold = reason, part.value, feedback

    # Everything to rest, at once: also out of an error, or before a reset.
    def off(self, parts=None):
        now_s = self._node.clock.uptime_s()
        for part in parts or self.parts:
            try:
                part.driver.off()
            except Exception:  # want of memory, too: the others go to rest all the same
                pass
            part.next(now_s, _FAULT)  # it has run until now
            part.put(0, now_s)
            part.target = 0
            part.done = None

    # --- the task

    async def _run(self, beat):
        parts = self.parts
        try:
            while True:
                beat()
                wait_ms = self._step()
                n = len(parts)
                while n:  # what stops does so before what it needs, and before anything starts
                    n -= 1
                    if not parts[n].value and self._has_to(parts[n]):
                        await self._drive(parts[n])
                for part in parts:
                    if self._has_to(part):
                        await self._drive(part)
                    wait_ms = min(wait_ms, part.driver.tend() or wait_ms)
                self._tell_changes()
                await asyncio.sleep_ms(wait_ms)
        finally:  # nobody looks after them now
            self.off()

    # -> ms until the next one
    def _step(self):
        now_s = self._node.clock.uptime_s()
        self._see_day(now_s)
        for part in self.parts:
            if part.driver.lost:
                self.fail(part, "travel_lost")
            if part.fault_s is not None and now_s - part.fault_s >= _FAULT_S:
                part.forgive()
            part.judge(now_s)
        busy = step(self.parts, now_s)
        for part in self.parts:
            busy = busy or part.value or part.blocked
        return _BUSY_MS if busy else _IDLE_MS

    # Whether its driver is to be told something; one behind a line is told by _serve.
    def _has_to(self, part):
        slow, days = part.driver.SLOW, part.days
        part.target = _RESTS if part.blocked and not slow else part.value
        # Before it runs, and while it does: what a power cut could make forgotten is written down.
        if part.target > 0 and days and part.spent_s >= days[1]:
            if not later.call(_DAYS, "reserve", part):
                part.target = 0
                self.fail(part, "fs_corrupt")
        return not slow and part.target != part.done

    async def _drive(self, part):
        try:
            if part.target == _RESTS:
                part.driver.off()
            else:
                await part.driver.put(part.target)
            part.done = part.target
        except (OSError, DriverError) as error:
            self.fail(part, getattr(error, "reason", "actuator_no_effect"))

    # A day ends at midnight, and by the uptime it lasts most of one: a clock that jumps gives
    # nothing more, and one that was years ahead keeps no day away.
    def _see_day(self, now_s):
        clock, first = self._node.clock, self._jumps is None
        over = not first and now_s >= self._day_end_s
        if clock.synced and (over or self._jumps != clock.jumps):
            day, second = divmod(clock.now() + self._offset_s, _DAY_S)
            if first or over:
                self._day_begin_s = now_s - (second if first else 0)
            self._jumps = clock.jumps
            self._day_end_s = now_s + _DAY_S - second
            if self._day_end_s - self._day_begin_s < _SHORTEST_S:
                self._day_end_s += _DAY_S
            for part in self.parts:
                if part.days:
                    if over or (first and part.days[0] is not None and day > part.days[0]):
                        part.new_day()
                    part.days[0] = day
        for part in self.parts:
            if part.days and not part.value and part.spent_s != part.days[1]:
                later.call(_DAYS, "keep", part, part.spent_s)

    # --- relays behind a line that others use

    async def _serve(self, beat):
        try:
            while True:
                for part in self._slow:
                    beat()
                    age_s = self._node.clock.uptime_s() - part.done_s
                    renew_s = part.driver.renew_s if part.target else _VERIFY_S
                    if part.target != part.done or age_s >= renew_s:
                        await self._write(part)
                await asyncio.sleep_ms(_BUSY_MS)
        finally:
            self.off(self._slow)

    # What is wanted, or as long as nobody knows what it does: again and again.
    async def _write(self, part):
        try:
            async with self._node.parts_lock:
                target = part.target  # only now: others may have had the line for long
                left_s = part.left_s(self._node.clock.uptime_s())
                # It is about to open by itself: told again just after, it would close once more.
                if target and target == part.done and left_s < _LAST_S:
                    return
                await part.driver.put(target, left_s)
            now_s = self._node.clock.uptime_s()
            if not target and part.done != target:
                part.rests(now_s)
            part.done, part.done_s, part.failures = target, now_s, 0
        except (OSError, DriverError) as error:
            part.done = None
            part.failures += 1
            reason = getattr(error, "reason", "sensor_timeout")
            self._node.counters.count(reason)
            if part.failures == _TRIES:
                self.fail(part, reason)

    # --- what is told

    def _tell_changes(self):
        for part in self.parts:
            try:
                self._tell_fault(part)
                self._tell_decision(part)
            except MemoryError:  # what finds no room now is told at the next step
                pass

    def _tell_fault(self, part):
        node, fault = self._node, part.untold
        if fault and node.tell("actuator_fault", part.name, *fault) is not None:
            part.untold = None
            self._urgent()
            node.log("%s: %s" % (part.name, fault[0]), "control")

    def _tell_decision(self, part):
        held = part.why if _SWITCH <= part.why <= _FAULT else 0
        (cause, number), told = part.decider, part.told
        if told[0] != part.value or told[1] != cause or told[2] != number or told[3] != held:
            now = part.value, cause, number, held
            looked = self._looked(number)
            if self._node.tell("decision", part.name, *now[:3], part.why, looked) is not None:
                part.told = now
