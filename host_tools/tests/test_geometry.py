"""Points in areas, against another way to reckon it, and distances that others have measured."""

import math

import pytest
from fieldbeat.host_tools.geometry import distance_km, in_polygon
from hypothesis import assume, given
from hypothesis import strategies as st

SQUARE = [(0, 0), (0, 10), (10, 10), (10, 0), (0, 0)]
RIVER_BEND = [(30, 114), (30, 115), (31, 115), (31, 114.6), (30.4, 114.5), (31, 114.4), (31, 114)]
RIVER_BEND += RIVER_BEND[:1]
FIJI = [(-19, 177), (-16, 177), (-16, -178), (-19, -178), (-19, 177)]

PENTAGRAM = [(10, 0), (-8, 6), (3, -9), (3, 9), (-8, -6), (10, 0)]


@pytest.mark.parametrize(
    ("ring", "point", "inside"),
    [
        (SQUARE, (5, 5), True),
        (SQUARE, (5, 11), False),
        (SQUARE, (5, -0.001), False),
        (SQUARE, (0, 5), True),  # an edge and a corner are inside
        (SQUARE, (10, 10), True),
        (SQUARE, (10, 10.001), False),
        (RIVER_BEND, (30.2, 114.5), True),
        (RIVER_BEND, (30.9, 114.5), False),  # in its bay
        (RIVER_BEND, (30.9, 114.9), True),
        (RIVER_BEND, (30.9, 115.1), False),
        (PENTAGRAM, (0, 0), True),  # it goes round its middle twice
        (PENTAGRAM, (-9, 0), False),
        (FIJI, (-18, 178), True),
        (FIJI, (-18, 180), True),
        (FIJI, (-18, -180), True),
        (FIJI, (-18, -179), True),
        (FIJI, (-18, -177), False),
        (FIJI, (-18, 0), False),
        (FIJI, (-18, 176), False),
    ],
)
def test_points(ring, point, inside):
    assert in_polygon(point, ring) is inside
    assert in_polygon(point, ring[::-1]) is inside


def winding(point, ring):
    """How often a ring goes round a point, by the angles under which its edges are seen."""
    total = 0.0
    for (y1, x1), (y2, x2) in zip(ring, ring[1:], strict=False):
        one = math.atan2(y1 - point[0], x1 - point[1])
        two = math.atan2(y2 - point[0], x2 - point[1])
        total += (two - one + math.pi) % (2 * math.pi) - math.pi
    return round(total / (2 * math.pi))


STARS = st.lists(st.tuples(st.floats(0, 2 * math.pi), st.floats(1, 20)), min_size=3, max_size=12)


@given(STARS, st.tuples(st.floats(-25, 25), st.floats(-25, 25)), st.floats(-180, 180))
def test_stars_anywhere_against_angles(corners, point, middle):
    assume(len({round(angle, 3) for angle, _ in corners}) == len(corners))
    ring = [(r * math.sin(angle), r * math.cos(angle)) for angle, r in sorted(corners)]
    ring += ring[:1]
    edges = [math.dist(one, two) for one, two in zip(ring, ring[1:], strict=False)]
    seen = [
        math.dist(point, one) + math.dist(point, two)
        for one, two in zip(ring, ring[1:], strict=False)
    ]
    assume(all(s - e > 1e-6 for s, e in zip(seen, edges, strict=True)))  # not on an edge
    moved = [(y, (x + middle + 180) % 360 - 180) for y, x in ring]
    there = point[0], (point[1] + middle + 180) % 360 - 180
    assert in_polygon(there, moved) is (winding(point, ring) % 2 == 1)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((0, 0), (0, 1), 111.195),  # a degree of the mean great circle
        ((0, 179.5), (0, -179.5), 111.195),
        ((90, 0), (-90, 77), math.pi * 6371.0088),
        ((48.8566, 2.3522), (51.5074, -0.1278), 343.6),  # Paris to London
        ((30.58, 114.27), (30.58, 114.27), 0),
    ],
)
def test_distances(one, other, km):
    assert distance_km(one, other) == pytest.approx(km, rel=1e-3, abs=1e-9)
    assert distance_km(other, one) == distance_km(one, other)


@given(*[st.tuples(st.floats(-90, 90), st.floats(-180, 180))] * 2)
def test_distances_against_chords(one, other):
    def unit(point):
        lat, lon = map(math.radians, point)
        return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)

    chord = math.dist(unit(one), unit(other))
    expected = 2 * 6371.0088 * math.asin(min(1, chord / 2))
    assert distance_km(one, other) == pytest.approx(expected, rel=1e-6, abs=1e-3)
