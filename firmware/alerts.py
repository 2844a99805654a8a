# What this unit was told to say: which alert has its turn, what is kept over a power cut, and the
# receipts that tell how far each came.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os
import time

from protocols import cbor, receipt
from protocols.arbiter import Arbiter, Request, volume
from protocols.command import Alert
from protocols.compat import const
from protocols.reasons import CODES

_TICK_S = const(50)  # without anything due: a beat for the watchdog
_FILE = const("/alerts.cbor")


class Held:
    def __init__(self, id, alert, not_before, expires):
        self.id = id
        self.alert = alert
        self.not_before = not_before
        self.expires = expires
        self.hops = None  # [ms since it was sent until: received, verified, decided, sounded]
        self.began_ms = time.ticks_ms()  # of the first
        self.started_s = None  # time of the first sample
        self.cut = False  # a reset has interrupted it

    def hop(self):
        if self.hops and len(self.hops) < 4:
            passed = time.ticks_diff(time.ticks_ms(), self.began_ms)
            self.hops.append(self.hops[0] + passed)


class Alerts:
    # player: async play(alert, percent, on_sound) -> Result, see player.py; note(id, stage) keeps
    # ids for good; tell(body) puts a receipt into the outbox.
    def __init__(self, root, clock, player, table, note, tell):
        self._path = root + _FILE
        self._clock = clock
        self._player = player
        self._table = table
        self._note = note
        self._tell = tell
        self._arbiter = Arbiter()
        self._held = {}
        self._kept = self._load()  # from before a reset, until the time is known
        self._receipts = []
        self._performance = None  # the task that plays
        self._changed = asyncio.Event()
        self.news = asyncio.Event()  # receipts wait for the uplink

    # --- commands

    def submit(self, held):
        self._held[held.id] = held
        self._keep()
        self._note(held.id, receipt.ACCEPTED)
        self._do(self._arbiter.submit(self._request(held), self._clock.uptime_s(), held.cut))

    def cancel(self, id):
        known = id in self._held
        self._do(self._arbiter.cancel(id, self._clock.uptime_s()))
        return known

    def find(self, id):
        held = self._held.get(id)
        return held.alert if held else None

    # A receipt about a command that never came to be held here.
    def answer(self, id, stage, reason=None, hops=None):
        self._receipts.append(receipt.body(id, stage, CODES.get(reason), hops=hops))
        self.news.set()

    # --- the task

    async def run(self, beat):
        while True:
            beat()
            if self._kept and self._clock.synced:
                self._take_up()
            now_s = self._clock.uptime_s()
            self._do(self._arbiter.tick(now_s))
            due_s = self._arbiter.next_s()
            wait_s = _TICK_S if due_s is None else min(max(due_s - now_s, 0), _TICK_S)
            if self._kept:
                wait_s = min(wait_s, 1)
            self._changed.clear()
            try:
                await asyncio.wait_for_ms(self._changed.wait(), max(wait_s * 1000, 20))
            except asyncio.TimeoutError:
                pass

    # Receipts into the outbox; apart from what makes a sound, which does not wait for the flash.
    def flush(self):
        while self._receipts:
            self._tell(self._receipts.pop(0))
        self.news.clear()

    def _do(self, actions):
        for action in actions:
            kind, id = action[0], action[1]
            if kind == "receipt":
                self._receipt(id, action[2], action[3])
            elif kind == "stop":
                if self._performance:
                    self._performance.cancel()
            else:
                held = self._held[id]
                held.hop()  # decided
                self._performance = asyncio.create_task(self._perform(held, self._performance))
        self._changed.set()

    def _receipt(self, id, stage, reason=None, result=None):
        held = self._held.get(id)
        if stage == receipt.SILENT and held:
            held.hop()
            held.hop()
        fields = {"hops": held.hops if held else None}
        if held and held.started_s is not None:
            fields["start"] = held.started_s
        if receipt.is_final(stage):
            if held and held.started_s is not None:
                fields["end"] = self._clock.now()
            self._held.pop(id, None)
            self._keep()
            self._note(id, stage)
        if result:
            fields["proof"], fields["source"] = result.proof, result.source
        self._receipts.append(receipt.body(id, stage, CODES.get(reason), **fields))
        self.news.set()

    async def _perform(self, held, before):
        if before:
            try:
                await before  # it puts the amplifier to rest
            except asyncio.CancelledError:
                pass

        def on_sound():
            if held.started_s is None:
                held.started_s = self._clock.now()
                held.hop()
                self._keep()
                self._receipt(held.id, receipt.STARTED, "power_cut" if held.cut else None)

        percent = volume(held.alert, self._table["volume"], self._table["emergency_volume"])
        result = await self._player.play(held.alert, percent, on_sound)
        self._finish(held, result)

    def _finish(self, held, result):
        actions = self._arbiter.ended(held.id, self._clock.uptime_s(), result.ok, result.reason)
        for action in actions:
            if action[0] == "receipt" and action[1] == held.id:
                self._receipt(held.id, action[2], action[3], result)
            else:
                self._do((action,))
        self._changed.set()

    # --- over a reset

    def _request(self, held):
        clock, alert = self._clock, held.alert
        zero_s = clock.uptime_s() - clock.now()
        start_s, end_s = zero_s + held.not_before, zero_s + held.expires
        return Request(held.id, alert.cls, alert.level, start_s, end_s, alert.silent)

    def _keep(self):
        entries = [
            [held.id, list(held.alert), held.not_before, held.expires, held.started_s]
            for held in self._held.values()
        ]
        try:
            with open(self._path + ".new", "wb") as file:
                file.write(cbor.encode(entries))
            os.rename(self._path + ".new", self._path)
        except OSError:
            pass  # it sounds all the same

    def _load(self):
        try:
            with open(self._path, "rb") as file:
                return cbor.decode(file.read())
        except (OSError, ValueError):
            return []

    def _take_up(self):
        kept, self._kept = self._kept, []
        for id, alert, not_before, expires, started_s in kept:
            if id in self._held:
                continue
            held = Held(id, Alert(*alert), not_before, expires)
            held.cut = started_s is not None
            if expires <= self._clock.now():
                reason = "power_cut" if held.cut else "cmd_expired"
                stage = receipt.INTERRUPTED if held.cut else receipt.REFUSED
                self.answer(id, stage, reason)
            else:
                self.submit(held)
        self._keep()
