# A player that takes ten seconds an alert, and a unit's Alerts with it.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

from firmware.alerts import Alerts, Held
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.self_test import alert
from protocols import receipt
from protocols.command import DAILY, Alert

NOW = 78000000
TABLE = {"volume": 60, "emergency_volume": 80}
STEP = [0, 0, 10000]


class Result:
    def __init__(self, ok=True, reason=None):
        self.ok, self.reason = ok, reason
        self.failed = [reason] if reason else []
        self.proof, self.source = b"\x01\x80\xff", 0
        self.battery_mv = 12400
        self.whole = ok

    def fail(self, reason):
        self.reason = self.reason or reason
        self.failed.append(reason)


class Player:
    settle_ms = 80
    moves = True  # while it plays

    @property
    def moved(self):
        return self.moves

    @moved.setter
    def moved(self, value):
        pass

    # Ten seconds an alert, as a loudspeaker that is told to stop in the middle does.
    def __init__(self):
        self.heard = []  # (event of the alert, percent)
        self.at_once = 0
        self.breaks = 0  # plays that fail
        self.begins_ms = 200  # until the first sample
        self.rounds = 1  # how often it is said in these ten seconds
        self.rest_ms = 0  # to put the amplifier to rest
        self.result = Result()

    async def play(self, alert, percent, on_sound):
        self.at_once += 1
        assert self.at_once == 1
        self.result.whole = False
        try:
            await asyncio.sleep_ms(self.begins_ms)
            if self.breaks:
                self.breaks -= 1
                raise MemoryError("no room")
            on_sound()
            self.heard.append((alert.event, percent))
            for _ in range(self.rounds):
                await asyncio.sleep_ms(9800 // self.rounds)
                self.result.whole = True
        finally:
            await asyncio.sleep_ms(self.rest_ms)
            self.at_once -= 1


class Unit:
    def __init__(self, root, synced=True):
        self.clock = Clock(Counters())
        if synced:
            self.clock.set(NOW, "server")
        self.player = Player()
        self.noted = []
        self.told = []  # receipts
        self.tested = []  # what came out of self-tests
        self.revoked = set()
        self.counters = Counters()
        shared = self.clock, self.counters, self.player, TABLE
        kept = self.seen, self.note, self.unended
        self.alerts = Alerts(root, *shared, *kept, self.may, self.tell)

    def note(self, id, stage):
        self.noted.append((id, stage))

    def may(self, issuers, cls, level):
        return not any([kid in self.revoked for kid in issuers])

    def tell(self, event, body):
        {"receipt": self.told, "self_test": self.tested}[event].append(body)

    def seen(self, id):
        stages = [stage for noted, stage in self.noted if noted == id]
        return stages[-1] if stages else None

    def unended(self):
        ids = {id for id, _ in self.noted}
        return [id for id in ids if not receipt.is_final(self.seen(id))]

    def send(self, name, cls=DAILY, level=4, start_s=0, for_s=3600, **more):
        volume, silent = more.get("volume"), more.get("silent", False)
        alert = Alert(cls, level, [STEP], 1, volume, name, silent)
        held = Held(name.encode() + bytes(7), alert, NOW + start_s, NOW + start_s + for_s)
        held.hops, held.began_ms = [5], time.ticks_ms()
        held.issuers = more.get("issuers", ())
        self.alerts.submit(held)
        return held.id

    def test(self, event, start_s=0, for_s=600):
        held = Held(b"selftest", alert(False, event), NOW + start_s, NOW + start_s + for_s)
        self.alerts.submit(held)
        return held.id

    def stages(self, id):
        self.alerts.flush()
        return [(body[3], body.get(4)) for body in self.told if body[2] == id]
