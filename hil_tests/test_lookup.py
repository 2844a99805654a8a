"""A pole looks its server up without standing still, and again when nobody answers."""

from __future__ import annotations

import pytest
from fieldbeat.protocols import receipt

from .listening import TONE, loudest_ms, sink


def test_a_collector_that_moved_is_found(district):
    district.add_pole()
    asked = district.network.lan.names.asked
    before = len(asked)
    assert before == 1
    district.network.move("collector.example.org")
    order = district.order([TONE], minutes=30)  # into the address before
    district.run_until(lambda: district.told(order).stage == receipt.DONE, 240)
    assert district.told(order).stage == receipt.DONE and len(asked) == before + 1
    assert district.network.counts["up_refused"] >= 3


@pytest.mark.long
def test_a_name_server_that_is_silent_makes_no_gap(district):
    pole = district.add_pole()
    order = district.order([[0, 0, 60_000]] * 4, minutes=30)
    district.until(order, receipt.STARTED)
    district.run_for(1)
    asked = district.network.lan.names.asked
    gaps, before, begin_us = len(sink(pole).gaps), len(asked), district.world.now_us
    district.network.away(True)
    district.run_for(230)
    assert len(asked) - before >= 3 and district.network.faults.fired["away"] > 3
    assert len(sink(pole).gaps) == gaps
    assert loudest_ms(pole, begin_us, district.world.now_us) > 229_900
    district.network.away(False)
    assert district.until(order, receipt.DONE, 120).reason is None
