"""`fieldbeat check sensors` with a person who does what he is asked to, or something else.

The verbs and the port are real; time is virtual, and the person is a function for each question.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fieldbeat.hil_tests.check_desk import QUIET, Desk, Technician
from fieldbeat.hil_tests.virtual.fault_panel import FaultPanel
from fieldbeat.hil_tests.virtual.site import config
from fieldbeat.host_tools import node_config
from fieldbeat.host_tools.cli import main

SPEAKER = Path(node_config.__file__).parents[1] / "docs" / "examples" / "desk-speaker.toml"
RIVER = """
[node]
name = "r-1"
site = "bench"
board = "river_cam_esp32s3"
profile = "river"
[uplink]
host = "h"
port = 1
apn = ""
[fitted.river]
datum_mm = 4200
[fitted.camera]
enabled = false
"""


@pytest.fixture
def desk(bench, monkeypatch, capsys):
    for name, value in QUIET.items():
        bench.scene.hold(name, value)
    return Desk(bench, bench.add_station(), monkeypatch, capsys)


@pytest.fixture
def river(bench, monkeypatch, capsys):
    return Desk(bench, bench.add_station(node_config.parse(RIVER, "r.toml")), monkeypatch, capsys)


def test_sensors_that_answer(desk):
    answers = {
        "hand around": desk.hold(air_temperature=24.0),
        "breathe": desk.hold(air_humidity=75.0),
        "cover": desk.hold(illuminance=20.0),
    }
    assert desk.sensors("air", "light", "battery", **answers) == 0
    rows = re.findall(r"^ ?(\S+) +(\S+) .* (answers|plausible) *$", desk.said, re.M)
    assert [row[1:] for row in rows] == [
        ("air_temperature", "answers"),
        ("air_humidity", "answers"),
        ("illuminance", "answers"),
        ("battery", "plausible"),
    ]
    assert "gh-01, greenhouse_esp32 with profile greenhouse: air, co2, light, soil" in desk.said


def test_carbon_dioxide_and_a_soil_probe_answer(desk):
    rods = desk.hold(soil_moisture=80.0)
    found = desk.findings("co2", "soil", breathe=desk.hold(co2=2500.0), dip=rods)
    verdicts = {name: each["verdict"] for name, each in found.items()}
    assert verdicts == {
        "co2": "answers",
        "soil_moisture": "answers",
        "soil_temperature": "plausible",
        "soil_ec": "plausible",
        "soil_ph": "plausible",
    }


def test_one_that_repeats_a_value_is_stuck(desk, faults):
    faults.light.frozen = True
    light = desk.findings("light", cover=desk.hold(illuminance=20.0))["illuminance"]
    assert light["verdict"] == "stuck" and "the very same" in light["detail"]
    assert light["before"] == light["after"] and "put in another" in light["next_step"]


@pytest.mark.longest
def test_one_that_only_shows_its_noise_is_stuck(desk):
    assert desk.sensors("air", hand=lambda: None, breathe="s") == 1
    assert re.search(r"air_temperature: stuck: .* is no more than its noise", desk.said)
    assert "not tried: air_humidity" in desk.said


@pytest.mark.longest
def test_the_other_one_answers(desk):
    found = desk.findings("air", hand=desk.hold(soil_temperature=25.0), breathe="q")
    air = found["air_temperature"]
    assert air["verdict"] == "swapped"
    assert air["detail"].startswith("soil_temperature of 'soil' answered instead: 18")
    assert air["next_step"] == "exchange the plugs, or the addresses, of air and soil"


def test_two_contacts_with_exchanged_plugs(bench, monkeypatch, capsys):
    desk = Desk(bench, bench.add_station(node_config.load(SPEAKER)), monkeypatch, capsys)
    at_his_pin = desk.board.fitted.parts["door"]  # of the relay that he operates
    found = desk.findings("ac", operate=lambda: at_his_pin.set(not at_his_pin.active))
    assert found["mains"]["verdict"] == "swapped"
    assert "door of 'door' answered instead" in found["mains"]["detail"]


def test_the_wrong_way(desk):
    found = desk.findings("light", cover=desk.hold(illuminance=30_000.0))["illuminance"]
    assert found["verdict"] == "wrong way" and "it was to fall by" in found["detail"]


def test_one_that_is_not_there(desk, faults):
    faults.air.unplugged = True
    assert desk.sensors("air") == 1
    found = desk.findings("air")
    assert {each["verdict"] for each in found.values()} == {"absent"}
    air = found["air_temperature"]
    assert air["detail"].startswith("i2c_nack") and "SDA and SCL" in air["next_step"]


@pytest.mark.longest
def test_one_that_goes_silent_in_a_hand(desk, faults):
    def pull() -> None:
        faults.soil.unplugged = True

    found = desk.findings("soil", dip=pull)
    assert found["soil_moisture"]["verdict"] == "absent"
    assert "sensor_timeout" in found["soil_moisture"]["detail"]


def test_one_that_says_what_cannot_be(desk):
    desk.bench.scene.hold("soil_ph", 15.0)
    found = desk.findings("soil", dip="s")
    assert found["soil_ph"]["verdict"] == "implausible"
    assert re.search(r"15.* pH is not within 0.0 pH to 14.0 pH", found["soil_ph"]["detail"])


def test_parts_that_the_profile_does_not_know(bench, monkeypatch, capsys):
    """The config has switched them on: they are asked what they measure."""
    on = "".join(f"[fitted.{part}]\nenabled = true\n" for part in ("outside", "barometer"))
    desk = Desk(bench, bench.add_station(config(more=on)), monkeypatch, capsys)
    desk.hold(**QUIET)()
    warm = desk.hold(air_temperature=28.0)
    found = desk.findings("outside", hand=warm, breathe="s")
    assert found["outside.temperature"]["verdict"] == "answers"
    assert found["outside.temperature"]["unit"] == "Cel"
    found = desk.findings("barometer", hand="s", breathe="s")
    assert found["barometer.pressure"]["verdict"] == "plausible"
    faults = FaultPanel(bench)
    faults.outside.unplugged = True
    absent = desk.findings("outside")["outside"]
    assert absent["verdict"] == "absent" and absent["detail"].startswith("i2c_nack")


def test_in_the_dark_a_torch_is_asked_for(desk):
    desk.bench.scene.hold("illuminance", 0.0)
    assert desk.sensors("light", torch=desk.hold(illuminance=900.0)) == 0


def test_a_part_that_is_not_there_to_be_checked(desk):
    assert desk.sensors("lihgt") == 2
    assert "did you mean 'light'?" in desk.errors


def test_what_was_not_tried_is_no_success_and_is_kept(desk):
    assert desk.sensors("light", "battery", cover="s") == 2
    assert "not tried: illuminance" in desk.said
    assert desk.sensors("light", cover=desk.hold(illuminance=9.0)) == 0
    assert main(["check", "show", "gh-01", "--registry", str(desk.bench.registry.path)]) == 0
    shown = desk.more()
    assert re.findall(r"Li .*(not tried|plausible|answers)", shown) == [
        "not tried",
        "plausible",
        "answers",
    ]
    assert desk.sensors("light", torch=["x", "s"]) == 2  # a slip is no answer
    assert "'x' is none of these" in desk.said and "illuminance: not tried: skipped" in desk.said
    assert desk.sensors("light") == 2  # who was there has gone
    assert "illuminance: not tried: nobody was asked" in desk.said


def test_without_a_terminal_nobody_is_asked(desk, monkeypatch):
    monkeypatch.setattr(Technician, "isatty", lambda self: False)
    assert desk.sensors("light", "battery") == 2
    assert "somebody is needed to touch the sensors" in desk.errors and not desk.said
    assert "--at-rest" in desk.errors
    assert desk.run("sensors", "--part=battery", "--at-rest") == 0
    assert "battery: plausible" in desk.said
    assert desk.run("sensors", "--part=light", "--at-rest") == 0
    assert "only looked at: illuminance" in desk.said and "cover" not in desk.said


def test_what_was_found_before_ctrl_c_is_kept(desk):
    def interrupt() -> None:
        raise KeyboardInterrupt

    warm = desk.hold(air_temperature=24.0)
    assert desk.sensors("air", hand=warm, breathe=interrupt) == 130
    assert "interrupted after 1 channel; next: run it again" in desk.errors
    assert main(["check", "show", "gh-01", "--registry", str(desk.bench.registry.path)]) == 0
    assert re.findall(r"Li +air +(\w+) +(\w+)", desk.more()) == [("air_temperature", "answers")]


def test_a_board_over_the_water_is_believed_after_half_a_minute(river):
    water = river.bench.scene.river

    def hold_a_board() -> None:
        water.base_mm += 400

    found = river.findings("river", board=hold_a_board)["level"]
    assert found["verdict"] == "answers" and 0.35 < found["after"] - found["before"] < 0.45


def test_a_rain_gauge_and_a_door(river):
    parts = river.board.fitted.parts

    def tip() -> None:
        parts["rain"].tip()

    door = parts["door"]
    found = river.findings("rain", "door", tip=tip, operate=lambda: door.set(not door.active))
    assert (found["rain"]["verdict"], found["door"]["verdict"]) == ("answers", "answers")
    assert found["rain_hour"]["verdict"] == "plausible"
