"""`fieldbeat selftest` on a virtual board, from the check at the sensor to the verified file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fieldbeat.host_tools import issuer_keys, node_config, smp_link, unit_code
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.protocols import command, cose

from .check_desk import QUIET, Desk

EXAMPLES = Path(node_config.__file__).parents[1] / "docs" / "examples"
SECRET = "four words of mine"


class Bench(Desk):
    """A unit, a technician with a key, and a folder for what he signs."""

    def __init__(self, bench, board, monkeypatch, capsys, folder):
        super().__init__(bench, board, monkeypatch, capsys)
        self.folder = folder
        monkeypatch.setenv("FIELDBEAT_HOME", str(folder / "home"))
        (folder / "pass").write_text(f"{SECRET}\n")
        (folder / "pass").chmod(0o600)
        assert self.fieldbeat("technician", "new", "li", *self.key) == 0

    @property
    def key(self):
        return "--key-file", self.folder / "pass", "--registry", self.bench.registry.path

    def fieldbeat(self, *arguments):
        self.said = self.errors = ""
        code = main(list(map(str, arguments)))
        self.more()
        return code

    def selftest(self, *more):
        where = "--port", self.board.port, "--technician", "li", *self.key
        code = self.fieldbeat("selftest", *where, "--folder", self.folder, "--json", *more)
        assert self.said, self.errors
        return code, json.loads(self.said)


def verdicts(told):
    return {each["name"]: each["verdict"] for each in told["checks"]}


@pytest.fixture
def desk(bench, monkeypatch, capsys, tmp_path):
    for name, value in QUIET.items():
        bench.scene.hold(name, value)
    return Bench(bench, bench.add_station(), monkeypatch, capsys, tmp_path)


def test_a_unit_that_is_well(desk):
    code, told = desk.selftest()
    found = verdicts(told)
    assert code == 0 and told["verdict"] == "passed", told
    assert found["modem.rsrp"] == found["clock.time"] == "not tested"  # it has not spoken yet
    assert {name.split(".")[0] for name in found} >= {"air", "battery", "co2", "light", "soil"}
    air = next(each for each in told["checks"] if each["name"] == "air.temperature")
    assert air["value"] == pytest.approx(QUIET["air_temperature"], abs=0.5)
    assert (air["unit"], air["low"], air["high"]) == ("Cel", -40, 85)
    keys = desk.folder / "technicians.json"
    assert desk.fieldbeat("technician", "export", "--out", keys, *desk.key[2:]) == 0
    verify = "certificate", "verify", told["certificate"], "--keys", keys
    assert desk.fieldbeat(*verify, "--unit", "gh-01") == 0
    assert "genuine: gh-01 has passed, signed by li" in desk.said
    assert desk.fieldbeat(*verify, "--unit", "gh-02") == 1
    assert desk.fieldbeat(*verify, "--port", desk.board.port) == 0
    page = Path(told["page"]).read_text()
    assert "PASSED" in page and told["mac"] in page


def test_a_unit_that_is_not(desk, faults):
    faults.air.unplugged = True
    code, told = desk.selftest()
    (failed,) = [each for each in told["checks"] if each["verdict"] == "failed"]
    assert code == 1 and failed["name"] == "air" and "i2c_nack: address 0x44" in failed["text"]
    assert desk.fieldbeat("certificate", "verify", told["certificate"], *desk.key[2:]) == 1
    assert "genuine: gh-01 has FAILED" in desk.said
    assert "FAILED" in Path(told["page"]).read_text()


def test_limits_of_somebodys_own(desk):
    file = desk.folder / "limits.toml"
    file.write_text("[[check]]\nname = '*.temperature'\nunit = 'Cel'\nhigh = 15\n")
    where = "--port", desk.board.port, "--limits", file
    assert desk.fieldbeat("selftest", *where) == 1
    assert "gh-01: FAILED" in desk.said and "at most 15 Cel" in desk.said
    assert "not signed" in desk.said
    assert f"next: do not mount it; 'fieldbeat doctor --port {desk.board.port}'" in desk.said
    assert all((desk.said + desk.errors).count(name) == 1 for name in ("heap.free", "co2.co2"))


def test_on_the_air(desk):
    code, told = desk.selftest("--on-air")
    found = verdicts(told)
    assert code == 0 and "not tested" not in found.values(), found
    rsrp = next(each for each in told["checks"] if each["name"] == "modem.rsrp")
    assert rsrp["unit"] == "dBm" and -125 <= rsrp["value"] <= -44 and rsrp["low"] == -125


def test_a_unit_that_is_locked(desk):
    """Whoever is there may have it tested; to let it speak the registry has to have its code."""
    kept = unit_code.kept(desk.bench.registry, "gh-01")
    with smp_link.SmpLink(desk.board.port) as link:
        link.write_setting("key/code", kept)
        link.run(["lock"])
    where = "--port", desk.board.port
    assert desk.fieldbeat("selftest", *where) == 0
    assert desk.fieldbeat("selftest", *where, "--on-air") == 2
    assert "gh-01 is locked, and its code is in no registry here" in desk.errors
    code, told = desk.selftest("--on-air")
    assert code == 0 and verdicts(told)["modem.uplink"] == "passed"
    with smp_link.SmpLink(desk.board.port) as link:
        assert link.status()["lock"] == "locked"


@pytest.mark.long
def test_on_the_air_with_nobody_there(desk):
    desk.bench.network.faults.away = True
    code, told = desk.selftest("--on-air")
    assert code == 1 and verdicts(told)["modem.uplink"] == "failed", told["checks"]


def obey(bench, highest_class):
    """Who is put up from now on obeys somebody who may order this class and below."""
    key = issuer_keys.generate(cose.ES256)
    Issuers(bench.registry).add("district", cose.ES256, key.public, highest_class, 1)


def example(bench, monkeypatch, capsys, folder, name):
    station = bench.add_station(node_config.load(EXAMPLES / f"{name}.toml"))
    if name == "desk-speaker":
        station.fitted.parts["river"].hang(3200)  # mm above the water
    return Bench(bench, station, monkeypatch, capsys, folder)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("desk-speaker", {"ac", "amplifier", "sound"}), ("river", {"camera", "rain", "solar"})],
)
def test_other_roles(bench, monkeypatch, capsys, tmp_path, name, parts):
    obey(bench, command.EMERGENCY)
    desk = example(bench, monkeypatch, capsys, tmp_path, name)
    code, told = desk.selftest()
    assert code == 0, [each["text"] for each in told["checks"] if each["verdict"] == "failed"]
    assert {name.split(".")[0] for name in verdicts(told)} >= parts
    assert verdicts(told).get("sound", "not tested") == "not tested"  # nobody has heard it


@pytest.mark.parametrize("highest_class", [None, command.DRILL])
def test_a_loudspeaker_that_is_silent_in_an_emergency_has_failed(
    bench, monkeypatch, capsys, tmp_path, highest_class
):
    if highest_class is not None:
        obey(bench, highest_class)
    desk = example(bench, monkeypatch, capsys, tmp_path, "desk-speaker")
    code, told = desk.selftest()
    failed = {each["name"]: each["text"] for each in told["checks"] if each["verdict"] == "failed"}
    assert code == 1 and list(failed) == ["speaker.issuers"]
    assert "fieldbeat issuer" in failed["speaker.issuers"]
