"""`fieldbeat check calibrate`: from a reference to the file, reports and rules."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from fieldbeat.hil_tests.check_desk import QUIET, Desk
from fieldbeat.host_tools import node_config
from fieldbeat.host_tools.cli import main

TOML = """\
# A station by the door.
[node]
name = "gh-01"        # on its label
site = "bench"
board = "greenhouse_esp32"
profile = "greenhouse"

[uplink]
host = "collector.example.org"
port = 5690
apn = "iot.example"
interval_s = 60

[sampling]
interval_s = 10       # in a hurry
report_samples = 3

[[alarm]]
number = 1
channel = "air_temperature"
above = "22.20 Cel"   # what it is by the thermometer, not by the sensor
back = "0.05 Cel"
"""
AIR = ("air_temperature", "--reference", "22.4 Cel", "--against", "thermometer 4711")
SOIL = ("soil_moisture", "--reference", "5 %", "--second", "80 %", "--against", "dry and wet sand")


@pytest.fixture
def desk(bench, monkeypatch, capsys, tmp_path):
    for name, value in QUIET.items():
        bench.scene.hold(name, value)
    made = Desk(bench, bench.add_station(node_config.parse(TOML, "gh.toml")), monkeypatch, capsys)
    made.toml = tmp_path / "gh-01.toml"  # type: ignore[attr-defined]
    made.toml.write_text(TOML)  # type: ignore[attr-defined]
    return made


def calibration(desk) -> dict:
    return tomllib.loads(desk.toml.read_text())["calibration"]


def offset(table: dict) -> float:
    return float(table["offset"].split()[0])


def test_the_next_report_and_the_rules_have_it(desk):
    def latest() -> float:
        view = desk.bench.views.unit("gh-01", desk.bench.now_s)
        return next(row.value for row in view.readings if row.channel == "air_temperature")

    desk.bench.run_for(120)
    assert latest() == pytest.approx(22.0, abs=0.06)
    assert "watch: alarm" not in desk.board.output.decode()
    assert desk.run("calibrate", *AIR, "--config", desk.toml) == 0
    assert "next: fieldbeat provision" in desk.said
    assert desk.toml.read_text().startswith(TOML)  # with its remarks
    table = calibration(desk)["air_temperature"]
    assert offset(table) == pytest.approx(0.4, abs=0.03) and table["factor"] == 1.0
    assert (table["by"], table["against"]) == ("Li", "thermometer 4711")
    registry = str(desk.bench.registry.path)
    port = ("--port", desk.board.port)
    assert main(["provision", *port, "--registry", registry, str(desk.toml)]) == 0
    desk.bench.run_for(120)
    assert latest() == pytest.approx(22.4, abs=0.06)
    assert "watch: alarm 1 is air_temperature 22" in desk.board.output.decode()
    assert desk.sensors("air", hand="s", breathe="s") == 2
    assert "air_temperature (air): 22.0" in desk.said  # a check shows what the part says


def test_two_points_and_what_the_registry_keeps(desk):
    desk.bench.scene.hold("soil_moisture", 8.0)
    wet = desk.hold(soil_moisture=70.0)
    assert desk.run("calibrate", *SOIL, "--json", "--config", desk.toml, bring=wet) == 0
    table = json.loads(desk.said)["table"]
    assert table["factor"] == pytest.approx(75 / 62, abs=0.005)
    assert offset(table) == pytest.approx(5 - 8 * 75 / 62, abs=0.2)
    assert main(["check", "show", "gh-01", "--registry", str(desk.bench.registry.path)]) == 0
    assert re.search(r"Li +soil_moisture +dry and wet sand +x 1 \+0 % +x 1.2", desk.more())


def test_a_later_point_keeps_the_factor(desk):
    who = 'by = "Li"\non = 2026-01-01\nagainst = "sand"   # of the river\n'
    old = f"{TOML}\n[calibration.soil_moisture]\nfactor = 1.2\n{who}"
    desk.toml.write_text(old)
    one = ("soil_moisture", "--reference", "33 %", "--against", "a laboratory")
    assert desk.run("calibrate", *one, "--config", desk.toml) == 0
    table = calibration(desk)["soil_moisture"]
    assert table["factor"] == 1.2 and offset(table) == pytest.approx(3, abs=0.2)
    assert "# of the river" in desk.toml.read_text() and table["against"] == "a laboratory"


def test_without_a_file_it_is_printed(desk):
    assert desk.run("calibrate", *AIR) == 0
    pasted = TOML + desk.said[desk.said.index("[calibration") :]
    assert "air_temperature" in node_config.parse(pasted, "gh.toml").tables.calibration


def refused(desk, *arguments: str, **acts) -> str:
    desk.toml.write_text(TOML)
    assert desk.run("calibrate", *arguments, "--config", desk.toml, **acts) in (1, 2)
    assert desk.toml.read_text() == TOML
    return desk.errors


def test_what_drifts_is_refused(desk):
    def warm() -> None:
        scene = desk.bench.scene
        scene.hold("air_temperature", scene.value("air_temperature", 0) + 0.02)
        desk.bench.world.call_after(1_000_000, warm)

    warm()
    told = refused(desk, *AIR)
    assert re.search(
        r"not steady: it drifts by \+0\.\d+ Cel in 15 s, 0.0\d+ Cel is the most", told
    )


def test_what_trembles_is_refused(desk):
    def shake() -> None:
        scene = desk.bench.scene
        scene.hold("air_temperature", 44.0 - scene.value("air_temperature", 0))
        desk.bench.world.call_after(1_700_000, shake)

    desk.bench.scene.hold("air_temperature", 21.0)
    shake()
    assert re.search(r"not steady: noise .* Cel, 0.25 Cel is the most", refused(desk, *AIR))


def test_what_cannot_be_is_refused_and_taken_by_force(desk):
    far = (AIR[0], AIR[1], "60 Cel", *AIR[3:])
    assert "off by +38" in refused(desk, *far) and "--force" in desk.errors
    assert desk.run("calibrate", *far, "--force", "--config", desk.toml) == 0
    assert offset(calibration(desk)["air_temperature"]) == pytest.approx(38, abs=0.1)


def test_a_large_correction_is_doubted(desk):
    assert desk.run("calibrate", *AIR, "--config", desk.toml) == 0 and "note:" not in desk.said
    slip = (AIR[0], AIR[1], "42 Cel", *AIR[3:])
    assert desk.run("calibrate", *slip, "--config", desk.toml) == 0
    assert "note: air_temperature is off by +20 Cel, which is much" in desk.said


@pytest.mark.parametrize(
    ("channel", "reference", "told"),
    [
        ("air_temp", "22 Cel", "did you mean 'air_temperature'?"),
        ("rsrp", "-90 dBm", "measures no channel 'rsrp'"),
        ("air_temperature", "22 %", "must be a number with its unit"),
    ],
)
def test_mistakes(desk, channel, reference, told):
    assert told in refused(desk, channel, "--reference", reference, "--against", "x")


def test_two_points_that_are_too_near(desk):
    assert "too near" in refused(desk, *SOIL, bring=lambda: None)
    assert "before the second" in refused(desk, *SOIL, bring="q")


def test_a_part_that_is_not_there(desk, faults):
    faults.air.unplugged = True
    assert "i2c_nack" in refused(desk, *AIR) and "check sensors --part air" in desk.errors


def test_a_file_of_another_unit(desk):
    desk.toml.write_text(TOML.replace("gh-01", "gh-02"))
    assert desk.run("calibrate", *AIR, "--config", desk.toml) == 2
    assert "is of gh-02, this unit is gh-01" in desk.errors


@pytest.mark.parametrize("against", ["", "x" * 201])
def test_what_the_file_would_not_take_is_refused_before_it_is_measured(desk, against):
    told = refused(desk, "air_temperature", "--reference", "22.4 Cel", "--against", against)
    assert "[calibration.air_temperature]: against = '" in told and "wait ..." not in desk.said
