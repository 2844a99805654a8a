"""Many loudspeakers and the collector: with its own socket in real time, and in virtual time."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.county import County
from fieldbeat.hil_tests.county_virtual import VirtualCounty
from fieldbeat.protocols import receipt


@pytest.mark.long
def test_all_are_told_over_a_network_that_loses(tmp_path):
    """`fieldbeat collect` itself, a crowd at protocol level, and a whole virtual board."""
    with County(tmp_path, crowd=60, poles=1, loss=0.2) as county:
        told = county.alarm()
    assert len(told.deliveries) == 61
    assert told.lost["down_lost"] > 5 and told.lost["up_lost"] > 3
    assert told.lost["obeyed"] == 60 and told.lost["verified"] == 1
    assert all(each.heard_s is not None for each in told.deliveries)
    pole = next(each for each in told.deliveries if each.unit == "speaker-00")
    assert pole.stage == receipt.DONE and pole.reason is None and len(pole.hops_ms) == 4


def test_a_lossy_county_in_virtual_time(tmp_path):
    county = VirtualCounty(tmp_path, units=300, loss=0.1, turn_s=0.005)
    assert county.alarm() < 10
    assert county.counts["down_lost"] > 30 and county.counts["up_lost"] > 15
    assert county.counts["obeyed"] == 300 and county.counts["repeated"] > 0
