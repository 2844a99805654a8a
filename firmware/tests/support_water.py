# A station at a river: its watch, sampler and rain sums are real, its river and its rain are not.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import SensorError
from firmware import events
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.paced_sampler import PacedSampler
from firmware.tests.support import World, run
from firmware.watch import Watch
from protocols import event, event_reader

START = 13176000  # 2024-06-01T12:00:00Z


def channel(name, source, unit="m", scale=1000):
    limits = {"minimum": -1000, "maximum": 9000, "dead_band": 0}
    return dict(limits, **{"name": name, "from": source, "unit": unit, "scale": scale})


PROFILE = {
    "id": "p",
    "schema": {"id": 3, "version": 1},
    "interval_s": 300,
    "report_samples": 24,
    "channels": [
        channel("level", "river.level"),
        channel("rain_5min", "rain.last_5min", "mm", 10),
        channel("rain_day", "rain.day", "mm", 10),
    ],
}
FLOOD = [1, "level", "m", 1000, 2500, False, 100, 3, False]
RISE = [2, "level", "m/h", 1000, 600, False, 200, 30, True]
DRY = [3, "level", "m", 1000, 200, True, 50, 0, False]
CLOUDBURST = [4, "rain_5min", "mm", 10, 50, False, 20, 0, False]
PACE = {
    "interval_s": 60,
    "look_s": 3,
    "hold_s": 1800,
    "marks": [["level", 150, False, True], ["level", 2000, False, False]],
}


class Part:
    def __init__(self, *channels):
        self.CHANNELS = channels
        self.values = [0] * len(channels)
        self.failure = None
        self.store = Store()

    async def probe(self):
        pass

    async def read(self):
        if self.failure:
            raise SensorError(self.failure)
        return tuple(self.values)


class Store(dict):
    def put(self, name, value):
        self[name] = value


class Outbox:
    def __init__(self):
        self.records = []  # (record, urgent)
        self.broken = False

    def append(self, build, urgent=False):
        if self.broken:
            raise OSError(28)
        self.records.append((build(len(self.records) + 1), urgent))
        return len(self.records)


# As the node and the role that Watch knows.
class Station:
    def __init__(self, alarms=(FLOOD,), pace=PACE):
        self.world = World()
        self.counters = Counters()
        self.clock = Clock(self.counters)
        self.clock.set(START, "server")
        self.config = {
            "sampling": {"interval_s": 300},
            "watch": {"alarms": list(alarms), "pace": pace, "day_start_s": 0},
        }
        self.outbox = Outbox()
        self.river = Part(("level", "m", 1000))
        self.rain = Part(("rain", "mm", 10))
        self.river.values = [1000]
        self.parts = {"river": self.river, "rain": self.rain, "off": None}
        self.logged, self.wakes = [], []
        self.uplink = self
        self.outcome = "acked"
        self.watch = Watch(self, self)
        self.sampler = self.make_sampler()

    def make_sampler(self):
        shared = self.parts, asyncio.Lock(), self.clock, self.counters, self.outbox
        sampler = PacedSampler(PROFILE, *shared, 300, 24)
        sampler.follow(self.watch)
        return sampler

    def log(self, text, name):
        self.logged.append(text)

    def tell(self, kind, *args):
        return getattr(events, kind)(self, *args)

    async def wake(self, beat):
        self.wakes.append(self.clock.uptime_s())

    # The sampler's own steps, for so long. Returns when it made
    # a round, and how often it looked.
    def live(self, seconds, level=None):
        begin, rounds, looks = self.clock.now(), [], 0
        while True:
            due, t = self.sampler._next()
            if t > begin + seconds:
                self.world.pass_ms((begin + seconds - self.clock.now()) * 1000)
                return rounds, looks
            self.world.pass_ms((t - self.clock.now()) * 1000)
            if level:
                self.river.values = [level(t - begin)]
            if t == due:
                rounds.append(t - begin)
            else:
                looks += 1
            run(self.sampler.step(due, t))

    # What was told of alarms: (number, value, whether it begins)
    def told(self):
        found = [(event_reader.decode(r), urgent) for r, urgent in self.outbox.records if not r[0]]
        assert all([urgent for _, urgent in found])
        keys = event.ALARM_RULE, event.ALARM_VALUE, event.ALARM_BEGINS
        return [tuple([e[3][key] for key in keys]) for e, _ in found if e[1] == event.ALARM]
