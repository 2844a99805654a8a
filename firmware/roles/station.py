# The station: measures at fixed times and tells the collector at fixed times.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const, crc32

from .. import flight, later
from ..sampler import Sampler
from ..uplink import Uplink

_WATCH = const("firmware.watch")
_TRACE = const("firmware.trace")
_CONTROL = const("firmware.control")
_OBEYING = const("firmware.obeying_uplink")
_FIRST_WAKE_S = const(5)  # after a boot: the events that tell of it
_SETTLE_S = const(15)  # from a sampling time to its values: the slowest part and all its tries
_SPREAD_S = const(600)  # units of a site do not wake all at once
_GOOD = const(("acked", "partly"))
# As in host_tools/flight_records.py.
_RAIL = const(30)  # mV
# How long a task may be silent before the watchdog bites.
_SAMPLER_SILENCE_S = const(300)  # a round in which every part fails
_UPLINK_SILENCE_S = const(1800)  # to open the carrier, or to wait for one answer; see uplink.py


class ModemGauge:
    # The modem as a part: what it measured when it was last on the air.
    CHANNELS = (("rsrp", "dBm", 1),)

    def __init__(self, carrier):
        self._carrier = carrier

    async def probe(self):
        pass

    async def read(self):
        return (self._carrier.status().get("rsrp_dbm"),)


def make(node, board, profile):
    return Station(node, board, profile)


class Station:
    ALWAYS_ON = False
    Uplink = Uplink  # of a role with more to send: another one

    def __init__(self, node, board, profile):
        self._node = node
        config = node.config
        carrier = board.carrier(node)
        self.parts = board.parts(config["fitted"])
        self.watch = self.control = None
        sampler, uplink = Sampler, self.Uplink
        if "control" in config:
            module = __import__(_CONTROL, None, None, ("Control",))
            if "power" not in config:  # whose sleep asks it for pins
                board.manifest.clear()  # its room is needed for what follows
            self.control, uplink = module.Control(node, self), module.ObeyingUplink
        if "watch" in config:
            module = __import__(_WATCH, None, None, ("Watch",))
            self.watch, sampler = module.Watch(node, self), module.PacedSampler
        parts = dict(self.parts)
        parts["modem"] = ModemGauge(carrier)
        sampling = config["sampling"]
        self.sampler = sampler(
            profile,
            parts,
            node.parts_lock,
            node.clock,
            node.counters,
            node.outbox,
            sampling["interval_s"],
            sampling["report_samples"],
            sampling.get("trim"),
        )
        if self.watch:
            self.watch.lead(self.sampler)
        shared = node.outbox, carrier, node.secrets, node.clock, node.counters, config
        self.trace = None
        if "trace" in config:
            self.trace = later.load(_TRACE, "Trace")(node, self)
            if uplink is Uplink and later.call(_OBEYING, "has_issuers"):
                uplink = later.load(_OBEYING, "ObeyingUplink")
        self.uplink = uplink(*shared, on_schemas=self._send_schemas)
        if self.control or self.trace:
            self.uplink.obey = node, self
        self._interval_s = config["uplink"]["interval_s"]
        self._started = False
        # Whether the last wake was answered and nothing is left to be told of those before it.
        # What was kept over a reset stands behind what clock and flight recorder have there.
        memory = node.clock.rtc.memory()
        self._contact = len(memory) <= flight.start(memory)

    # (name, function(beat), seconds that it may be silent)
    def tasks(self):
        tasks = (
            ("sampler", self.sampler.run, _SAMPLER_SILENCE_S),
            ("uplink", self._wakes, _UPLINK_SILENCE_S),
        ) + self.uplink.carrier.tasks(self.wake)
        for more in (self.watch, self.control, self.trace):
            tasks += more.tasks() if more else ()
        return tasks

    # One wake an interval, whether it works or not: a server that is down must not cost more.
    async def _wakes(self, beat):
        if not self._started:
            self._started = True  # a restarted task waits for its time
            await asyncio.sleep_ms(_FIRST_WAKE_S * 1000)
            await self.wake(beat)
        while True:
            if await self._node.clock.until(self.next_wake(self._node.clock.now()), beat):
                await self.wake(beat)

    async def wake(self, beat):
        beat()
        last = self.sampler.last.get("battery")
        if last and last[0]:
            flight.log(_RAIL, last[0])
        self._node.make_room()
        if self.trace:
            self.trace.wake()
        await self.uplink.wake(beat)
        try:
            self._node.woke()
            if not self._contact or self.uplink.outcome not in _GOOD:
                self._contact = self._node.tell("after_a_wake")
        except (
            MemoryError
        ) as error:  # the wake was good: what is to be told is told after the next
            self._node.keep_crash(error, "uplink")

    # The first wake after t: multiples of the interval, plus a time of the unit's own.
    def next_wake(self, t):
        interval_s = self._interval_s
        kid = self._node.secrets.identity()[0] or b""
        offset = min(_SETTLE_S, interval_s // 2)
        offset += crc32(kid) % max(1, min(interval_s // 4, _SPREAD_S))
        return ((t - offset) // interval_s + 1) * interval_s + offset

    def _send_schemas(self, ids):
        if self.sampler.schema.id in ids:
            self._node.tell("schema")
