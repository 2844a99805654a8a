# Sunrise and sunset of a day, for schedules that follow them.
# SPDX-License-Identifier: Apache-2.0
#
# The low-accuracy solar position of NOAA's solar calculator ("General Solar Position
# Calculations", Global Monitoring Laboratory): Spencer's Fourier series (1971), within a minute or
# two between the polar circles, which single-precision floats do not make worse.
from math import acos, cos, pi, radians, sin, tan

from .compat import const

_MINUTES = const(720)  # of noon
_DAY_S = const(86400)


# day: of the year, from 0. Degrees, north and east. -> (sunrise, sunset) in seconds of the local
# day; (0, 86400) where the sun does not set, (43200, 43200) where it does not rise.
def times(day, latitude, longitude, utc_offset_s):
    year = 2 * pi * day / 365
    equation_min = 229.18 * (
        0.000075
        + 0.001868 * cos(year)
        - 0.032077 * sin(year)
        - 0.014615 * cos(2 * year)
        - 0.040849 * sin(2 * year)
    )
    declination = (
        0.006918
        - 0.399912 * cos(year)
        + 0.070257 * sin(year)
        - 0.006758 * cos(2 * year)
        + 0.000907 * sin(2 * year)
        - 0.002697 * cos(3 * year)
        + 0.00148 * sin(3 * year)
    )
    noon_s = round(60 * (_MINUTES - 4 * longitude - equation_min)) + utc_offset_s
    # 90.833 degrees: half the sun's disc and the refraction at the horizon.
    here = radians(latitude)
    height = cos(radians(90.833)) / (cos(here) * cos(declination)) - tan(here) * tan(declination)
    if height >= 1:
        return _DAY_S // 2, _DAY_S // 2
    if height <= -1:
        return 0, _DAY_S
    half_s = round(240 * acos(height) * 180 / pi)
    return (noon_s - half_s) % _DAY_S, (noon_s + half_s) % _DAY_S
