"""A day of what `make bench AREA=month` does for thirty."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests import greenhouse_month


@pytest.mark.longest
def test_a_day_with_a_storm_and_a_night_without_a_link(tmp_path):
    month = greenhouse_month.run(1, tmp_path)
    assert month.away and month.storms
    assert month.records > 100
    assert month.runs["mist"] and month.runs["roof.open"] and month.runs["pump"]
