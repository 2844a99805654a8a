"""A rule of `doctor`: what to look for, what it means in plain words, what to do next.

A pattern is looked for in the lines of `doctor_evidence.py`; what its groups find stands in the
sentence as {0}, {1}.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A cause. `weight` ranks it, 0 to 100; `also` is another pattern that some line must have."""

    cause: str
    weight: int
    pattern: str
    sentence: str
    action: str
    also: str = ""
