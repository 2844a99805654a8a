# Days since 2024-01-01, right for the years 1901 to 2099, where every fourth is a leap year.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

_MONTH_STARTS = const((0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334))  # in a common year


def year_start(year):
    return (year - 2024) * 365 + (year - 2021) // 4


def month_start(year, month):
    start = year_start(year) + _MONTH_STARTS[month - 1]
    return start + 1 if month > 2 and year % 4 == 0 else start
