"""Values as text: nothing is lost at any scale."""

from fractions import Fraction

import pytest
from fieldbeat.host_tools import scaled
from hypothesis import given
from hypothesis import strategies as st

COUNTS = st.integers(-(2**31), 2**31 - 1)


@pytest.mark.parametrize(
    ("counts", "scale", "text"),
    [
        (2215, 100, "22.15"),
        (2200, 100, "22.00"),
        (-5, 10, "-0.5"),
        (412, 1, "412"),
        (1, 16, "0.0625"),
        (3, 2, "1.5"),
        (4, 3, "1.3"),
        (61, 60, "1.02"),
    ],
)
def test_digits(counts, scale, text):
    assert scaled.text(counts, scale) == text


@given(COUNTS, st.integers(1, 2**16))
def test_counts_come_back(counts, scale):
    assert round(Fraction(scaled.text(counts, scale)) * scale) == counts


@given(COUNTS, st.sampled_from([1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 125, 250, 256, 1000]))
def test_what_ends_is_exact(counts, scale):
    assert Fraction(scaled.text(counts, scale)) == Fraction(counts, scale)


def test_qualities():
    assert [scaled.quality_name(code) for code in (0, 5, 6)] == [
        *("normal", "communication fault", "code 6")
    ]
