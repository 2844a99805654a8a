"""What is done about a board that stops answering, one rung after the other.

    interrupt    Ctrl-C, and a soft reset if that ends at the prompt of the REPL
    reset line   the program starts anew; RTC memory and peripherals keep their state
    power cycle  everything starts anew
    broken       nothing helped: whatever needs this board is blocked from now on, never retried

Each rung is logged and counted, so that a board that needs help is seen before it is broken.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from ..benches.blocked import Blocked
from ..instruments.console import Console
from ..instruments.lines import Lines
from ..instruments.power import Power

log = logging.getLogger("fieldbeat.ladder")

INTERRUPT, RESET_LINE, POWER_CYCLE, BROKEN = "interrupt", "reset line", "power cycle", "broken"
CTRL_C, CTRL_D, REPL = b"\x03", b"\x04", b">>> "
SHORT_S = 3.0  # a prompt comes at once
BOOT_S = 15.0  # from reset to the first prompt: 0.3 s of loaders, imports, a slow disk
MAX_PIECES = 500  # a board that talks without end does not answer


class Ladder:
    """One board's way back; `prompt` is what it says when it takes commands."""

    def __init__(
        self,
        name: str,
        console: Console,
        lines: Lines | None,
        power: Power | None,
        prompt: bytes = b"fieldbeat> ",
    ) -> None:
        self.name = name
        self.console = console
        self.lines = lines
        self.power = power
        self.prompt = prompt
        self.counts: Counter[str] = Counter()
        self.climbed: list[dict[str, Any]] = []  # board, rung, answered; oldest first
        self.broken = ""  # why
        self.refused = ""  # why an instrument could not do its part

    def check(self) -> None:
        """Raises Blocked if the board was declared broken."""
        if self.broken:
            raise Blocked(
                self.broken, "look at the board, its supply and its cable, then run again"
            )

    def answers(self, wait_s: float = SHORT_S) -> bool:
        """Whether Return brings the prompt."""
        self.drain()
        self.console.write(b"\r")
        return self.prompt in self._hear(wait_s)

    def boots(self) -> bool:
        """Whether the prompt comes by itself or by Return, after a reset."""
        return self.prompt in self._hear(BOOT_S) or self.answers()

    def climb(self) -> str:
        """Climbs until the board answers; returns the rung that helped.

        Raises:
            Blocked: it did not, and is broken from now on.
        """
        self.check()
        for rung, mend in (
            (INTERRUPT, self.soft_reset),
            (RESET_LINE, self._reset),
            (POWER_CYCLE, self._cycle),
        ):
            answered = self._try(mend)
            self._note(rung, answered)
            if answered:
                return rung
        self._note(BROKEN, False)
        self.broken = f"{self.name} does not answer, also after Ctrl-C, reset and a power cycle"
        if self.refused:
            self.broken += f"; {self.refused}"
        self.check()
        raise AssertionError("unreachable")

    def _note(self, rung: str, answered: bool) -> None:
        self.counts[rung] += 1
        self.climbed.append({"board": self.name, "rung": rung, "answered": answered})
        word = "answers again" if answered else "still no answer"
        log.warning("%s: %s: %s", self.name, rung, word)

    def _try(self, mend: Callable[[], bool]) -> bool:
        try:
            return mend()
        except Blocked as refusal:  # nobody there to switch: the rung did not help
            self.refused = refusal.reason
            return False

    # Rungs

    def soft_reset(self, statement: str = "") -> bool:
        """The interpreter starts anew; True if the prompt comes back.

        `statement` is one line of Python, typed at the REPL before.
        """
        self.drain()
        self.console.write(CTRL_C + CTRL_C)
        heard = self._hear(SHORT_S, REPL)
        if REPL not in heard:
            return self.prompt in heard or self.answers()
        if statement:
            self.console.write(statement.encode() + b"\r")
            self._hear(SHORT_S, REPL)
        self.console.write(CTRL_D)
        return self.boots()

    def _reset(self) -> bool:
        if self.lines is None:
            return False
        self.drain()
        self.lines.reset()
        return self.boots()

    def _cycle(self) -> bool:
        if self.power is None:
            return False
        self.drain()
        self.power.cycle()
        return self.boots()

    # Listening. Counted in waits and pieces: this file has no clock.

    def drain(self) -> None:
        """Forgets what was said until now."""
        for _ in range(MAX_PIECES):
            if not self.console.read(0):
                return

    def _hear(self, wait_s: float, other: bytes | None = None) -> bytes:
        """What comes until the prompt, something `other`, or this long a silence."""
        heard, silent_s = b"", 0.0
        for _ in range(MAX_PIECES):
            piece = self.console.read(1.0)
            heard += piece
            if self.prompt in heard or (other is not None and other in heard):
                break
            silent_s = silent_s + 1.0 if not piece else silent_s
            if silent_s >= wait_s:
                break
        return heard
