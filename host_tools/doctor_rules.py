"""All rules of `doctor`, see `doctor_rule.py`, and which of them are no fault of a unit."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from . import doctor_network_rules, doctor_unit_rules
from .doctor_rule import Rule
from .language import tr

REMARK = 20  # a weight below it is no fault
# Causes that a place without a network or a server has, too; a SIM that is refused is none.
NOBODY_THERE = frozenset(
    ("no_signal", "weak", "searching", "not_searching", "out_of_coverage", "detached")
    + ("no_service", "net_timeout", "no_address", "no_answer", "paused", "silent")
)


def rules() -> list[Rule]:
    """Return all rules, in the language of who reads."""
    return [*doctor_unit_rules.rules(), *doctor_network_rules.rules(), *doctor_unit_rules.inside()]


def no_network(known: bool) -> tuple[str, str]:
    """Return what is said where all may be well but for the place: a sentence, what to do.

    Args:
        known: somebody has said that nobody is there.
    """
    return (
        tr(
            "Where there is no network or no server yet this is normal: the unit keeps what it"
            " measures, and sends it when there is one."
        ),
        tr("nothing here; where there is a network, ask again without --no-network")
        if known
        else tr("if there is none here, nothing: with --no-network it is not counted as a fault"),
    )
