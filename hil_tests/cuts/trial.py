"""One board from its boot after a cut to its proof.

    with scratch_folder() as folder:
        Trial(recording, promise, flash, folder).run(verdict)

The recovery has settled when all that was safe has arrived at the collector, with word of a boot
after the cut, and three quiet seconds have passed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.provisioner import Provisioner

from ..virtual.errors import BenchError, PowerCut
from ..virtual.flash import FlashOp
from . import flash_reader, oracle
from .desk import UNIT, Desk
from .promises import Promise
from .recorder import plan_of
from .smp_console import SmpConsole
from .tape import ARRIVED, SENT, Recording, Tape

PROOF_S = 1800.0  # of virtual time: two wakes of an hour are more than a unit needs
QUIET_S = 3.0  # after the last answer: it is in the flash by then


@dataclass
class Verdict:
    """What became of one cut; `broken` is empty when every promise held."""

    cut: str
    what: str = ""  # the operation, in words
    broken: list[str] = field(default_factory=list)
    invalid: str = ""  # why this was no judgement
    recovery: int = 0  # flash operations until it had settled
    life: bytes = b""  # hash of all that the recovery wrote and sent
    virtual_s: float = 0.0
    seconds: float = 0.0
    console: str = ""


class Trial:
    """A board and its collector as they were when the power came back.

    Args:
        recording: whose cut it is.
        promise: what must hold.
        flash: what the cut has left.
        folder: for files; empty.
        cut_before: cut the power before this operation of the recovery, and end there.
    """

    def __init__(
        self,
        recording: Recording,
        promise: Promise,
        flash: bytes,
        folder: Path,
        cut_before: int | None = None,
    ) -> None:
        self.recording = recording
        self.promise = promise
        memory = recording.memories[promise.memory]
        self.desk = Desk(recording.seed, folder, flash, promise.back_us, memory)
        self._cut_before = cut_before
        self._is_cut = False
        self._tape: Tape | None = None
        self._life = hashlib.blake2b(digest_size=16)
        self._answered_us = -1
        self._known_before = 0
        self._alarms: frozenset[int] = frozenset()

    def run(self, verdict: Verdict, recovery: Recording | None = None) -> None:
        """Let it live, and say what was broken.

        Args:
            verdict: is filled in.
            recovery: what happens until the recovery has settled is recorded into it.
        """
        desk = self.desk
        with desk:
            if recovery:
                self._tape = Tape(recovery, desk, self.promise.back_us)
            self._known_before = oracle.last_row(desk.host.store_path)
            desk.host.on_taken = self._taken
            desk.unit.flash.before_op = self._before_op
            desk.unit.power_on()
            proved = desk.run_until(lambda: self._is_cut or self._proved(), PROOF_S)
            self._tape = None
            flash = desk.unit.flash
            if recovery:
                recovery.flash_at_end = flash.read(0, flash.size)
            verdict.recovery = flash.ops
            verdict.virtual_s = desk.world.now_us / 1e6
            if not proved:
                verdict.broken.append(f"it did not prove itself within {PROOF_S:.0f} s")
            if not self._is_cut:
                self._judge(verdict)
            verdict.life = self._end_of_life()

    def _judge(self, verdict: Verdict) -> None:
        verdict.broken += oracle.judge(self.recording, self.promise, self._outcome())
        promise = self.promise
        if not verdict.broken and len(promise.configs) + len(promise.identities) > 2:
            verdict.broken += self._provision_again()
        if verdict.broken:
            verdict.console = self.desk.unit.output.decode("utf-8", "replace")[-2000:]

    def _provision_again(self) -> list[str]:
        """What a technician does whose provisioning was interrupted: the same command."""
        wanted, rekey = self.promise.configs[-1], len(self.promise.identities) > 1
        link, host = SmpConsole(self.desk, self.desk.unit), self.desk.host
        try:
            link.wait()
            Provisioner(link, host.registry, lambda *step: None).run(plan_of(wanted), rekey)
        except (BenchError, FieldbeatError) as error:
            return [f"provisioning again fails: {error}"]
        who = host.identity(UNIT) if rekey else self.promise.identities[0]
        self.promise = replace(self.promise, configs=(wanted,), identities=(who,))
        self._answered_us = -1
        if not self.desk.run_until(self._all_came, PROOF_S):
            return ["after provisioning again: what stands in the log does not come"]
        broken = oracle.judge(self.recording, self.promise, self._outcome())
        return [f"after provisioning again: {text}" for text in broken]

    def _outcome(self) -> oracle.Outcome:
        desk = self.desk
        air = [
            (SENT if direction == "up" else ARRIVED, data)
            for _, direction, data in desk.network.capture
        ]
        flash = desk.unit.flash.read(0, desk.unit.flash.size)
        path, lost = desk.host.store_path, desk.host.lost
        return oracle.Outcome(flash, path, lost, self._known_before, air, self._alarms)

    def _taken(self, datagram: bytes, answers: list[bytes]) -> None:
        self._note_alarms()
        if answers:
            self._answered_us = self.desk.world.now_us
        if self._tape:
            self._tape.taken(datagram, answers)

    def _note_alarms(self) -> None:
        """What comes is still in the log: it goes when the unit knows that it came."""
        self._alarms |= self._log().alarms

    def _log(self) -> flash_reader.Log:
        content = self.desk.unit.flash.data  # not a copy of all of it
        try:
            return flash_reader.log(flash_reader.files(content, self.recording.vfs))
        except flash_reader.Unreadable:  # the oracle says so in the end
            return flash_reader.Log()

    def _all_came(self) -> bool:
        if self._answered_us < 0:
            return False
        self._answered_us = -1  # look once an answer
        return self._log().records.keys() <= self.desk.host.records().keys()

    def _proved(self) -> bool:
        now_us = self.desk.world.now_us
        if self._answered_us < 0 or now_us < self._answered_us + QUIET_S * 1e6:
            return False
        self._answered_us = -1  # look once an answer
        host = self.desk.host
        return oracle.is_proof(host.store_path, self.promise, host.lost, self._known_before)

    def _before_op(self, op: FlashOp) -> None:
        if op.number == self._cut_before:
            self._is_cut = True
            raise PowerCut
        self._life.update(f"{op.kind} {op.address:x} ".encode() + op.data)
        if self._tape:
            self._tape.note(op)

    def _end_of_life(self) -> bytes:
        for at_us, direction, data in self.desk.network.capture:
            self._life.update(f"{at_us} {direction} ".encode() + data)
        return self._life.digest()
