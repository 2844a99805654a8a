# What this unit was told to say: which alert has its turn, what is kept over a power cut, and the
# receipts that tell how far each came.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os
import time

from protocols import cbor, receipt
from protocols.arbiter import Arbiter, Request, volume
from protocols.command import TEST, Alert
from protocols.compat import const
from protocols.reasons import code

from . import self_test

_TICK_S = const(50)  # at most, also where nothing is due: the watchdog wants a beat
_LOOK_MS = const(20)  # between two looks whether what plays has ended
_BEGIN_MS = const(500)  # what takes longer to begin does not hold up the receipts
# Of 255: the share of the time of play in which the line must have current, or nobody heard it.
_SHARE_MIN = const(32)
# An amplifier whose supply comes up slowly, or that was hot, is asked again.
_TRIES = const(3)
_AGAIN_S = const(5)
_FILE = const("/alerts.cbor")
# What is kept for a power cut: that flash does not take it, or that an old heap has no kilobyte in
# one piece to write it with, keeps nobody silent.
_NOT_KEPT = (OSError, MemoryError)


class Held:
    def __init__(self, id, alert, not_before, expires):
        self.id = id
        self.alert = alert
        self.not_before = not_before
        self.expires = expires
        self.issuers = ()  # kids of who signed it; none of what this unit does by itself
        self.hops = None  # [ms since it was sent until: received, verified, decided, sounded]
        self.began_ms = time.ticks_ms()  # when it was received, the first of the hops
        self.started_s = None  # time of the first sample, 0 where nobody knows the time
        self.by_uptime = False  # not_before and expires are in it: it needs no clock
        self.cut = False  # a reset has interrupted it
        self.whole = False  # it was played to its end, once at least
        self.failures = 0  # plays that ended before anything was heard

    # The next hop is reached. more_ms: what a silent drill has not waited for, but a sound would.
    def hop(self, more_ms=0):
        if self.hops and len(self.hops) < 4:
            passed = time.ticks_diff(time.ticks_ms(), self.began_ms)
            self.hops.append(self.hops[0] + passed + more_ms)


# How it is kept on flash. An uptime means nothing after a reset, so what counts by it is kept as
# expired; the rule that wanted it watches on.
def _entry(held):
    start, end = (0, 0) if held.by_uptime else (held.not_before, held.expires)
    return [held.id, list(held.alert), start, end, held.started_s] + list(held.issuers)


