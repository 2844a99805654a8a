# The self-tests that a loudspeaker makes by itself, and what comes out of any of them.
# SPDX-License-Identifier: Apache-2.0
import asyncio

import esp32

from protocols import command
from protocols.compat import const
from protocols.reasons import code
from protocols.receipt import DONE
from protocols.tone import STEADY

ASKED = const("self-test")  # by a command
SCHEDULED = const("schedule")

_TONE_MS = const(1000)
LATE_S = const(900)  # what cannot begin for so long is missed: nobody expects a tone then
_KEY = const("self_test")
_NOT_RUN = const(("preempted", "cmd_expired", "cancelled"))

# As in protocols/event.py, whose names would take heap; a test compares them.
_SCHEDULED = const(2)
_SILENT = const(3)
_FAILED = const(4)
_PROOF = const(5)
_MISSED = const(6)
_BATTERY_MV = const(7)


# It takes its turn like an alert, below all others, so it never sounds while one of them does. A
# silent one has nothing to say: the amplifier is on for a moment, and whatever needs no sound is
# looked at.
def alert(silent, event):
    content = [] if silent else [[command.TONE, STEADY, _TONE_MS]]
    return command.Alert(command.TEST, 4, content, 1, None, event, False)


# result: of the player, None if it did not come to that. -> the body of an event SELF_TEST
def outcome(alert, stage, reason, result):
    failed = list(result.failed) if result else []
    if not reason and stage != DONE:
        reason = "cancelled"
    if reason and reason not in failed:
        failed.append(reason)
    body = {
        _SCHEDULED: alert.event == SCHEDULED,
        _SILENT: not alert.content,
        _FAILED: [code(name) for name in failed],
    }
    if result and result.proof:
        body[_PROOF] = result.proof
    if result and result.battery_mv is not None:
        body[_BATTERY_MV] = result.battery_mv
    return body


class Schedule:
    # Every every_s since 2024-01-01T00:00:00Z + at_s; submit(id, alert, not_before, expires).
    def __init__(self, every_s, at_s, silent, clock, submit, nvs=None):
        self._every_s = every_s
        self._at_s = at_s
        self._alert = alert(silent, SCHEDULED)
        self._clock = clock
        self._submit = submit
        self._nvs = nvs or esp32.NVS("fieldbeat")
        self._done_s = self._load()  # when the last one was due that has run
        self._due_s = self._done_s or 0  # of the last one that was submitted

    async def run(self, beat):
        while True:
            beat()
            if self._clock.synced:
                self._look(self._clock.now())
            await asyncio.sleep_ms(self._clock.slice_ms())

    def _last_due_s(self, now):
        return now - (now - self._at_s) % self._every_s

    def _look(self, now):
        due_s = self._last_due_s(now)
        if self._done_s is None or self._done_s > now:  # it is new, or the clock was far ahead
            self._store(due_s)
            self._due_s = due_s
        elif due_s > self._due_s and now - due_s < LATE_S:
            self._due_s = due_s
            self._submit(b"test" + due_s.to_bytes(4, "big"), self._alert, due_s, due_s + LATE_S)

    # What came out, of any self-test, before it is told: how many did not run is added.
    def note(self, body):
        if self._done_s is None or not body[_SCHEDULED]:
            return
        if self._clock.synced:  # one that a reset has cut was submitted before it
            self._due_s = max(self._due_s, self._last_due_s(self._clock.now()))
        body[_MISSED] = max(0, (self._due_s - self._done_s) // self._every_s - 1)
        if not any([code(name) in body[_FAILED] for name in _NOT_RUN]):
            self._store(self._due_s)

    def _load(self):
        try:
            return self._nvs.get_i32(_KEY)
        except OSError:  # there was none yet
            return None

    def _store(self, due_s):
        self._done_s = due_s
        try:
            self._nvs.set_i32(_KEY, due_s)
            self._nvs.commit()
        except (OSError, OverflowError):  # the second: from 2092 on
            pass  # one is run again, or counted as missed
