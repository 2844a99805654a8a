"""Places on the globe: points in polygons and circles, as CAP and GeoJSON mean them.

Edges are straight in latitude and longitude, which is what warnings are drawn with: a dozen
lines, where a geometry library would be a hundred times the size of this package. An area may lie
across the 180th meridian, if none of its edges spans half of the globe. What lies on an edge is
inside: it is better warned; so is all that a ring goes round which crosses itself. Not modelled:
areas with a pole of the earth inside.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371.0088  # mean radius (IUGG)
_EDGE = 1e-9  # of a degree: a tenth of a millimetre

Point = tuple[float, float]  # latitude, longitude in degrees, WGS 84


def is_point(latitude: float, longitude: float) -> bool:
    """Tell whether there is such a place."""
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


def distance_km(one: Point, other: Point) -> float:
    """Return the distance along a sphere (haversine)."""
    (lat1, lon1), (lat2, lon2) = (map(radians, point) for point in (one, other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def in_polygon(point: Point, ring: Sequence[Point]) -> bool:
    """Tell whether a point lies in a closed ring, whose last point is its first one."""
    y, x = point
    corners: list[Point] = []  # seen from the point, and along the edges without a jump
    for latitude, longitude in ring:
        last = corners[-1][1] if corners else 0.0
        corners.append((latitude - y, last + _turn(longitude - x - last)))
    return any(_has_zero([(dy, dx + turn) for dy, dx in corners]) for turn in (-360, 0, 360))


def _has_zero(corners: list[Point]) -> bool:
    """Tell whether the ring goes round 0, 0: a ray to the right is crossed more often one way."""
    turns = 0
    for (y1, x1), (y2, x2) in pairwise(corners):
        if _is_on((y1, x1), (y2, x2)):
            return True
        if (y1 > 0) != (y2 > 0) and x1 - y1 * (x2 - x1) / (y2 - y1) > 0:
            turns += 1 if y2 > y1 else -1
    return turns != 0


def _turn(degrees: float) -> float:
    return (degrees + 180) % 360 - 180


def _is_on(one: Point, other: Point) -> bool:
    """Tell whether 0, 0 lies on an edge."""
    (y1, x1), (y2, x2) = one, other
    length = max(abs(y2 - y1), abs(x2 - x1), _EDGE)
    on_line = abs(x1 * y2 - x2 * y1) <= _EDGE * length
    between_x = min(x1, x2) - _EDGE <= 0 <= max(x1, x2) + _EDGE
    return on_line and between_x and min(y1, y2) - _EDGE <= 0 <= max(y1, y2) + _EDGE
