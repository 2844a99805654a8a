"""`fieldbeat survey` with a modem whose signal changes, and with what people meet."""

from __future__ import annotations

import csv
import json
import re
import sys
from functools import partial
from pathlib import Path

import pytest
from fieldbeat.host_tools import (
    node_config,
    serial_port,
    smp_link,
    survey_line,
    unit_code,
    unit_lock,
)
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.smp_link import LinkError

from .survey_desk import MODELS, SurveyDesk
from .test_check_docs import shape
from .virtual_time_link import VirtualTimeLink

EXAMPLES = Path(node_config.__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def open_desk(tmp_path, monkeypatch, capsys):
    desks = []

    def make(part: str = "bc26") -> SurveyDesk:
        desks.append(SurveyDesk(part, tmp_path, monkeypatch, capsys))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


@pytest.mark.parametrize("part", MODELS)
def test_the_antenna_is_carried_to_where_it_hears(open_desk, part):
    desk = open_desk(part)
    desk.move(-115)
    desk.at(60, "2 m higher", lambda: desk.move(-92))
    desk.at(120, "cellar", lambda: desk.move(-133))
    desk.at(180, "q")
    told = desk.told()
    assert told["verdict"] == "go" and told["best"] == "2 m higher", told
    start, high, cellar = told["spots"]
    assert [each["verdict"] for each in (start, cellar)] == ["weak", "no-go"]
    assert high["rsrp_dbm"] == pytest.approx(-92, abs=4) and high["ecl"] == 0
    assert high["snr_db"] == pytest.approx(24, abs=4)
    assert start["ecl"] in (1, 2) and cellar["ecl"] == 2
    assert high["bands"] == [5] and len(high["cells"]) == 1 and high["operator"] == "46011"
    assert all(2 <= each["attach_s"] <= 25 for each in told["spots"])
    assert told["next"] == "drill here"


def test_what_the_log_has(open_desk):
    desk = open_desk()
    desk.at(40, "north side")
    assert desk.run("--for", 80) == 0
    rows = list(csv.DictReader(desk.log.open()))
    assert {row["spot"] for row in rows} == {"", "north side"}
    assert 55 < len(rows) <= 80
    assert rows[0]["at_s"].startswith("2026-06-01T08:00:")
    assert rows[-1]["rsrp_dbm"] and rows[-1]["snr_db"] and rows[-1]["ecl"] == "0"
    assert sum(bool(row["attach_s"]) for row in rows) == 2
    first = next(row for row in rows if row["attach_s"])
    assert all(row["stat"] == "2" for row in rows[: rows.index(first)])


def test_ctrl_c_keeps_what_was_seen(open_desk):
    desk = open_desk()
    desk.interrupt(60)
    assert desk.run() == 0
    assert "go: start:" in desk.said and str(desk.log) in desk.said
    assert len(desk.log.read_text().splitlines()) > 40


def test_ctrl_c_before_anything_leaves_no_file(open_desk):
    desk = open_desk()
    desk.interrupt(0.2)
    assert desk.run() == 130
    assert not desk.log.exists()


def test_a_log_is_never_written_over(open_desk):
    desk = open_desk()
    desk.log.write_text("precious")
    assert desk.run() == 2
    assert "is there already" in desk.errors and desk.log.read_text() == "precious"


def test_a_forecast_and_a_picture(open_desk):
    desk = open_desk()
    desk.at(40, "2 m higher", lambda: desk.move(-116))
    desk.at(80, "q")
    told = desk.told("--config", EXAMPLES / "river.toml", "--plot", desk.plot)
    good = told["forecast"]
    assert told["best"] == "start" and good["ecl"] == 0
    assert good["mah_day"] > 1 and good["bytes_month"] > 1000
    assert desk.plot.read_bytes().startswith(b"\x89PNG")


def test_an_earlier_log_is_judged_again(open_desk, tmp_path):
    desk = open_desk()
    desk.move(-116)
    assert desk.run("--for", 50) == 0
    assert "weak: start:" in desk.said
    strict = tmp_path / "limits.toml"
    strict.write_text("least_rsrp_dbm = -112\n")
    svg = tmp_path / "again.svg"
    assert desk.verb("--read", desk.log, "--limits", strict, "--plot", svg) == 1
    assert "no-go: start: the signal falls to" in desk.said
    assert "<svg" in svg.read_text("utf-8")
    with desk.log.open("a") as file:
        file.write("2026-06-01T09:0")  # torn, as by a battery that is empty
    assert desk.verb("--read", desk.log) == 0


def test_bad_coverage_costs_more(open_desk):
    desk = open_desk()
    desk.at(40, "ditch", lambda: desk.move(-117))
    told = desk.told("--for", 40, "--config", EXAMPLES / "river.toml")
    desk.log.unlink()
    worse = desk.told("--for", 50, "--config", EXAMPLES / "river.toml")
    assert worse["spots"][0]["ecl"] == 1
    assert worse["forecast"]["mah_day"] > told["forecast"]["mah_day"]


def test_the_battery_of_the_unit_that_is_to_stand_there(open_desk, tmp_path):
    file = tmp_path / "river.toml"
    text = (EXAMPLES / "river.toml").read_text("utf-8")
    lines = text.replace("# battery_mah", "battery_mah").replace("# days = 14", "days = 400")
    file.write_text(lines)
    desk = open_desk()
    told = desk.told("--for", 60, "--config", file)
    cost = told["forecast"]
    assert cost["battery_days"] == pytest.approx(0.8 * 20_000 / cost["mah_day"], rel=0.01)
    assert any("days = 400" in line for line in cost["over"])


def test_the_transcript_of_the_page(open_desk):
    desk = open_desk()
    desk.move(-117)
    desk.at(45, "north side", lambda: desk.move(-102))
    desk.at(90, "2 m higher", lambda: desk.move(-96))
    desk.at(140, "behind the tank", lambda: desk.move(-131))
    desk.at(180, "q")
    assert desk.run("--plot", desk.plot, "--config", EXAMPLES / "river.toml") == 0
    page = (EXAMPLES.parent / "survey.md").read_text("utf-8")
    transcript = re.search(r"<!-- .*test_survey.* -->\n```\n(.*?)```", page, re.S)
    said = desk.said.replace(f"{desk.log.parent}/", "")
    assert transcript and shape(said) == shape(transcript[1]), said


# -- what people meet


@pytest.mark.parametrize("part", MODELS)
@pytest.mark.parametrize(
    ("sim", "words"), [("absent", "finds no SIM"), ("pin", "PIN"), ("puk", "PUK")]
)
def test_a_sim_that_cannot_be_used(open_desk, part, sim, words):
    desk = open_desk(part)
    desk.model.faults.sim = sim
    assert desk.run() == 2
    assert words in desk.errors or (part == "bc95" and "PIN" in desk.errors), desk.errors
    assert not desk.model.faults.unfired() and not desk.log.exists()


def test_a_silent_modem(open_desk):
    desk = open_desk()
    desk.model.faults.silent = True
    assert desk.run() == 2
    assert "is silent" in desk.errors and "TX and RX" in desk.errors
    assert desk.model.faults.fired["silent"] and not desk.log.exists()


def test_it_goes_silent_on_the_way(open_desk):
    desk = open_desk()
    desk.at(50, lambda: setattr(desk.model.faults, "silent", True))
    assert desk.run("--for", 90) == 1
    assert "does not answer any more" in desk.errors
    assert "go: start:" in desk.said and len(desk.log.read_text().splitlines()) > 30


def test_another_program_on_the_port(open_desk):
    desk = open_desk()
    with serial_port.open_port(desk.pty.path):
        assert desk.run() == 2
    assert "is busy" in desk.errors


def test_a_refused_sim(open_desk):
    desk = open_desk()
    desk.model.faults.cereg, desk.model.faults.cause = 3, 15
    told = desk.told("--for", 10)
    assert told["verdict"] == "no-go" and "CEREG 0,3, cause 15" in told["reason"]
    assert "SIM active" in told["next"]


def test_a_wrong_band(open_desk):
    desk = open_desk()
    desk.model.settings["+QBAND"] = "1,8"
    told = desk.told("--for", 150)
    assert told["verdict"] == "no-go" and "no NB-IoT cell" in told["reason"]
    assert "in its bands 8" in told["reason"] and "CEREG 0,2" in told["reason"]
    desk.log.unlink()
    assert desk.run("--for", 20) == 2 and "not registered yet" in desk.said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "no port is named"),
        (("--port", "/dev/nothing", "--modem", "bc66"), "is no modem"),
        (("--port", "/dev/nothing", "--modem", "bc26"), "there is no port"),
        (("--read", "/nowhere.csv"), "cannot be read"),
        (("--port", "x", "--plot", "a.txt"), "is no picture"),
        (("--port", "x", "--config", EXAMPLES / "desk-speaker.toml"), "has no forecast"),
    ],
)
def test_mistakes(open_desk, arguments, words):
    desk = open_desk()
    assert desk.verb(*arguments) == 2
    assert words in desk.errors


