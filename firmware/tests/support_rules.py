# A unit with alarm rules: its alerts and its sampler are real, its river is not.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import SensorError
from firmware import events
from firmware.alarm_rules import AlarmRules
from firmware.tests.support_alerts import NOW
from firmware.tests.support_alerts import Unit as AlertUnit
from firmware.watched_sampler import WatchedSampler
from protocols import event, event_reader
from protocols.command import ALARM_RULES, Command


def channel(name, source):
    return {
        "name": name,
        "from": source,
        "unit": "m",
        "scale": 1000,
        "minimum": -1000,
        "maximum": 9000,
        "dead_band": 0,
    }


PROFILE = {
    "id": "p",
    "schema": {"id": 3, "version": 1},
    "interval_s": 300,
    "report_samples": 4,
    "channels": [channel("level", "river.level"), channel("dry", "none.level")],
}


def rule(number=1, hold_s=0, threshold=3200, sound="flood", cls=2, **changes):
    alert = {0: cls, 1: 1, 2: [[0, 0, 10000]], 5: sound}
    item = {0: number, 1: "level", 2: "m", 3: 1000, 4: threshold}
    item.update({6: 100, 7: hold_s, 8: 60, 9: 600, 10: alert})
    for key in changes:
        item[int(key[1:])] = changes[key]
    return item


class River:
    CHANNELS = (("level", "m", 1000),)

    def __init__(self):
        self.values = (3000,)
        self.failures = []  # reasons, one a try; then it answers again

    async def probe(self):
        pass

    async def read(self):
        if self.failures:
            raise SensorError(self.failures.pop(0))
        return self.values


class Outbox:
    def __init__(self):
        self.next_rn = 1
        self.records = []
        self.broken = False

    def append(self, build, urgent=False):
        if self.broken:
            raise OSError(28)
        self.records.append(build(self.next_rn))
        self.next_rn += 1
        return self.next_rn - 1


class Unit(AlertUnit):
    # As the node that AlarmRules knows, with alerts and a sampler that are real.
    def __init__(self, root, synced=True):
        super().__init__(root, synced)
        self.root = root
        self.river = River()
        self.outbox = Outbox()
        self.lock = asyncio.Lock()
        parts = {"river": self.river, "none": None}
        shared = PROFILE, parts, self.lock, self.clock, self.counters, self.outbox
        self.sampler = WatchedSampler(*shared, 300, 4)
        self.logged = []
        self.events = []
        self.breaks_event = None
        self.rules = AlarmRules(self, self.sampler, self.alerts)

    def log(self, text, name):
        self.logged.append(text)

    def keep_crash(self, error, name):
        self.logged.append(repr(error))

    def tell(self, kind, *args):
        if kind == "receipt":
            return super().tell(kind, *args)
        if kind != "alarm":
            self.events.append((kind,) + args)
            return None
        if self.breaks_event:
            raise self.breaks_event
        return events.alarm(self, *args)

    def order(self, *items, **more):
        sent = more.get("sent", 1)
        command = Command(ALARM_RULES, b"12345678", True, 0, NOW, 1, list(items), [sent, 0])
        return self.rules.replace(command)

    def level(self, counts):
        self.river.values = (counts,)

    def alarms(self):
        found = [event_reader.decode(record) for record in self.outbox.records]
        return [(rn, body) for rn, kind, t, body in found if kind == event.ALARM]

    def heard(self):
        return [name for name, percent in self.player.heard]
