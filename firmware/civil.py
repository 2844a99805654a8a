# Seconds since 2024-01-01T00:00:00Z and ISO 8601 text. MicroPython's own epoch differs by port.
# SPDX-License-Identifier: Apache-2.0
from protocols.calendar import month_start, year_start
from protocols.compat import const

_DAY_S = const(86400)


def to_iso(seconds):
    days, rest = divmod(seconds, _DAY_S)
    year = 2024 + days // 366
    while days >= year_start(year + 1):
        year += 1
    month = 12
    while days < month_start(year, month):
        month -= 1
    day = days - month_start(year, month) + 1
    clock = (rest // 3600, rest // 60 % 60, rest % 60)
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % ((year, month, day) + clock)


def _offset_s(text):
    # "", "Z", "+08:00" or "-0330" behind the seconds, with a fraction before it that is dropped.
    if text[:1] == ".":
        digits = 1
        while text[digits : digits + 1].isdigit():
            digits += 1
        text = text[digits:]
    if text in ("", "Z"):
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if text[0] not in "+-" or len(text) not in (5, 6) or hours > 14 or minutes > 59:
        raise ValueError("offset")
    offset = hours * 3600 + minutes * 60
    return -offset if text[0] == "-" else offset


def from_iso(text):
    # Raises ValueError for what is no date and time from 2024 to 2099.
    marks = text[4:5] + text[7:8] + text[10:11] + text[13:14] + text[16:17]
    if marks not in ("--T::", "-- ::"):
        raise ValueError("expected YYYY-MM-DDTHH:MM:SS")
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if not (2024 <= year <= 2099 and 1 <= month <= 12 and 0 <= hour <= 23):
        raise ValueError("out of range")
    following = month_start(year, month + 1) if month < 12 else year_start(year + 1)
    days = month_start(year, month) + day - 1
    if not (1 <= day and days < following and 0 <= minute <= 59 and 0 <= second <= 59):
        raise ValueError("out of range")
    seconds = days * _DAY_S + hour * 3600 + minute * 60 + second - _offset_s(text[19:])
    if seconds < 0:
        raise ValueError("out of range")
    return seconds
