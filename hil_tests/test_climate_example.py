"""The climate example on a virtual board, from its rules to what a person is told of them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from fieldbeat.host_tools import issuer_keys, node_config, unit_orders
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.protocols import cose

from .control_site import ControlSite, Observer
from .site_clock import SiteClock

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "examples" / "climate.toml"
UNIT = "gh-07"
PASSPHRASE = "correct horse battery"
# With all parts fitted, rules and a trace: as full as the heap of a station gets.
SPARING = "[sampling]\ninterval_s = 900\nreport_samples = 4\n[trace]\n"


def example() -> NodeConfig:
    text = EXAMPLE.read_text("utf-8").replace('apn = "iot.example"', 'apn = ""\ninterval_s = 600')
    return node_config.parse(text + SPARING, "climate.toml")


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    with ControlSite(seed=1, workdir=tmp_path) as site:
        key = issuer_keys.generate(cose.ES256)
        Issuers(site.registry).add("grower", cose.ES256, key.public, 0, 4)
        issuer_keys.save("grower", key, PASSPHRASE)
        (tmp_path / "pass").write_text(PASSPHRASE)
        (tmp_path / "pass").chmod(0o600)
        site.hold(air_temperature=20.0, air_humidity=60.0, wind_speed=2.0, soil_moisture=40.0)
        site.leak = False
        site.station = site.add_station(example())
        site.observer = Observer(site, site.station)
        # Its contact is closed: no storm is told by the plant's own controller.
        site.part("guard").active = True
        monkeypatch.setattr(time, "time", lambda: site.now_s)
        monkeypatch.setattr(unit_orders, "time", SiteClock(site))
        site.run_for(1900)  # until it has seen half an hour without rain
        yield site


def files(site) -> list[str]:
    folder = site.workdir
    return ["--registry", str(folder / "registry.db"), "--db", str(folder / "collector.db")]


def why(site, capsys, actuator: str) -> dict:
    site.collector.flush()
    config = site.workdir / "climate.toml"
    config.write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    told = ["rules", "why", UNIT, actuator, "--config", str(config), "--json"]
    assert main([*told, *files(site)]) == 0
    return json.loads(capsys.readouterr().out)


def test_heat_opens_the_roof_and_a_storm_shuts_it(site, capsys):
    assert site.roof.position == 0
    site.hold(air_temperature=25.0)
    site.run_for(400)
    assert 0.5 < site.roof.position < 0.95
    site.hold(wind_speed=12.0)
    site.run_for(300)
    assert site.roof.position == 0
    site.run_for(900)
    found = why(site, capsys, "roof")
    assert (found["value"], found["rule_name"]) == (0, "shut, storm")
    assert found["inputs"]["wind_speed"] == pytest.approx(120, abs=3)
    # An anemometer that is silent is no calm.
    site.hold(wind_speed=2.0)
    site.run_for(300)
    assert site.roof.position > 0.5
    site.part("weather").faults.unplugged = True
    site.run_for(600)
    assert site.roof.position == 0
    site.run_for(900)
    assert why(site, capsys, "roof")["cause"] == "blind"
    assert b"Traceback" not in site.station.output


@pytest.mark.longest
def test_rain_shuts_the_roof_until_half_an_hour_after_the_last_of_it(site, capsys):
    site.hold(air_temperature=25.0, rain=40.0)
    site.run_for(2200)  # the gauge has counted while it was held to that
    assert site.roof.position > 0.5
    site.hold(rain=40.1)
    site.run_for(240)
    assert site.roof.position == 0
    site.run_for(1200)
    assert site.roof.position == 0
    site.run_for(800)
    assert site.roof.position > 0.5
    site.hold(rain=0.0)  # somebody empties it: no rain
    site.run_for(600)
    assert site.roof.position > 0.5
    site.hold(rain=0.1)
    site.run_for(1500)
    found = why(site, capsys, "roof")
    assert (found["value"], found["rule_name"]) == (0, "shut, rain")


def operate(site, capsys, *words: str) -> dict:
    signed = ["--yes", "--key-file", str(site.workdir / "pass"), "--json"]
    code = main(["operate", UNIT, *words, "--wait", "3600", *signed, *files(site)])
    said = capsys.readouterr()
    assert code == 0, said
    return json.loads(said.out)


def test_an_order_of_a_person_goes_before_the_rules_for_its_time(site, capsys):
    site.run_for(900)
    assert not site.observer.is_on("fan")
    assert operate(site, capsys, "fan", "on", "--for", "20 min")["state"] == "obeyed"
    site.run_for(60)
    assert site.observer.is_on("fan")
    site.run_for(1200)
    assert not site.observer.is_on("fan")
    site.run_for(900)
    assert why(site, capsys, "fan")["cause"] == "idle"
    # What overrides an order does so, and tells who decided.
    site.hold(wind_speed=12.0)
    site.run_for(60)
    assert operate(site, capsys, "roof", "100", "--for", "20 min")["state"] == "obeyed"
    site.run_for(300)
    assert site.roof.position == 0
    assert why(site, capsys, "roof")["rule_name"] == "shut, storm"
    # Without its sensor a frost rule leaves roof and heater to a person.
    site.hold(wind_speed=2.0, air_temperature=30.0)
    site.part("air").faults.unplugged = True
    site.run_for(1500)
    assert why(site, capsys, "roof")["cause"] == "blind" and site.roof.position == 0
    for name in ("roof", "heater"):
        assert operate(site, capsys, name, "100", "--for", "20 min")["state"] == "obeyed"
    site.run_for(300)
    assert site.roof.position == 1 and site.observer.is_on("heater")
    assert "order_no_room" not in site.type("counters")
    assert b"MemoryError" not in site.station.output
