# Sunrise and sunset, against published times.
# SPDX-License-Identifier: Apache-2.0
from protocols import sun

CASES = (
    # day of the year, latitude, longitude, offset in h, sunrise, sunset: timeanddate.com's
    # calendars for Shanghai, Quito and Sydney, to the minute
    (172 - 1, 31.23, 121.47, 8, (4, 50), (19, 1)),
    (355 - 1, 31.23, 121.47, 8, (6, 48), (16, 56)),
    (80 - 1, -0.18, -78.47, -5, (6, 17), (18, 24)),
    (172 - 1, -33.87, 151.21, 10, (7, 0), (16, 54)),
)


def test_within_two_minutes_of_published_times():
    for day, latitude, longitude, offset_h, rises, sets in CASES:
        told = sun.times(day, latitude, longitude, offset_h * 3600)
        for seconds, (hour, minute) in zip(told, (rises, sets)):
            assert abs(seconds - hour * 3600 - minute * 60) <= 150, (latitude, told)


def test_beyond_the_polar_circle():
    assert sun.times(171, 78.2, 15.6, 3600) == (0, 86400)
    assert sun.times(354, 78.2, 15.6, 3600) == (43200, 43200)
