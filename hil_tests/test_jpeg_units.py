"""Where the pixels of a region come from that a unit cut out of its picture, for every layout."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools.jpeg_units import USUAL, grown, unit_size

from protocols.tests.test_jpeg_crop import cut
from protocols.tests.test_jpeg_crop_host import UNITS, grey, picture


@pytest.mark.parametrize("sampling", UNITS)
@pytest.mark.parametrize("region", [(130, 60, 50, 100), (0, 0, 1, 1), (300, 200, 100, 100)])
def test_a_region_is_where_the_unit_cut_it_out(sampling, region):
    data = picture(sampling, 0, 90, 0)
    part = cut(data, region, 100)
    assert unit_size(part) == UNITS[sampling]
    high, wide = grey(part).shape
    frame = grey(data).shape[::-1]
    left, top, width, height = grown(region, part, frame)
    assert (width, height) == (wide, high)
    assert (grey(part) == grey(data)[top : top + height, left : left + width]).all()


def test_a_damaged_file_has_the_usual_units():
    whole = picture(0x221111, 0, 90, 0)
    frame = whole.index(b"\xff\xc0")
    for data in (b"", whole[:2], whole[: frame + 6], whole[:frame] + b"\xff\xc0\x00\x04\x08\x00"):
        assert unit_size(data) == USUAL
