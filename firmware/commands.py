# What a frame tells the unit to do: opened, judged, noted on flash, and only then obeyed.
# SPDX-License-Identifier: Apache-2.0
import gc

from protocols import frame, receipt
from protocols.authority import REPEATED, Authority
from protocols.command import DAILY

_threshold = getattr(gc, "threshold", lambda *size: -1)  # CPython's takes something else


class Commands:
    # role: obey(command, verdict) gets what may be obeyed, repeated(command) what was told before,
    # answer(id, stage, reason) what became of a command, or why it is not obeyed.
    def __init__(self, secrets, issuers, counters, clock, groups, two_for, role):
        self._secrets = secrets
        self._issuers = issuers
        self._counters = counters
        self._clock = clock
        self._groups = groups
        self._keys = secrets.keyset()
        self._role = role
        # Whatever sounds is signed: whoever breaks into the collector cannot make a pole speak.
        state = issuers.keys(), issuers.seen(), two_for, DAILY, issuers.ring()
        self.authority = Authority(*state)

    def take(self, datagram):
        window = self._secrets.window_load()
        try:
            cls, piv, plaintext = self._keys.open(frame.DOWN, datagram, window)
            if cls != frame.COMMAND:
                raise frame.FrameError("class")
        except frame.FrameError as error:
            self._counters.count("frame_" + error.reason)
            return
        verdict = self._judge(plaintext)
        command, reason = verdict.command, verdict.reason
        # Before it takes effect: a reset in between costs a repetition; nothing is obeyed twice.
        window.accept(piv)
        self._store(self._secrets.window_store, window)
        if command is None:
            self._counters.count(reason)
        elif reason == REPEATED:
            self._role.repeated(command)
        elif reason:
            self._counters.count(reason)
            self._role.answer(command.id, receipt.REFUSED, reason)
        else:
            # First what is to be done is kept, then the counter that it has used up: a power cut
            # in between costs nothing. Both before the first sample, since no task runs here.
            self._role.obey(command, verdict)
            self.authority.accept(verdict)
            self._store(self._issuers.store_seen, self.authority.counters)

    # The numbers of a signature are garbage as soon as they are made, and of a size that fits into
    # any gap: collected as often as boot.py wants it, they take four times as long.
    def _judge(self, plaintext):
        clock = self._clock
        often = _threshold()
        _threshold(-1)  # when the heap is full
        try:
            return self.authority.check(
                plaintext, self._keys.kid, self._groups, clock.now(), clock.synced
            )
        finally:
            _threshold(often)

    # A flash that refuses must not keep the pole silent: what is in memory still protects it.
    def _store(self, store, value):
        try:
            store(value)
        except (OSError, MemoryError):
            self._counters.count("fs_corrupt")

    def note(self, id, stage):
        self.authority.note(id, stage)
        self._store(self._issuers.store_ring, self.authority.ring)

    # Noted and told after it was done, so that a reset in between does it again.
    def settle(self, id, refused=None):
        stage = receipt.REFUSED if refused else receipt.DONE
        self.note(id, stage)
        self._role.answer(id, stage, refused)