class Alerts:
    # player: async play(alert, percent, on_sound), result (of the last play), settle_ms (before
    # the first sample), see player.py;
    # seen(id) and note(id, stage): the ids that are kept for good; unended(): those of them that
    # were accepted and did not end; may(issuers, class, level): whether they may order it still;
    # tell(event, body) puts a receipt, or what came out of a self-test, into the outbox.
    def __init__(self, root, clock, counters, player, table, seen, note, unended, may, tell):
        self._path = root + _FILE
        self._clock = clock
        self._counters = counters
        self._player = player
        self._table = table
        self._seen = seen
        self._note = note
        self._unended = unended
        self._may = may
        self._tell = tell
        self._arbiter = Arbiter()
        self._held = {}
        self._kept = self._load()  # entries from before a reset, until the time is known
        self._receipts = []  # (event, body)
        self._untold = []  # entries that are over, until their receipts are on flash
        self._jumps = clock.jumps
        self._wanted = None  # the id that has its turn
        self._performing = None  # the id that is being played, or put to rest
        self._performance = None  # its task
        self._result = None  # of the last performance; None if it was cut before it began
        self._failed = False
        self._begins = False  # something has its turn, and was not heard yet
        self._final = None  # stage and reason of its last receipt, which waits for the proof
        self._turn = asyncio.Event()  # there is something to play
        self._changed = asyncio.Event()
        self.news = asyncio.Event()  # receipts wait for the uplink

    # --- commands

    def submit(self, held):
        self._take_up()
        held = self._held.setdefault(held.id, held)  # if it found no room, and is repeated
        self._keep()
        self._changed.set()
        # Noted only when it has found room here: what is noted is not judged again when it is
        # repeated.
        actions = self._arbiter.submit(self._request(held), self._clock.uptime_s(), held.cut)
        self._remember(held.id, receipt.ACCEPTED)
        self._do(actions)

    # What finds no room for it has it at the next turn, see _catch_up().
    def _hand_over(self, held):
        self._changed.set()
        try:
            self._do(self._arbiter.submit(self._request(held), self._clock.uptime_s(), held.cut))
        except MemoryError:
            self._counters.count("task_restart")

    def cancel(self, id):
        self._take_up()  # what a power cut has left may be what is meant
        self._catch_up()  # or what has found no room
        known = id in self._held
        self._do(self._arbiter.cancel(id, self._clock.uptime_s()))
        return known

    # After the issuers have changed. Whatever somebody ordered who may no more, as his key was
    # stolen, say, is silent from now on, even if it sounds at the moment.
    def drop_revoked(self):
        self._take_up()
        self._catch_up()
        for held in list(self._held.values()):
            if not self._is_allowed(held):
                self._do(self._arbiter.cancel(held.id, self._clock.uptime_s(), "revoked"))

    def _is_allowed(self, held):
        return self._may(held.issuers, held.alert.cls, held.alert.level)

    def find(self, id):
        self._take_up()
        held = self._held.get(id)
        return held.alert if held else None

    # A receipt about a command that never came to be held here.
    def answer(self, id, stage, reason=None, hops=None):
        self._queue("receipt", receipt.body(id, stage, code(reason), hops=hops))

    def _queue(self, event, body):
        self._receipts.append((event, body))
        self.news.set()

    # --- two tasks: whose turn it is, and playing

    async def run(self, beat):
        while True:
            beat()
            self._take_up()
            self._tell_lost()
            self._follow_clock()
            now_s = self._clock.uptime_s()
            self._do(self._arbiter.tick(now_s))
            self._catch_up()
            due_s = self._arbiter.next_s()
            wait_s = _TICK_S if due_s is None else min(max(due_s - now_s, 0), _TICK_S)
            if self._kept:
                wait_s = min(wait_s, 1)
            await self._within_s(self._changed, wait_s)

    # Want of memory may have come between any two lines: whatever is held is handed over, told of
    # once it has ended, and played when it has its turn.
    def _catch_up(self):
        for held in list(self._held.values()):
            if self._arbiter.holds(held.id) or held.id == self._performing:
                continue
            if self._arbiter.has_ended(held.id):
                self._receipt(held.id, max(self._seen(held.id) or 0, receipt.DONE))
            else:
                self._hand_over(held)
        playing = self._arbiter.playing
        if playing is not None and playing != self._wanted:
            self._act("play", playing)

    async def _within_s(self, event, wait_s):
        try:
            await asyncio.wait_for_ms(event.wait(), max(wait_s * 1000, _LOOK_MS))
        except asyncio.TimeoutError:
            pass
        event.clear()

    # Only here is anything played, one after the other; a task of its own each, which may be cut,
    # and which goes on when this one was restarted. What plays and does not move is no beat.
    async def play(self, beat):
        while True:
            beat()
            if not self._performance:
                held = self._held.get(self._wanted)
                if held is None:
                    await self._within_s(self._turn, _TICK_S)
                    continue
                if held.failures:
                    await self._rest(held, beat)
                    if self._wanted != held.id:
                        continue
                self._result, self._failed, self._final = None, False, None
                self._performance = asyncio.create_task(self._perform(held))
                self._performing = held.id
            while not self._performance.done():
                if self._player.moved:
                    self._player.moved = False
                    beat()
                await asyncio.sleep_ms(_LOOK_MS)
            held = self._held.get(self._performing)
            self._performing = self._performance = None
            self._begins = False
            if held:
                self._settle(held)

    # Before it is tried again, unless something else has its turn meanwhile.
    async def _rest(self, held, beat):
        for _ in range(_AGAIN_S * 1000 // _LOOK_MS):
            beat()
            if self._wanted != held.id:
                return
            await asyncio.sleep_ms(_LOOK_MS)

    # Returns when what has its turn is heard: to erase a block of flash stops all else for 45 ms.
    async def begun(self):
        waited_ms = 0
        while self._begins and waited_ms < _BEGIN_MS:
            await asyncio.sleep_ms(_LOOK_MS)
            waited_ms += _LOOK_MS

    # Receipts into the outbox; apart from what makes a sound, which does not wait for the flash.
    def flush(self):
        while self._receipts:
            self._tell(*self._receipts.pop(0))
        self.news.clear()
        if self._untold:
            self._untold.clear()
            self._keep()

    def _do(self, actions):
        for action in actions:
            try:
                self._act(*action)
            except MemoryError:  # a receipt that finds no room holds up nothing that is to sound
                self._counters.count("task_restart")
        if actions:
            self._changed.set()

    def _act(self, kind, id, stage=None, reason=None):
        if kind == "receipt":
            if id == self._performing and receipt.is_final(stage):
                self._final = stage, reason
            else:
                self._receipt(id, stage, reason)
        elif kind == "stop":
            if self._wanted == id:
                self._wanted = None
            if self._performing == id and self._performance:
                self._performance.cancel()
        else:
            self._wanted = id
            self._begins = True
            self._turn.set()
            self._held[id].hop()  # decided

    async def _perform(self, held):
        try:

            def on_sound():
                self._begins = False
                if held.started_s is None:
                    try:
                        self._tell_start(held)
                    except MemoryError:  # it sounds all the same
                        self._counters.count("task_restart")

            percent = volume(held.alert, self._table["volume"], self._table["emergency_volume"])
            await self._player.play(held.alert, percent, on_sound)
        except asyncio.CancelledError:
            pass
        except Exception:  # whatever it was, the next alert is not to blame
            self._failed = True
            self._counters.count("task_restart")
        self._result = self._player.result
        held.whole = held.whole or bool(self._result and self._result.whole)

    def _tell_start(self, held):
        held.started_s = 0
        if self._clock.synced:
            held.started_s = self._clock.now()
        held.hop()
        self._keep()
        self._receipt(held.id, receipt.STARTED, "power_cut" if held.cut else None)

    # What was played has come to its end, by itself or not.
    def _settle(self, held):
        self._changed.set()
        result = self._result
        if result and result.proof and result.proof[2] < _SHARE_MIN:
            result.fail("no_sound")
        reason = "amp_fault" if self._failed else result.reason if result else None
        if self._final:
            stage, why = self._final
            self._final = None
            if stage == receipt.DONE and reason:
                stage, why = receipt.INTERRUPTED, reason
            elif stage == receipt.DONE and held.started_s is not None and not held.whole:
                stage, why = receipt.INTERRUPTED, "cmd_expired"  # before it was said once
            self._receipt(held.id, stage, why, result)
        elif self._wanted == held.id:
            if reason == "amp_fault" and self._may_try_again(held):
                return
            self._wanted = None
            actions = self._arbiter.ended(held.id, self._clock.uptime_s(), not reason, reason)
            for action in actions:
                if action[0] == "receipt" and action[1] == held.id:
                    self._receipt(held.id, action[2], action[3], result)
                else:
                    self._do((action,))

    # What nobody has heard is worth another try while its window is open.
    def _may_try_again(self, held):
        held.failures += 1
        untold = held.started_s is None and held.alert.cls != TEST
        return untold and held.failures < _TRIES

    # What is over is noted and leaves before all else: whatever fails then, it does not sound
    # again, and who asks is answered.
    def _receipt(self, id, stage, reason=None, result=None):
        is_final = receipt.is_final(stage)
        held = self._held.get(id)
        # Its window was over before its first sample.
        if stage == receipt.DONE and held and held.started_s is None and held.alert.content:
            stage, reason = receipt.INTERRUPTED, "amp_fault" if held.failures else "cmd_expired"
        if is_final:
            self._remember(id, stage)
            if self._held.pop(id, None):
                self._untold.append(_entry(held))
        if stage == receipt.SILENT and held:
            held.hop()
            held.hop(self._player.settle_ms)
        fields = {"hops": held.hops if held else None}
        if held and held.started_s:
            fields["start"] = held.started_s
            if is_final:
                fields["end"] = self._clock.now()
        if held and held.alert.cls == TEST:
            if is_final:
                self._queue("self_test", self_test.outcome(held.alert, stage, reason, result))
            if held.alert.event == self_test.SCHEDULED:
                return  # nobody waits for its receipt
        if result:
            fields["proof"], fields["source"] = result.proof, result.source
        self._queue("receipt", receipt.body(id, stage, code(reason), **fields))

    # What cannot be noted sounds all the same.
    def _remember(self, id, stage):
        try:
            self._note(id, stage)
        except _NOT_KEPT:
            self._counters.count("fs_corrupt")

    # --- time

    def _request(self, held):
        alert = held.alert
        start_s, end_s = self._window(held)
        return Request(held.id, alert.cls, alert.level, start_s, end_s, alert.silent)

    # In the uptime, which never jumps.
    def _window(self, held):
        if held.by_uptime:
            return held.not_before, held.expires
        zero_s = self._clock.uptime_s() - self._clock.now()
        return zero_s + held.not_before, zero_s + held.expires

    # A clock that was corrected has moved every window.
    def _follow_clock(self):
        if self._jumps != self._clock.jumps:
            self._jumps = self._clock.jumps
            for held in self._held.values():
                self._arbiter.move(held.id, *self._window(held))

    # --- over a reset

    def _keep(self):
        try:
            entries = [_entry(held) for held in self._held.values()]
            with open(self._path + ".new", "wb") as file:
                file.write(cbor.encode(self._kept + entries + self._untold))
            os.rename(self._path + ".new", self._path)
        except _NOT_KEPT:
            self._counters.count("fs_corrupt")  # it sounds all the same

    def _load(self):
        try:
            with open(self._path, "rb") as file:
                return cbor.decode(file.read())
        except (OSError, ValueError):
            return []

    # What finds no room waits for the next turn.
    def _take_up(self):
        if not self._kept or not self._clock.synced:
            return
        try:
            while self._kept:
                try:
                    self._take_up_one(self._kept[0])
                except (TypeError, ValueError):  # of another app: nobody could read it ever
                    self._counters.count("fs_corrupt")
                self._kept.pop(0)
            self._keep()
        except MemoryError:
            self._counters.count("task_restart")

    # After a start: what was accepted and is not kept any more, as a new image has taken its place
    # or the flash had refused it. Who waits for it to sound has to know.
    def _tell_lost(self):
        if not self._unended or self._kept or not self._clock.synced:
            return
        for id in self._unended():
            if id not in self._held:
                self.answer(id, receipt.INTERRUPTED, "power_cut")
                self._remember(id, receipt.INTERRUPTED)
        self._unended = None

    def _take_up_one(self, entry):
        id, alert, not_before, expires, started_s, *issuers = entry
        stage = self._seen(id)
        if id in self._held:
            return
        if stage is not None and receipt.is_final(stage):  # its receipt came to no flash
            self._untold.append(entry)
            self.answer(id, stage)
            return
        held = Held(id, Alert(*alert), not_before, expires)
        held.cut = started_s is not None
        held.issuers = issuers
        if not self._is_allowed(held):  # revoked just before the reset, or by provisioning
            stage = receipt.INTERRUPTED if held.cut else receipt.CANCELLED
            self._give_up(entry, stage, "revoked")
        elif expires > self._clock.now():
            self._held[id] = held
            self._hand_over(held)
        elif held.cut:
            self._give_up(entry, receipt.INTERRUPTED, "power_cut")
        else:
            self._give_up(entry, receipt.REFUSED, "cmd_expired" if expires else "power_cut")

    def _give_up(self, entry, stage, reason):
        self._untold.append(entry)
        self.answer(entry[0], stage, reason)
        self._remember(entry[0], stage)
