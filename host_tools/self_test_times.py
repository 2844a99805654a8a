"""When a loudspeaker tests itself, as its config says it.

    self_test = "every day at 03:00"
    self_test = "every 14 days at 10:30 aloud"
    self_test = "monday 10:00 aloud"            # every week

Times are UTC; what is not `aloud` makes no sound. Days are counted from Monday, 2024-01-01, so
that all poles of a district have the same ones.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from dataclasses import dataclass

from .language import tr

DAY_S = 86_400
DAYS_MAX = 366
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
RULE = tr(
    "for instance 'every day at 03:00', 'every 14 days at 10:30 aloud' or 'monday 10:00 aloud'"
)

_FORM = re.compile(
    rf"(?:every (?P<day>day)|every (?P<days>\d+) days|(?P<weekday>{'|'.join(WEEKDAYS)}))"
    r"(?: at)? (?P<hour>\d\d):(?P<minute>\d\d)(?: (?P<how>aloud|silent))?"
)


@dataclass(frozen=True)
class SelfTest:
    """As the unit gets it: `at_s` after 2024-01-01T00:00Z, and then every `every_s`."""

    every_s: int
    at_s: int
    silent: bool


NEVER = SelfTest(0, 0, True)


def parse(text: str) -> SelfTest:
    """Return when it is.

    Args:
        text: as in this module's head; '' for never.

    Raises:
        ValueError: it is not written like that.
    """
    if not text:
        return NEVER
    found = _FORM.fullmatch(" ".join(text.lower().split()))
    if not found:
        raise ValueError(tr("write {rule}").format(rule=RULE))
    hour, minute, days = int(found["hour"]), int(found["minute"]), int(found["days"] or 1)
    if hour > 23 or minute > 59 or not 1 <= days <= DAYS_MAX:
        raise ValueError(
            tr("a time is 00:00 to 23:59, and days are 1 to {days_max}").format(days_max=DAYS_MAX)
        )
    at_s = 3600 * hour + 60 * minute
    if found["weekday"]:
        days, at_s = 7, at_s + DAY_S * WEEKDAYS.index(found["weekday"])
    return SelfTest(DAY_S * days, at_s, found["how"] != "aloud")