@pytest.mark.parametrize(
    "text", ["go_rsrp = 1", "least_rsrp_dbm = -90", "registered = 2", "go_ecl ="]
)
def test_limits_that_mean_nothing(open_desk, tmp_path, text):
    desk, file = open_desk(), tmp_path / "limits.toml"
    file.write_text(text)
    assert desk.verb("--port", "x", "--limits", file) == 2
    assert str(file) in desk.errors


# -- a unit's own modem


@pytest.fixture
def unit(bench, monkeypatch, tmp_path):
    """A unit at whose port the verb is run."""
    board = bench.add_station()
    clock = survey_line.Clock(lambda: bench.world.utc_s, bench.run_for)
    monkeypatch.setattr(survey_line, "WALL", clock)
    monkeypatch.setattr(smp_link, "SmpLink", partial(VirtualTimeLink, bench))
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    bench.run_for(5)
    return board


@pytest.fixture
def surveyed(unit, capsys, tmp_path):
    """Survey it for some seconds: exit code, JSON (None), errors."""

    def survey(seconds: float, *more: object) -> tuple[int, dict | None, str]:
        capsys.readouterr()
        where = ("--port", unit.port, "--log", str(tmp_path / "unit.csv"))
        code = main(["survey", *where, "--for", str(seconds), "--json", *map(str, more)])
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else None, told.err

    return survey


