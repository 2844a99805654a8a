"""Times for people: UTC in ISO 8601, and how long ago something was."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from datetime import UTC, datetime

from .language import tr

DEVICE_EPOCH_S = 1_704_067_200  # 2024-01-01T00:00:00Z: devices count seconds from here


def iso(unix_s: float | None) -> str:
    """Return Unix seconds as 2024-06-01T12:00:00Z; an empty text for None."""
    if unix_s is None:
        return ""
    try:
        moment = datetime.fromtimestamp(int(unix_s), UTC)
    except (OverflowError, OSError, ValueError):
        return f"{unix_s:.0f} s"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> float:
    """Return Unix seconds of an ISO 8601 date or time (UTC unless it says otherwise), or as given.

    Digits alone are a date if they are eight (20260601), and Unix seconds if they are ten.

    Raises:
        ValueError: it is neither.
    """
    if re.fullmatch(r"\d{10}(\.\d*)?", text):
        return float(text)
    if text.isdigit() and len(text) != 8:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def has_zone(text: str) -> bool:
    """Tell whether what `parse` takes says in which time zone it is."""
    return bool(re.fullmatch(r"\d{10}(\.\d*)?", text)) or bool(datetime.fromisoformat(text).tzinfo)


def duration(text: str) -> float:
    """Return the seconds of a duration like '90 s', '30 min', '2h' or '1 d'.

    Raises:
        ValueError: it is none, or not above zero.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *(s|min|m|h|d)", text.strip())
    if not found or not float(found[1]):
        raise ValueError(text)
    return float(found[1]) * {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400}[found[2]]


MIDNIGHT, SUNRISE, SUNSET = "midnight", "sunrise", "sunset"


def of_day(text: str) -> tuple[str, int]:
    """Return a time of day as seconds after MIDNIGHT, SUNRISE or SUNSET.

    Raises:
        ValueError: it is none like '18:30', 'sunrise' or 'sunset-1:00'.
    """
    found = re.fullmatch(r"(?:(sunrise|sunset)(?:([+-])(?=\d))?)?(?:(\d{1,2}):(\d\d))?", text)
    if not found or not text or (found[1] and bool(found[2]) != bool(found[3])):
        raise ValueError(text)
    base, sign, hours, minutes = found.groups()
    seconds = int(hours or 0) * 3600 + int(minutes or 0) * 60
    if int(minutes or 0) > 59 or seconds > (43_200 if base else 86_400):
        raise ValueError(text)
    return base or MIDNIGHT, -seconds if sign == "-" else seconds


def span(seconds: float) -> str:
    """Return a duration in at most two units, for instance '3 h 20 min'."""
    seconds = int(seconds)
    if seconds < 0:
        return tr("in {value}").format(value=span(-seconds))
    parts: list[str] = []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2])
