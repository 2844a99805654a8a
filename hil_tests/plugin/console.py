"""The console of a board as pytest-embedded's `dut`, in the time of its bench.

What was said is matched by pytest-embedded. Until it has been said, time passes: virtual time
where the bench has it, so that a wait costs nothing and ends at the same moment on any machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_embedded import Dut

from .keys import BENCH

# What the board has said comes to pytest-embedded through another process, by the wall clock.
ON_ITS_WAY_S, NOT_SAID_S = 60, 1


class ConsoleDut(Dut):
    """pytest-embedded's device under test, over the console of any board."""

    heard = 0  # of `said`, up to where it was expected

    def write(self, s: str | bytes) -> None:
        self.send_bytes(s.encode() if isinstance(s, str) else s)

    def run(self, verb: str) -> None:
        """Types a verb and lets a second pass."""
        self.write(verb + "\r")
        self.wait(1)

    def ask(self, verb: str, answer: bytes, timeout_s: float) -> str:
        """Types a verb and lets time pass until the pattern has been said; empty if it was not."""
        at = len(self.said)
        self.write(verb + "\r")
        found: list[bytes] = []

        def answered() -> bool:
            found[:] = re.findall(answer, bytes(self.said[at:]))
            return bool(found)

        self.bench.run_until(answered, timeout_s)
        return found[0].decode() if found else ""

    def expect(self, pattern: Any, timeout: float = 30, **options: Any) -> Any:
        """Lets time pass until a regular expression has been said; raises pexpect.TIMEOUT."""
        wall_s = self._let_it_say([_compiled(one) for one in _list(pattern)], timeout, options)
        return super().expect(pattern, timeout=wall_s, **options)

    def expect_exact(self, pattern: Any, timeout: float = 30, **options: Any) -> Any:
        """The same for a text."""
        texts = [re.compile(re.escape(_bytes(one))) for one in _list(pattern)]
        wall_s = self._let_it_say(texts, timeout, options)
        return super().expect_exact(pattern, timeout=wall_s, **options)

    def _let_it_say(
        self, patterns: list[re.Pattern[bytes]], timeout_s: float, options: dict[str, Any]
    ) -> float:
        """Lets time pass until it has been said; returns how long it takes to be found."""
        wanted = all if options.get("expect_all") else any
        found: list[re.Match[bytes] | None] = []

        def said() -> bool:
            text = bytes(self.said)
            found[:] = [pattern.search(text, self.heard) for pattern in patterns]
            return wanted(found)

        if not self.bench.run_until(said, timeout_s):
            return NOT_SAID_S
        matches = [match for match in found if match is not None]
        first = max if wanted is all else min
        self.heard = first(matches, key=re.Match.start).end()
        return ON_ITS_WAY_S


def _list(pattern: Any) -> list[Any]:
    return list(pattern) if isinstance(pattern, list | tuple) else [pattern]


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _compiled(pattern: Any) -> re.Pattern[bytes]:
    flags = re.DOTALL  # as pexpect has it
    if isinstance(pattern, re.Pattern):
        pattern, flags = pattern.pattern, re.RegexFlag(pattern.flags) & ~re.UNICODE
    return re.compile(_bytes(pattern), flags)


@pytest.fixture
def dut(
    request, pexpect_proc, msg_queue, _pexpect_logfile, test_case_name, _meta, board
) -> Iterator[Dut]:
    """Takes the place of pytest-embedded's own: what the board prints goes to `expect()`."""
    chosen = request.config.stash[BENCH]
    said = bytearray()
    more: dict[str, Any] = {"board": board, "said": said}
    open_ = True

    def heard(data: bytes) -> None:
        if open_:  # a shared board goes on talking to the next test
            said.extend(data)
            msg_queue.put(data)

    if chosen.own_world:
        bench = request.getfixturevalue("bench")
        board.on_output(heard)
        more |= {"bench": bench, "send_bytes": board.console_write, "wait": bench.run_for}
    else:
        rig = chosen.open()
        board.console.on_output(heard)
        more |= {"bench": rig, "send_bytes": board.console.write, "wait": rig.run_for}
    dut = ConsoleDut(
        pexpect_proc, msg_queue, None, _pexpect_logfile, test_case_name, _meta, **more
    )
    yield dut
    open_ = False
    dut.close()


@pytest.fixture
def console(dut: ConsoleDut, request: pytest.FixtureRequest) -> ConsoleDut:
    """The text shell of the board, past its prompt."""
    if not request.config.stash[BENCH].own_world:
        dut.write("\r")  # the prompt of the reset has gone by
    dut.wait(2)
    dut.expect_exact("fieldbeat> ", timeout=10)
    return dut


@pytest.fixture(autouse=True)
def parametrize_fixtures() -> None:
    """Takes the place of pytest-embedded's, which makes 40 others for every test: 4 ms."""
