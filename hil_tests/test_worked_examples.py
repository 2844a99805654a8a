"""The worked examples of docs/control.md: in the bench's greenhouse, and on a virtual board."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fieldbeat.hil_tests import greenhouse_year
from fieldbeat.hil_tests.greenhouse_year import House, Year
from fieldbeat.hil_tests.virtual import glasshouse, plant
from fieldbeat.host_tools import control_plan, control_simulation, node_config
from fieldbeat.host_tools.control_plan import Plan
from fieldbeat.host_tools.node_config import NodeConfig

from .control_site import ControlSite, Observer

DOCS = Path(__file__).resolve().parents[1] / "docs"
HEAD = (DOCS / "examples" / "climate.toml").read_text("utf-8").partition("[control.derived]")[0]
SECTION = (DOCS / "control.md").read_text("utf-8").partition("## Worked examples")[2]
WATER, RAIN, CARBON = re.findall(r"```toml\n(.*?)```", SECTION.partition("\n## ")[0], re.DOTALL)
SUMMER, SPRING, WARM_RAIN = range(170, 174), range(95, 98), range(160, 162)
A_LOOK_L = plant.WATER_L_MIN / 2


def config(block: str) -> NodeConfig:
    return node_config.parse(HEAD + block, "control.md")


def plan_of(block: str) -> Plan:
    plan = control_plan.read(config(block))
    assert plan
    return plan


def lived(block: str, days: range, valve: str = "") -> tuple[House, dict]:
    """Days of a house with these rules; `feed` is what the house calls `valve`."""
    plan, year = plan_of(block), Year()
    house = House(plan, year, plan.utc_offset_s, days)

    def moved(name: str, value: int, at_s: int) -> None:
        house.moved(valve if valve and name == "feed" else name, value, at_s)

    made = control_simulation.run(plan, house, moved=moved)
    return house, {run.name: run for run in made.runs}


def spans(values: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """When it was on; one that still is has no end here."""
    steps = zip(values, values[1:], strict=False)
    return [(a, b) for (a, value), (b, _) in steps if value]


@pytest.mark.parametrize("block", [WATER, RAIN, CARBON])
def test_they_are_without_a_note_that_something_is_wrong(block):
    said = [note for note in config(block).notes if "rule" in note or "lease" in note]
    assert not [note for note in said if "no rule has it" not in note], said


def test_water_by_litres_keeps_the_soil_and_its_day():
    house, runs = lived(WATER, SUMMER)
    litres = [plant.WATER_L_MIN * (end - begin) / 60 for begin, end in spans(runs["pump"].values)]
    doses = [n for n in litres if n > 200 - A_LOOK_L]
    assert len(doses) >= 4 and max(litres) <= 200 + 2 * A_LOOK_L, litres
    days = len(SUMMER)
    assert house.house.litres <= days * (900 + 2 * A_LOOK_L)
    assert house.house.litres == pytest.approx(sum(litres), abs=200)
    ml = [2.5 * (end - begin) for begin, end in spans(runs["feed"].values)]
    assert ml and max(ml) == 50 and sum(ml) <= 400 * days


def test_rain_stays_outside():
    house, runs = lived(RAIN, WARM_RAIN)
    wet, _ = lived(RAIN.replace("30 min", "1 s"), WARM_RAIN)
    assert wet.house.rained_in_mm > 0.2 > 10 * house.house.rained_in_mm
    assert runs["roof"].moves


def test_carbon_dioxide_only_into_a_shut_house_with_light():
    house, runs = lived(CARBON, SPRING, "co2_valve")
    open_ = spans(runs["roof"].values)
    given = spans(runs["feed"].values)
    assert given
    look_s = 30
    for begin, end in given:
        assert not [1 for a, b in open_ if a + look_s < end and begin + look_s < b]
    assert 5 < house.house.carbon_g < glasshouse.CO2_VALVE * 3600 * 8 * len(SPRING)


@pytest.fixture
def site(tmp_path):
    with ControlSite(seed=1, workdir=tmp_path) as site:
        yield site


def put_up(site, block: str) -> None:
    site.station = site.add_station(config(block))
    site.observer = Observer(site, site.station)
    site.part("guard").active = True
    site.run_for(300)


def test_carbon_dioxide_on_a_board(site):
    site.hold(air_temperature=20.0, co2=600.0, illuminance=20_000.0)
    put_up(site, CARBON)
    assert site.scene.plant.outputs["feed"] == 1
    site.hold(co2=1600.0)
    site.run_for(90)
    assert site.scene.plant.outputs["feed"] == 0
    site.hold(co2=600.0)
    site.run_for(200)
    assert site.scene.plant.outputs["feed"] == 1
    site.hold(air_temperature=29.0)  # the roof opens
    site.run_for(120)
    assert site.roof.position > 0 and site.scene.plant.outputs["feed"] == 0
    site.hold(air_temperature=20.0)
    site.run_for(400)
    assert site.roof.position == 0 and site.scene.plant.outputs["feed"] == 1
    site.part("guard").active = False  # the alarm in the house
    site.run_for(15)
    assert site.scene.plant.outputs["feed"] == 0
    site.part("guard").active = True
    site.run_for(200)
    assert site.scene.plant.outputs["feed"] == 1
    site.part("co2").faults.unplugged = True
    site.run_for(400)
    assert site.scene.plant.outputs["feed"] == 0
    site.observer.check(plan_of(CARBON).rows)
    assert b"Traceback" not in site.station.output


def test_water_and_feed_on_a_board(site):
    site.hold(soil_moisture=40.0, soil_ec=500.0)
    put_up(site, WATER)
    site.run_for(1800)  # after a start it counts as just stopped
    site.hold(soil_moisture=20.0)
    site.run_for(5400)
    (ran,) = [end - begin for begin, end in site.observer.runs("pump")]
    assert 200 <= plant.WATER_L_MIN * ran / 60 <= 200 + 2.5 * A_LOOK_L
    (fed,) = [end - begin for begin, end in site.observer.runs("feed")]
    assert fed == pytest.approx(20, abs=1.2)
    site.observer.check(plan_of(WATER).rows)
    assert b"Traceback" not in site.station.output


def test_a_year_counts_what_rained_in():
    """What the bench's figure is made of."""
    assert greenhouse_year.run(plan_of(RAIN), WARM_RAIN).rained_in_mm < 0.05