def test_a_unit_says_what_its_modem_says(unit, surveyed):
    unit.fitted.modem.radio.move(-98)
    code, told, errors = surveyed(60)
    assert code == 0 and told and told["verdict"] == "go", (told, errors)
    spot = told["spots"][0]
    assert spot["rsrp_dbm"] == pytest.approx(-98, abs=6) and spot["snr_db"] > 8
    assert spot["bands"] == [5] and 2 <= spot["attach_s"] <= 30 and spot["looks"] >= 10


def test_a_unit_reports_as_ever_after_a_survey(unit, surveyed, bench):
    bench.run_for(3700)
    boots = unit.fitted.modem.boots
    surveyed(30)
    bench.run_for(2 * 3600)
    view = bench.views.unit("gh-01", bench.now_s)
    assert (view.age_s(bench.now_s) or 0) < 3700 and unit.fitted.modem.boots == boots


def test_a_unit_that_is_on_the_air(unit, surveyed, bench):
    assert bench.world.run_until(lambda: unit.fitted.modem.radio.connected, 4000)
    code, told, errors = surveyed(60)
    assert code == 0 and told and told["spots"][0]["looks"] >= 5, errors


@pytest.mark.parametrize(("sim", "words"), [("absent", "no SIM"), ("pin", "PIN")])
def test_a_unit_whose_sim_cannot_be_used(surveyed, faults, sim, words):
    faults.modem.sim = sim
    code, told, errors = surveyed(60)
    assert code == 2 and told is None and words in errors


def test_a_unit_whose_modem_is_silent(surveyed, faults):
    faults.modem.silent = True
    code, told, errors = surveyed(60)
    assert code == 2 and told is None and "modem_silent" in errors


@pytest.fixture
def is_locked(unit, bench):
    """Lock the unit; return what tells whether it is."""
    kept = unit_code.kept(bench.registry, bench.registry.units()[0].name)
    with VirtualTimeLink(bench, unit.port) as link:
        link.write_setting("key/code", kept)
        link.reset()

    def look() -> bool:
        with VirtualTimeLink(bench, unit.port) as link:
            return link.status()["lock"] == "locked"

    assert look()
    return look


def test_a_unit_that_is_locked_is_locked_again(is_locked, surveyed, bench):
    code_of, told, errors = surveyed(30)
    assert code_of == 2 and told is None and "is locked" in errors
    code_of, told, errors = surveyed(30, "--registry", bench.registry.path)
    assert told and told["spots"][0]["registered"] == 1, errors
    assert is_locked()


def test_and_so_by_ctrl_c(is_locked, surveyed, bench, monkeypatch):
    end_s, interrupted = bench.now_s + 60, []

    def sleep(seconds: float) -> None:
        bench.run_for(seconds)
        if bench.now_s >= end_s and not interrupted:
            interrupted.append(bench.now_s)
            raise KeyboardInterrupt

    monkeypatch.setattr(survey_line, "WALL", survey_line.Clock(lambda: bench.world.utc_s, sleep))
    _, told, errors = surveyed(600, "--registry", bench.registry.path)
    assert interrupted and told and told["spots"][0]["looks"] > 1, errors
    assert is_locked()


def test_and_so_by_ctrl_c_before_the_first_look(is_locked, surveyed, bench, monkeypatch):
    run = VirtualTimeLink.run

    def interrupted(link, argv, *more, **named):
        if argv[0] == "at":
            raise KeyboardInterrupt
        return run(link, argv, *more, **named)

    monkeypatch.setattr(VirtualTimeLink, "run", interrupted)
    assert surveyed(60, "--registry", bench.registry.path)[0] == 130
    assert is_locked()


def test_a_unit_that_cannot_be_locked_again_is_told_of(is_locked, unit, bench, monkeypatch):
    run, told = VirtualTimeLink.run, []

    def deaf(link, argv, *more, **named):
        if argv == ["lock"]:
            raise LinkError("the unit does not answer", "plug it in")
        return run(link, argv, *more, **named)

    monkeypatch.setattr(VirtualTimeLink, "run", deaf)
    with (
        VirtualTimeLink(bench, unit.port) as link,
        pytest.raises(ZeroDivisionError),
        unit_lock.opened(link, bench.registry.path, told.append),
    ):
        assert not told and 1 / 0
    assert len(told) == 1 and "the unit is open still: type 'lock'" in told[0]
    assert not is_locked()
