"""Water by litres and feed by millilitres, watched at the meter, at pins and at coils."""

from __future__ import annotations

import pytest
from fieldbeat.protocols.control_rules import LEVEL, RUNS
from fieldbeat.protocols.derived import DAY_RISE
from fieldbeat.protocols.reason_codes import CODES

from .control_site import ControlSite, actuator, rule, table
from .virtual import plant
from .virtual.plant import LEAK

LOOK_S = 10
A_LOOK_L = plant.WATER_L_MIN * LOOK_S / 60
INPUTS = ["soil_moisture", "water", "water_flow"]
DRY = [LEVEL, 0, 300, 20, True, 0]
WET, PARCHED = 40.0, 20.0
DOSE_L, DAY_L = 60, 150
MAX_RUN_S = 600


@pytest.fixture
def site(tmp_path):
    with ControlSite(seed=1, workdir=tmp_path) as site:
        site.hold(soil_moisture=WET)
        yield site


def by_litres(site) -> list:
    """A valve and a pump that give so many litres when it is dry, and so many a day."""
    rows = [
        actuator("valve"),
        actuator(
            "pump",
            needs=(0,),
            max_run_s=MAX_RUN_S,
            min_pause_s=60,
            max_day_s=3600,
            confirm=[2, 50, 30],
        ),
    ]
    rules = [
        rule(1, 0, [LEVEL, 3, DAY_L * 10 - 1, 0, False, 0], value=0, overrides=True),
        rule(2, 0, DRY, dose=[1, DOSE_L * 10]),
        rule(3, 1, [RUNS, 0, True]),
    ]
    site.put_up(table(INPUTS, rows, rules, [[DAY_RISE, 1]], look_s=LOOK_S), run_s=120)
    return rows


def litres(site) -> float:
    """What has gone through the pump, by the time that its pin was on."""
    return plant.WATER_L_MIN * site.observer.on_s("pump") / 60


def dry_for(site, seconds: int) -> float:
    """Litres of a dry spell."""
    before = litres(site)
    site.hold(soil_moisture=PARCHED)
    site.run_for(seconds)
    site.hold(soil_moisture=WET)
    site.run_for(60)
    return litres(site) - before


def test_water_ends_with_its_litres_and_a_day_with_its_own(site):
    rows = by_litres(site)
    first = dry_for(site, 900)
    assert DOSE_L <= first <= DOSE_L + 2.5 * A_LOOK_L
    assert len(site.observer.runs("pump")) == 1  # once, as long as it is dry
    second = dry_for(site, 900)
    assert DOSE_L <= second <= DOSE_L + 2.5 * A_LOOK_L
    third = dry_for(site, 900)
    assert 0 < third < DOSE_L
    assert litres(site) <= DAY_L + 2.5 * A_LOOK_L
    assert dry_for(site, 900) == 0
    site.observer.check(rows)
    assert not site.observer.is_on("valve")


def test_a_meter_that_counts_nothing_ends_it_by_its_flow_and_by_time(site):
    by_litres(site)
    site.hold(soil_moisture=PARCHED)
    site.run_for(40)
    assert site.observer.is_on("pump")
    site.part("flow").run(0.0)  # its wire is cut
    site.run_for(120)
    assert not site.observer.is_on("pump")
    site.type("uplink")
    site.run_for(60)
    assert site.faults_told() == [("pump", CODES["actuator_no_effect"], 100)]


def test_a_leak_after_a_dose_is_told(site):
    by_litres(site)
    dry_for(site, 900)
    site.scene.plant.put(LEAK, 1, site.world.now_us)
    site.run_for(200)
    assert site.faults_told() == [("pump", CODES["actuator_stuck"], 0)]


def test_feed_by_what_its_pump_gives(site):
    """50 ml of 2.5 ml/s are 20 s, 120 ml a day 48: as the host reckons it."""
    rows = [actuator("feed", lease_s=90, max_run_s=20, min_pause_s=300, max_day_s=48)]
    rules = [rule(1, 0, DRY)]
    site.put_up(table(INPUTS[:1], rows, rules, look_s=30), run_s=120)
    site.hold(soil_moisture=PARCHED)
    site.run_for(3600)
    ran = [end - begin for begin, end in site.observer.runs("feed")]
    assert len(ran) == 3
    assert ran == pytest.approx([20, 20, 8], abs=1.2), ran
    site.observer.check(rows)
