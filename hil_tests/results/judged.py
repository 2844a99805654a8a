"""What campaigns have in common: how many cases were judged, what broke, what was no judgement."""

from __future__ import annotations

import resource
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Judged:
    """The end of a campaign's results; JSON as it stands."""

    started: str = ""  # ISO 8601
    commit: str = ""
    operations: int = 0  # of the golden run
    judged: int = 0
    seconds: float = 0.0
    processor_s: float = 0.0  # of all processors together, boards included
    failures: list[dict[str, Any]] = field(default_factory=list)
    invalid: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: all held; 1: something broke; 2: it was no campaign."""
        if self.invalid or not self.judged:
            return 2
        return 1 if self.failures else 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"exit_code": self.exit_code}


def processor_s() -> float:
    """Return what this process and those that it has waited for have worked."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
