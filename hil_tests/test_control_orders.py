"""A person's order: from the verb over a modelled NB-IoT link to the relay."""

from __future__ import annotations

import json
import time

import pytest
from fieldbeat.host_tools import issuer_keys, node_config, unit_orders
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.protocols import cose
from fieldbeat.protocols.actuator import ASKED, SWITCH
from fieldbeat.protocols.control_rules import IDLE, ORDER

from .control_site import BOARD, SAMPLING, ControlSite, Observer
from .site_clock import SiteClock
from .test_picture_asked import PASSPHRASE
from .virtual.site import CONFIG

UNIT = "gh-01"
CONTROL = """
[control]
look_s = 10
stale = "1 min"
utc_offset = "+08:00"
[actuator.fan]
safe = "off"
lease = "1 min"
switch = "hand"
[[rule]]
number = 7
actuator = "fan"
set = "on"
when = [ { channel = "air_temperature", above = "40 Cel" } ]
"""


def let_grower_order(site, folder, monkeypatch):
    """The issuer `grower`, its passphrase in the file `pass`; a wait lets virtual time pass."""
    key = issuer_keys.generate(cose.ES256)
    Issuers(site.registry).add("grower", cose.ES256, key.public, 0, 4)
    issuer_keys.save("grower", key, PASSPHRASE)
    (folder / "pass").write_text(PASSPHRASE)
    (folder / "pass").chmod(0o600)
    monkeypatch.setattr(time, "time", lambda: site.now_s)
    monkeypatch.setattr(unit_orders, "time", SiteClock(site))


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    with ControlSite(seed=1, workdir=tmp_path) as site:
        let_grower_order(site, tmp_path, monkeypatch)
        text = CONFIG.format(unit=UNIT, board=BOARD).replace('"greenhouse"', '"climate"')
        text = text.replace("interval_s = 3600", "interval_s = 300")
        node = node_config.parse(text + SAMPLING + CONTROL, "gh-01.toml")
        site.hold(air_temperature=20.0)
        site.station = site.add_station(node)
        site.observer = Observer(site, site.station)
        site.run_for(60)
        yield site


def operate(site, capsys, *words: str) -> tuple[int, dict]:
    folder = site.workdir
    files = ["--registry", str(folder / "registry.db"), "--db", str(folder / "collector.db")]
    signed = ["--yes", "--key-file", str(folder / "pass"), "--json"]
    code = main(["operate", UNIT, *words, *files, *signed])
    said = capsys.readouterr()
    return code, json.loads(said.out or said.err)


def test_from_the_verb_to_the_relay_and_back_to_the_rules(site, capsys):
    code, told = operate(site, capsys, "fan", "on", "--for", "2 min", "--wait", "900")
    assert (code, told["state"]) == (0, "obeyed"), told
    site.run_for(200)
    ((begin_s, end_s),) = site.observer.runs("fan")
    assert end_s - begin_s == pytest.approx(120, abs=8)
    code, told = operate(site, capsys, "fan", "on", "--for", "20 min", "--wait", "900")
    site.run_for(20)
    assert code == 0 and site.observer.is_on("fan")
    code, told = operate(site, capsys, "fan", "auto", "--wait", "900")
    site.run_for(20)
    assert code == 0 and not site.observer.is_on("fan")
    site.run_for(400)
    expected = [(100, ORDER, 0, ASKED), (0, IDLE, 0, ASKED)] * 2
    assert site.decisions("fan") == expected
    assert b"MemoryError" not in site.station.output


def test_an_order_does_not_overrule_a_person_who_stands_there(site, capsys):
    site.part("hand").set(True)
    code, told = operate(site, capsys, "fan", "on", "--for", "20 min", "--wait", "900")
    assert code == 0 and told["state"] == "obeyed"  # it holds, and the switch comes first
    site.run_for(60)
    assert not site.observer.runs("fan")
    site.part("hand").set(False)
    site.run_for(30)
    assert site.observer.is_on("fan")
    site.run_for(400)
    assert (0, ORDER, 0, SWITCH) in site.decisions("fan")


def test_an_order_lives_through_no_reset(site, capsys):
    operate(site, capsys, "fan", "on", "--for", "1 h", "--wait", "900")
    site.run_for(20)
    assert site.observer.is_on("fan")
    site.station.brown_out()
    site.run_for(900)
    assert len(site.observer.runs("fan")) == 1 and not site.observer.is_on("fan")
