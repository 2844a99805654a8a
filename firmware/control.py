# The rules of a station: they look every so often, and ask the actuators for what they want.
# Loaded only where the config has a table [control]; what looks and decides is loaded for each
# look, since its heap is worth more in between.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from . import later
from .obeying_uplink import ObeyingUplink  # noqa: F401

_SILENCE_S = const(300)  # a look in which every part fails
_WAKE_SILENCE_S = const(1800)  # as in roles/station.py
_POLL_MS = const(5000)
_RETRY_S = const(60)  # after the first wake that did not bring it to the server
_HOUR_S = const(3600)
_GOOD = const(("acked", "partly"))
_START = const(
    "firmware.control_start firmware.day_runs protocols.control_engine"
    " protocols.cbor protocols.cbor_reader"
)
_SENSE = const("firmware.sampler_look")
_LOOK = const(
    "firmware.control_look protocols.control_engine protocols.derived protocols.feedback"
    " protocols.sun protocols.cbor protocols.cbor_reader"
)


class Control:
    def __init__(self, node, role):
        self.node = node
        self.role = role
        self.orders = {}  # by actuator: (value, uptime at which it ends)
        self.sums = None  # what derived.py remembers
        self.sun = (None, 0, 0)  # day, sunrise, sunset
        self.due_s = 0  # when it is to look again
        self._wanted = False  # somebody is to be told now
        self.kept_s = 0  # when the sums were written down
        made = later.call(_START, "make", self, node, role.parts)
        self.actuators, self.idle, self.confirms, self.rules, self.kept = made

    def tasks(self):
        own = ("control", self._run, _SILENCE_S), ("urgent", self._send, _WAKE_SILENCE_S)
        return self.actuators.tasks() + own

    # A person wants a value of an actuator for so many seconds; value None: the rules have it
    # again. False: there is no such one.
    def order(self, *args):
        return later.call(_LOOK, "order", self, *args)

    def looked(self, number):
        return later.call(_LOOK, "looked", self, number) if number else ()

    def urgent(self):
        self._wanted = True

    # --- tasks

    async def _run(self, beat):
        clock = self.node.clock
        while True:
            now_s = clock.uptime_s()
            if now_s - self.due_s < _WAKE_SILENCE_S:  # longer than any wake has the heap: a reset
                beat()
            if now_s >= self.due_s:
                try:
                    if any([now_s >= order[1] for order in self.orders.values()]):
                        later.call(_LOOK, "again", self)
                    await self._look()
                except MemoryError:  # leases bridge it; there is room once others have left
                    self.node.make_room()
            await asyncio.sleep_ms(min(_POLL_MS, max(1, self.due_s - clock.uptime_s()) * 1000))

    # What is loaded to decide is there in between two waits only: nobody else lacks its room.
    async def _look(self):
        begin_s = self.node.clock.uptime_s()
        names = self.node.config["control"]["inputs"]
        found = await later.call(_SENSE, "look", self.role.sampler, names)
        later.call(_LOOK, "decide", self, begin_s, found)

    # Somebody is told at once, and not at the next wake.
    async def _send(self, beat):
        retry_s = _RETRY_S
        while True:
            beat()
            if not self._wanted:
                await asyncio.sleep_ms(_POLL_MS)
                continue
            self._wanted = False
            await self.role.wake(beat)
            if self.role.uplink.outcome in _GOOD:
                retry_s = _RETRY_S
                continue
            self._wanted = True
            for _ in range(retry_s // _RETRY_S):
                beat()
                await asyncio.sleep_ms(1000 * _RETRY_S)
            retry_s = min(2 * retry_s, _HOUR_S)
