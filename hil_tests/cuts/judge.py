"""Judges one cut: boots a board from its bytes, lets it prove itself, asks the oracle.

    verdict = Judge(recording, promises(recording)).judge(parse("412:half"))

With a second cut (`412:half:37`) the power goes again before operation 37 of the recovery.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.provisioner import Provisioner

from .. import nvs_reader
from ..virtual.errors import BenchError, PowerCut
from ..virtual.flash import FlashOp
from . import flash_reader, oracle, states
from .desk import Desk, scratch_folder
from .promises import Promise, limits, promise_of
from .recorder import ARRIVED, SENT, Recording, plan_of
from .smp_console import SmpConsole
from .states import Name, Rebuilt, torn

PROOF_S = 1800.0  # of virtual time: two wakes of an hour are more than a unit needs
QUIET_S = 3.0  # after the last answer: it is in the flash by then


@dataclass(frozen=True)
class Cut:
    """A state, and perhaps a second cut: at an operation of the recovery, counted from 1."""

    name: Name
    second: Name | None = None

    def __str__(self) -> str:
        if self.second is None:
            return str(self.name)
        return f"{self.name.number}:{self.name.kind}:{self.second}"


def parse(text: str) -> Cut:
    """Read N, N:KIND, N:KIND:M or N:KIND:M:KIND.

    Raises:
        BenchError: it is none of them.
    """
    parts = text.split(":")
    second = states.parse(":".join(parts[2:])) if len(parts) > 2 else None
    return Cut(states.parse(":".join(parts[:2])), second)


@dataclass
class Verdict:
    """What became of one cut; `broken` is empty when every promise held."""

    cut: str
    what: str  # the operation, in words
    broken: list[str] = field(default_factory=list)
    invalid: str = ""  # why this was no judgement
    recovery: str = ""  # a letter for each flash operation: p or e
    flash_key: str = ""  # hash of the flash at a second cut
    virtual_s: float = 0.0
    seconds: float = 0.0
    console: str = ""


class Judge:
    """Judges cuts of one recording; ascending operations are quickest."""

    def __init__(self, recording: Recording, promised: list[Promise]) -> None:
        self.recording = recording
        self.promised = promised
        self._ops = recording.ops
        self._rebuilt = Rebuilt(recording)

    def judge(self, cut: Cut) -> Verdict:
        """Judge one cut; whatever goes wrong on the bench itself makes the verdict invalid."""
        began = time.perf_counter()
        verdict = Verdict(str(cut), "")
        try:
            op = self.operation(cut.name)
            verdict.what = f"{op.kind} of {op.length} bytes at 0x{op.address:x}"
            with scratch_folder() as folder:
                _Trial(self, cut, folder).run(verdict)
        except BenchError as error:
            verdict.invalid = f"{type(error).__name__}: {error}"
        verdict.seconds = time.perf_counter() - began
        return verdict

    def operation(self, name: Name) -> FlashOp:
        """The operation that a cut is about.

        Raises:
            BenchError: there is none.
        """
        if name.number > len(self._ops):
            raise BenchError(f"there is no cut {name}: the run has {len(self._ops)} operations")
        return self._ops[name.number - 1]

    def flash(self, name: Name) -> bytes:
        """The bytes that a cut leaves."""
        if name.number < self._rebuilt.before:
            self._rebuilt = Rebuilt(self.recording)
        self._rebuilt.go_to(name.number)
        return self._rebuilt.flash(name)


class _Trial:
    """One board from its boot to its proof."""

    def __init__(self, judge: Judge, cut: Cut, folder: Path) -> None:
        recording = self.recording = judge.recording
        self.cut = cut
        self.promise = promise_of(judge.promised, cut.name)
        self.recovery = self.flash_key = ""
        self.is_cut = False
        self.answered_us = -1
        self.desk = Desk(
            recording.seed,
            folder,
            judge.flash(cut.name),
            self.promise.at_us,
            recording.memories[self.promise.taken],
        )

    def run(self, verdict: Verdict) -> None:
        desk = self.desk
        with desk:
            self.known_before = oracle.last_row(desk.host.store_path)
            desk.host.on_taken = self._taken
            desk.unit.flash.ops = 0
            desk.unit.flash.before_op = self._before_op
            desk.unit.power_on()
            if self.cut.second is not None and not self._cut_again():
                count = len(self.recovery)
                verdict.invalid = f"no second cut: the recovery has {count} operations"
                return
            proved = desk.run_until(self._proved, PROOF_S)
            verdict.recovery, verdict.flash_key = self.recovery, self.flash_key
            verdict.virtual_s = desk.world.now_us / 1e6
            if not proved:
                verdict.broken.append(f"it did not prove itself within {PROOF_S:.0f} s")
            verdict.broken += oracle.judge(self.recording, self.promise, self._outcome())
            if not verdict.broken and len(self.promise.configs) > 1:
                verdict.broken += self._provision_again()
            if verdict.broken:
                verdict.console = desk.unit.output.decode("utf-8", "replace")[-2000:]

    def _provision_again(self) -> list[str]:
        """What a technician does whose provisioning was interrupted: the same command."""
        wanted = self.promise.configs[-1]
        link = SmpConsole(self.desk, self.desk.unit)
        try:
            link.wait()
            Provisioner(link, self.desk.host.registry, lambda step, text: None).run(
                plan_of(wanted)
            )
        except (BenchError, FieldbeatError) as error:
            return [f"provisioning again fails: {error}"]
        self.promise = replace(self.promise, configs=(wanted,))
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
        return oracle.Outcome(flash, path, lost, self.known_before, air)

    # The proof: everything safe has arrived, and a boot that came after the cut

    def _taken(self, datagram: bytes, answers: list[bytes]) -> None:
        if answers:
            self.answered_us = self.desk.world.now_us

    def _proved(self) -> bool:
        now_us = self.desk.world.now_us
        if self.answered_us < 0 or now_us < self.answered_us + QUIET_S * 1e6:
            return False
        self.answered_us = -1  # look once an answer
        host = self.desk.host
        return oracle.is_proof(host.store_path, self.promise, host.lost, self.known_before)

    # The second cut

    def _before_op(self, op: FlashOp) -> None:
        self.recovery += op.kind[0]
        second = self.cut.second
        if second is None or self.is_cut or op.number != second.number:
            return
        self.is_cut = True
        flash = self.desk.unit.flash
        old = flash.read(op.address, op.length)
        flash.load(op.address, torn(op, old, second.kind, self.recording.seed))
        self.flash_key = hashlib.blake2b(flash.data, digest_size=16).hexdigest()
        raise PowerCut

    def _cut_again(self) -> bool:
        desk = self.desk
        desk.run_until(lambda: self.is_cut or self._proved(), PROOF_S)
        if not self.is_cut:
            return False
        self._promise_more()
        self.known_before = oracle.last_row(desk.host.store_path)
        self.answered_us = -1
        desk.unit.power_on()
        return True

    def _promise_more(self) -> None:
        """What the recovery had made safe before it was cut counts as well."""
        flash, promise = self.desk.unit.flash, self.promise
        log = flash_reader.log(flash_reader.files(flash.read(*self.recording.vfs)))
        reserved, high = limits(nvs_reader.read(flash.read(*self.recording.nvs)))
        self.promise = replace(
            promise,
            records=log.records | self.desk.host.records() | promise.records,
            alarms=promise.alarms | log.alarms,
            sequence_limit=max(reserved, promise.sequence_limit),
            window_high=max(high, promise.window_high),
        )
