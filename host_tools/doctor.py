"""What is wrong with a unit: evidence against rules, the likeliest cause first."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .doctor_masks import masked
from .doctor_rule import Rule
from .doctor_rules import NOBODY_THERE, REMARK, no_network, rules
from .language import tr

_HINT = REMARK - 1
_EXPLAINED = (  # the one is what is behind the other
    *(("sleeps", "hang_silent"), ("hang_at_once", "hang_silent"), ("hang", "hang_silent")),
    *(("task_hang", "hang_silent"), ("bare", "no_program"), ("no_address", "modem_error")),
    *(("task_hang", "watchdog"), ("bad_data", "crash_loop")),
)
_REFUSAL = " -> +CM"  # of a modem, in a line of the dialogue: more than that it has refused
_OFTEN = 5  # lines of one kind that count; each makes a cause a little likelier


@dataclass(frozen=True)
class Finding:
    """A cause in plain words, with the line that led to it.

    No two have the same line: a remark on others names their causes in `about`.
    """

    cause: str
    weight: int
    sentence: str
    action: str
    seen: str
    about: list[str] = field(default_factory=list)

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong, and not only worth a remark."""
        return self.weight >= REMARK


def diagnose(lines: Sequence[str], nobody_there: bool = False) -> list[Finding]:
    """Return what the lines of evidence tell, the likeliest first; each cause once.

    The lines are masked before, so no finding holds a secret.

    Args:
        lines: of `Evidence.lines`.
        nobody_there: where the unit is there is no network or no server, so what comes of that is
            no fault. Without it that is remarked where it may be so.
    """
    found: dict[str, Finding] = {}
    lines = [masked(line) for line in lines]
    for rule in rules():
        finding = _apply(rule, lines)
        if finding and finding.weight > getattr(found.get(finding.cause), "weight", -1):
            found[finding.cause] = finding
    for cause, explained in _EXPLAINED:
        if cause in found:
            found.pop(explained, None)
    if any(_REFUSAL in each.seen for each in found.values()):
        found.pop("modem_error", None)
    if lonely := [cause for cause in found if cause in NOBODY_THERE]:
        found["no_network"] = Finding("no_network", _HINT, *no_network(nobody_there), "", lonely)
    if nobody_there:
        for cause in lonely:
            found[cause] = replace(found[cause], weight=min(found[cause].weight, _HINT - 1))
    return sorted(found.values(), key=lambda finding: -finding.weight)


def _apply(rule: Rule, lines: Sequence[str]) -> Finding | None:
    hits = [match for line in lines if (match := re.search(rule.pattern, line))]
    if not hits or rule.also and not any(re.search(rule.also, line) for line in lines):
        return None
    last = hits[-1]
    sentence = rule.sentence.format(*(tr(group or "") for group in last.groups()))
    weight = rule.weight
    if weight >= REMARK:
        weight = min(100, weight + min(len(hits), _OFTEN) - 1)
    return Finding(rule.cause, weight, sentence, rule.action, last.string)
