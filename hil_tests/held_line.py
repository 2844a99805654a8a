"""Somebody on the line between a collector and its poles, who has no key.

line = HeldLine(district)
district.run_for(40)
answer, alert = line.answers[0], line.commands[0]
line.give_as_answer(answer)                        # to the next question
alert()
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .district import District


class HeldLine:
    """Lets nothing down to the poles while it is `closed`, and keeps it."""

    def __init__(self, district: District) -> None:
        self.closed = True
        self.answers: list[bytes] = []
        self.commands: list[Callable[[], None]] = []  # each gives its datagram to its pole
        self._given: list[bytes] = []
        self._handle = district.handle
        district.handle = self._answer  # type: ignore[method-assign]
        district.ways = _Ways(self, district.ways)

    def give_as_answer(self, answer: bytes) -> None:
        """Answers the next question."""
        self._given.append(answer)

    def _answer(self, datagram: bytes, source: str, now_s: float) -> list[bytes]:
        answers = self._handle(datagram, source, now_s)
        if not self.closed:
            return answers
        self.answers += answers
        given, self._given = self._given, []
        return given


class _Ways(dict):
    """Ways to poles that lead to who holds the line."""

    def __init__(self, line: HeldLine, ways: dict[str, Callable[[bytes], None]]) -> None:
        super().__init__(ways)
        self._line = line

    def __getitem__(self, source: str) -> Callable[[bytes], None]:
        way = super().__getitem__(source)
        if not self._line.closed:
            return way
        return lambda datagram: self._line.commands.append(partial(way, datagram))
