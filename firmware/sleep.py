# Sends a unit to sleep while all its tasks wait for a time. It takes the place of the role, whose
# tasks it watches, and is loaded only where the config has a table [power]. What it needs now and
# then is in sleep_start.py and sleep_look.py, since a station has little heap left.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from . import later

_START = const("firmware.sleep_start firmware.power_parts firmware.filmed")
_WAKE = const("firmware.deep_wake firmware.sleep_store protocols.cbor protocols.cbor_reader")
_LOOK = const("firmware.sleep_look")

_LOOK_MS = const(1000)
_TOLD_MS = const(50)  # what was printed leaves the UART first
_SILENCE_S = const(300)


def make(node, role, board):
    return Sleeper(node, role, board)


class Sleeper:
    def __init__(self, node, role, board):
        self.node = node
        self.role = role
        self.board = board  # until start() has taken what it needs
        self.due = {}  # a task's beat: the time for which it waits

    # All else is the role's.
    def __getattr__(self, name):
        return getattr(self.role, name)

    # Before the tasks; what was kept over a deep sleep is taken up.
    def start(self):
        later.call(_START, "begin", self, self.node, self.role)
        if later.call(_WAKE, "wake_up", self, self.node, self.role):
            self.console.heard_s = -self.byte_s

    def tasks(self):
        return self.role.tasks() + (("sleep", self.run, _SILENCE_S),)

    # Clock.until(), which says for what a task waits. It begins on a whole second, as the waits of
    # a unit that does not sleep do: a sample is read as late after its time.
    async def until(self, t, beat):
        clock = self.node.clock
        self.due[beat] = t
        try:
            jumps = clock.jumps
            clock.uptime_s()
            await asyncio.sleep_ms(-clock.rest_ms % 1000)
            return jumps == clock.jumps and await self.wait_until(t, beat)
        finally:
            del self.due[beat]

    async def run(self, beat):
        while True:
            beat()
            # Whatever else may be going on: as long as a task works, no more has to be known.
            if len(self.due) == self.count and later.call(_LOOK, "is_idle", self):
                await asyncio.sleep_ms(_TOLD_MS)
                later.call(_LOOK, "sleep", self)
            never = self.mode == "never"
            await asyncio.sleep_ms(self.node.clock.slice_ms() if never else _LOOK_MS)


class Heard:
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
