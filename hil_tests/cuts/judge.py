"""Judges one cut: boots a board from its bytes, lets it prove itself, asks the oracle.

    verdict = Judge(recording, promises(recording)).judge(parse("412:half"))

With a second cut (`412:half:37`) the power goes again before operation 37 of the recovery. The
recovery is a recording like the golden run: its cuts have a judge of their own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from ..virtual.errors import BenchError
from ..virtual.flash import FlashOp
from . import states
from .desk import scratch_folder
from .essence import Essence, Origin
from .promises import Promise, promise_of, promises
from .states import Name, Rebuilt, hash_of
from .tape import Recording
from .trial import Trial, Verdict


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


class Judge:
    """Judges cuts of one recording; ascending operations are quickest.

    Args:
        recording: of a golden run, or of a recovery.
        promised: what must hold before each of its operations.
        origin: the flash that states are compared to; default: the recording's base.
        first: the cut that the recording is the recovery from.
    """

    def __init__(
        self,
        recording: Recording,
        promised: list[Promise],
        origin: Origin | None = None,
        first: Name | None = None,
    ) -> None:
        self.recording = recording
        self.promised = promised
        self.origin = origin or Origin(recording.base, recording.nvs, recording.vfs)
        self._first = first
        self._ops = recording.ops
        self._memory_keys: dict[int, bytes] = {}
        self._rewind()

    def _rewind(self) -> None:
        self._rebuilt = Rebuilt(self.recording, self.origin.flash)
        self._essence = Essence(self._rebuilt, self.origin)

    def judge(self, cut: Cut) -> Verdict:
        """Judge one cut; whatever goes wrong on the bench itself makes the verdict invalid."""
        if cut.second is None:
            return self._judge(cut.name, Verdict(self._text(cut)), None)
        verdict, deeper = self.recovery(cut.name)
        if deeper is None:
            return replace(verdict, cut=str(cut))
        return deeper.judge(Cut(cut.second))

    def recovery(self, name: Name) -> tuple[Verdict, Judge | None]:
        """Judge a cut, and return the judge of those during its recovery; None if it failed."""
        verdict = Verdict(self._text(Cut(name)))
        now = self.recording
        flash = self.flash(name) if name.number <= len(self._ops) else b""
        recovery = Recording(now.story, now.seed, flash, now.nvs, now.vfs, now.identities)
        recovery.configs = now.configs
        self._judge(name, verdict, recovery)
        if verdict.broken or verdict.invalid:
            return verdict, None
        promised = promises(recovery, promise_of(self.promised, name))
        return verdict, Judge(recovery, promised, self.origin, name)

    def _text(self, cut: Cut) -> str:
        return str(cut if self._first is None else Cut(self._first, cut.name))

    def _judge(self, name: Name, verdict: Verdict, recovery: Recording | None) -> Verdict:
        began = time.perf_counter()
        try:
            op = self.operation(name)
            verdict.what = f"{op.kind} of {op.length} bytes at 0x{op.address:x}"
            with scratch_folder() as folder:
                promise = promise_of(self.promised, name)
                Trial(self.recording, promise, self.flash(name), folder).run(verdict, recovery)
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
            of = "run" if self._first is None else "recovery"
            raise BenchError(f"there is no cut {name}: the {of} has {len(self._ops)} operations")
        return self._ops[name.number - 1]

    def flash(self, name: Name) -> bytes:
        """The bytes that a cut leaves."""
        self._go_to(name)
        return self._rebuilt.flash(name)

    def key(self, name: Name) -> bytes:
        """A hash of all that the life after a cut depends on: two cuts of one key are one."""
        self._go_to(name)
        promise = promise_of(self.promised, name)
        memory = self._memory_key(promise.memory)
        return hash_of(self._essence.key(name), promise.key, memory)

    def _go_to(self, name: Name) -> None:
        if name.number < self._rebuilt.before:
            self._rewind()
        self._rebuilt.go_to(name.number)

    def _memory_key(self, index: int) -> bytes:
        if index not in self._memory_keys:
            memory = self.recording.memories[index]
            lost = repr(sorted(memory.lost.items())).encode()
            self._memory_keys[index] = hash_of(memory.store, memory.registry, lost)
        return self._memory_keys[index]

    def board_is_so(self, number: int, real: bytes) -> bool:
        """Whether a board that was cut before this operation has the flash that is rebuilt."""
        return real == self.flash(Name(number))

    def cut_for_real(self, name: Name, number: int) -> bytes:
        """Cut the power of a board during its recovery, and return its flash."""
        with scratch_folder() as folder:
            promise = promise_of(self.promised, name)
            trial = Trial(self.recording, promise, self.flash(name), folder, number)
            recovery = replace(self.recording, history=[], memories=[])
            trial.run(Verdict(str(name)), recovery)
            return recovery.flash_at_end
