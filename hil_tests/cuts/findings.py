"""What a campaign was asked, and what it has found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..results.judged import Judged
from .trial import Verdict

Part = tuple[int, int]  # K of N


@dataclass
class Options:
    """What to judge; `numbers` None: every operation."""

    numbers: range | None = None
    depth: int = 1
    story: str = "full"
    seed: int = 1
    jobs: int = 0  # 0: one a processor
    part: Part = (1, 1)

    @property
    def states(self) -> str:
        """The numbers as `--states` takes them."""
        if self.numbers is None:
            return "all"
        return f"{self.numbers.start}..{self.numbers.stop - 1}"


@dataclass
class Results(Judged):
    """What a campaign has found; `judged` are first cuts."""

    story: str
    seed: int
    depth: int
    jobs: int
    states: str = "all"  # as --states takes it
    part: str = "1/1"  # as --part takes it
    cuts: int = 0  # of the operations, in every kind
    distinct_states: int = 0  # that differ in a byte of the flash
    distinct_keys: int = 0  # that a unit could tell apart
    second_cuts: int = 0  # in the recoveries from all distinct states
    distinct_second_states: int = 0  # that a unit could tell apart
    second_judged: int = 0
    self_checks: list[str] = field(default_factory=list)
    recording_s: float = 0.0


def count(results: Results, verdicts: Iterable[Verdict]) -> None:
    """Put what broke, and what was no judgement, into the results."""
    for verdict in verdicts:
        if verdict.invalid or verdict.broken:
            row = {
                "cut": verdict.cut,
                "operation": verdict.what,
                "broken": verdict.broken,
                "invalid": verdict.invalid,
                "console": verdict.console,
                "reproduce": reproduce(verdict.cut, results.story, results.seed),
            }
            (results.invalid if verdict.invalid else results.failures).append(row)


def reproduce(cut: str, story: str, seed: int) -> str:
    """The one command that judges a cut again."""
    default = Options()
    words = ["fieldbeat bench cuts --state", cut]
    if seed != default.seed:
        words += ["--seed", str(seed)]
    if story != default.story:
        words += ["--story", story]
    return " ".join(words)
