"""Power by a person, who is asked.

[board.gh-01.power]
kind = "manual"
what = "the blue plug"
"""

from __future__ import annotations

from collections.abc import Callable

from ..benches.bench_file import Manual
from ..benches.blocked import Blocked
from .switch import RealSwitch


class ManualPower(RealSwitch):
    """Implements `Power`; `ask(question)` returns what the person typed."""

    table: Manual

    def __init__(self, table: Manual, name: str, ask: Callable[[str], str] | None = None) -> None:
        super().__init__(table)
        self.name = name
        self._ask = ask or _ask_at_terminal
        self._on: bool | None = None

    def set(self, on: bool) -> None:
        if self._on == on:
            return
        word = "on" if on else "off"
        self._question(f"{self.name}: switch {self.table.what} {word}, then press Enter: ", word)
        self._on = on

    def is_on(self) -> bool:
        if self._on is None:
            question = f"{self.name}: is {self.table.what} on? Enter yes or no: "
            self._on = not self._question(question, "known").lower().startswith("n")
        return self._on

    def _question(self, text: str, wanted: str) -> str:
        try:
            answer = self._ask(text).strip()
        except EOFError:
            reason = f"nobody is here to switch {self.name} ({self.table.what})"
            step = "run it at a terminal, or give the board a [power] that a program can switch"
            raise Blocked(reason, step) from None
        if answer.lower() in ("q", "quit", "stop"):
            raise Blocked(f"{self.name} is not {wanted}: you stopped", "start again when it is")
        return answer


def _ask_at_terminal(question: str) -> str:
    """Asks at the terminal itself: pytest takes stdin, stdout and stderr away from a test."""
    try:
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            terminal.write(question.encode())
            line = terminal.readline()
    except OSError:
        raise EOFError from None
    if not line:
        raise EOFError
    return line.decode(errors="replace")
