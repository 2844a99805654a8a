# Sends a unit to sleep while all its tasks wait for a time. It takes the place of the role, whose
# tasks it watches, and is loaded only where the config has a table [power].
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

import machine

from protocols.compat import const

from . import later

_DEEP = const("firmware.deep_sleep firmware.sleep_store firmware.sleep_state")
_PARTS = const("firmware.power_parts")

_LOOK_MS = const(1000)
_SILENCE_S = const(300)
_DAY_S = const(86400)
# Below these a sleep costs more than it saves: a boot, or stopping and starting the clocks.
_SHORTEST_DEEP_MS = const(15000)
_SHORTEST_LIGHT_MS = const(200)
_TOLD_MS = const(50)  # what was printed leaves the UART first
_FIRST_LEAD_MS = const(4000)  # a guess, until it is known how long a boot takes
_GPIO = const(7)  # machine.wake_reason(): esp_sleep_wakeup_cause_t


def make(node, role, board):
    return Sleeper(node, role, board)


class Sleeper:
    def __init__(self, node, role, board):
        power = node.config["power"]
        self.lead_ms = _FIRST_LEAD_MS  # it wakes so long before something is due
        self.asleep_ms = 0  # since the last reset that was no sleep
        self._node = node
        self._role = role
        self._clock = clock = node.clock
        self._mode = "never" if role.ALWAYS_ON else power["sleep"]
        self._byte_s = power["console_s"]
        self.pins = board.manifest  # until start() has made them
        self._rails = board.rails
        self._tasks = len(role.tasks())
        self._due = {}  # a task's beat: the time for which it waits
        self._until = clock.until
        clock.until = self.until
        self._console = node._console._stream = _Heard(node._console._stream, clock)
        self._console.heard_s = clock.uptime_s() + power["window_s"] - self._byte_s

    # All else is the role's.
    def __getattr__(self, name):
        return getattr(self._role, name)

    # Before the tasks; what was kept over a deep sleep is taken up.
    def start(self):
        self.pins = later.call(_PARTS, "Pins", self.pins)
        if later.call(_DEEP, "wake_up", self, self._node, self._role):
            self._console.heard_s = -self._byte_s

    def tasks(self):
        return self._role.tasks() + (("sleep", self.run, _SILENCE_S),)

    # Clock.until(), which says for what a task waits. It begins on a whole second, as the waits of
    # a unit that does not sleep do: a sample is read as late after its time.
    async def until(self, t, beat):
        clock = self._clock
        self._due[beat] = t
        try:
            jumps = clock.jumps
            clock.uptime_s()
            await asyncio.sleep_ms(-clock._rest_ms % 1000)
            return jumps == clock.jumps and await self._until(t, beat)
        finally:
            del self._due[beat]

    async def run(self, beat):
        while True:
            beat()
            if self._idle_ms():
                await asyncio.sleep_ms(_TOLD_MS)
                left_ms = self._idle_ms()  # somebody may have come meanwhile
                if left_ms:
                    self._sleep(left_ms)
            await asyncio.sleep_ms(_LOOK_MS)

    # How long it may sleep; 0 if something is going on, or soon will.
    def _idle_ms(self):
        node, clock, console = self._node, self._clock, self._console
        uptime_s = clock.uptime_s()
        if (
            self._mode == "never"
            or node.safe_mode_reason
            or not console.waits
            or uptime_s - console.heard_s < self._byte_s
            or len(self._due) < self._tasks
            or node.parts_lock.locked()
            or any([rail.users for rail in self._rails.values()])
        ):
            return 0
        # The house has its daily events, and the watchdog its food.
        house_s = _DAY_S - uptime_s % _DAY_S
        left_ms = min(min(self._due.values()) - clock.now(), house_s) * 1000 - clock._rest_ms
        if self._mode == "deep":
            left_ms -= self.lead_ms
            return left_ms if left_ms >= _SHORTEST_DEEP_MS else 0
        left_ms = min(left_ms, clock.slice_ms())
        return left_ms if left_ms >= _SHORTEST_LIGHT_MS else 0

    def _sleep(self, ms):
        if self._mode == "deep":
            self._node.make_room()
            later.call(_DEEP, "go", self, self._node, self._role, ms)  # it is back if it must not
            self._mode = "light"
            return
        self.pins.arm()
        before_ms = time.ticks_ms()
        machine.lightsleep(ms)
        self.asleep_ms += time.ticks_diff(time.ticks_ms(), before_ms)
        reason = machine.wake_reason()
        self.pins.woken(self._role.parts, reason)
        if reason == _GPIO:  # those bytes are lost, the next ones are not
            self._console.heard_s = self._clock.uptime_s()


class _Heard:
    # The console's stream, and when somebody was last heard on it.
    def __init__(self, stream, clock):
        self._stream = stream
        self._clock = clock
        self.write = stream.write
        self.waits = False
        self.heard_s = 0

    async def read(self):
        self.waits = True
        data = await self._stream.read()
        self.waits = False
        self.heard_s = self._clock.uptime_s()
        return data
