"""Rules over values: what a simulation counts, what it says of gaps, and the verbs around it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fieldbeat.host_tools import control_data, control_plan, control_report, control_simulation
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.control_data import Column, Data
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.tests.growing import CONTROL, node, rule
from fieldbeat.protocols import actuator, control_rules
from fieldbeat.protocols.schema import Column as Told
from fieldbeat.protocols.schema import Schema

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "climate.toml"
NOON_S = 1_746_072_000  # 2025-05-01T04:00:00Z, noon at +08:00
FAN = CONTROL + '[actuator.fan]\nsafe = "off"\nlease = "5 min"\n'
HOT = rule(1, "fan", 'channel = "air_temperature", above = "26 Cel"')
RULE, IDLE, BLIND = control_rules.RULE, control_rules.IDLE, control_rules.BLIND


def plan(more: str) -> control_plan.Plan:
    found = control_plan.read(node(more))
    assert found
    return found


def data(**columns: list[tuple[float, float]]) -> Data:
    """Columns of (seconds after noon, value)."""
    return Data(
        "made",
        {
            name: Column([NOON_S + t for t, _ in rows], [value for _, value in rows])
            for name, rows in columns.items()
        },
    )


def simulated(more: str, found: Data):
    return control_simulation.run(plan(more), found)


def test_hours_starts_and_shares():
    rows = [(0, 20), (3600, 32), (7200, 20)]  # above 26 from 30 to 90 minutes
    made = simulated(FAN + HOT, data(air_temperature=rows))
    (fan,) = made.runs
    # At 26.00 it is not above it yet: a look later.
    assert (fan.starts, fan.moves, fan.on_s) == (1, 2, 3600 - 30)
    assert fan.values == [(NOON_S, 0), (NOON_S + 1830, 100), (NOON_S + 5400, 0)]
    assert fan.by_s == {(IDLE, 0): 1830 + 1830, (RULE, 1): 3570}
    assert (made.missing, made.unknown_s, fan.held) == ([], {}, {})


def test_limits_hold_it_back():
    limits = 'max_run = "10 min"\nmin_pause = "5 min"\nmax_day = "25 min"\n'
    made = simulated(FAN + limits + HOT, data(air_temperature=[(0, 30), (7200, 30)]))
    (fan,) = made.runs
    # After a start it counts as just stopped: it waits first. 10 + 10 + 5 minutes.
    assert [t - NOON_S for t, _ in fan.values] == [0, 300, 900, 1200, 1800, 2100, 2400]
    assert (fan.on_s, fan.starts) == (1500, 3)
    # Of a run that ends the pause comes next, one look after the limit.
    assert fan.held[actuator.MAX_DAY] == 1 and fan.held_s[actuator.MAX_DAY] == 7200 + 30 - 2400
    assert fan.held[actuator.MAX_RUN] == 2 and fan.held[actuator.MIN_PAUSE] == 3


def test_a_pump_starts_after_its_valve_and_never_against_it():
    more = CONTROL + "".join(
        f'[actuator.{name}]\nsafe = "off"\nlease = "5 min"\n{extra}'
        for name, extra in (("valve", 'max_day = "20 min"\n'), ("pump", 'needs = ["valve"]\n'))
    )
    dry = 'channel = "soil_moisture", below = "25 %"'
    more += rule(1, "valve", dry) + rule(2, "pump", dry)
    made = simulated(more, data(soil_moisture=[(0, 20), (3600, 20)]))
    valve, pump = made.runs
    assert (valve.name, pump.name) == ("valve", "pump")
    # Both within the first look: on a unit a step is a second.
    assert valve.values == pump.values == [(NOON_S, 100), (NOON_S + 1200, 0)]
    assert pump.held == {actuator.NEEDS: 1}


def test_a_gap_makes_it_blind_and_is_told():
    rows = [(t, 30) for t in range(0, 3600, 300)] + [(t, 30) for t in range(7200, 9000, 300)]
    made = simulated(FAN + HOT, data(air_temperature=rows))
    (fan,) = made.runs
    gap_s = 7200 - 3300
    assert made.unknown_s == {"air_temperature": gap_s - 30}  # at 3300 s it is known
    assert fan.blind_s == gap_s - 30 - 120  # for `stale` it counts as what it was
    assert fan.by_s[BLIND, 1] == fan.blind_s
    ((begin_s, end_s),) = fan.blind  # red in the picture
    assert end_s - begin_s == fan.blind_s and begin_s == NOON_S + 3300 + 30 + 120


def test_a_sum_of_the_day_is_blind_while_its_channel_is():
    more = CONTROL + '[control.derived]\nsum = { day_sum = "illuminance" }\n'
    more += '[actuator.lamp]\nsafe = "off"\nlease = "5 min"\n'
    more += rule(1, "lamp", 'channel = "sum", below = "100 klx.h"')
    rows = [(t, 1000) for t in range(0, 3600, 300)] + [(t, 1000) for t in range(7200, 9000, 300)]
    (lamp,) = simulated(more, data(illuminance=rows)).runs
    assert lamp.blind_s == 7200 - 3300 - 30 - 120


def test_a_channel_that_is_not_there_is_told():
    made = simulated(FAN + HOT, data(co2=[(0, 400), (3600, 400)]))
    assert made.missing == ["air_temperature"] and made.unknown_s == {}
    assert made.runs[0].blind_s == 3630


def test_the_day_begins_at_local_midnight_and_the_sun_is_there():
    more = CONTROL + '[control.derived]\nsum = { day_sum = "illuminance" }\n'
    more += '[actuator.lamp]\nsafe = "off"\nlease = "5 min"\nmax_day = "1 h"\n'
    more += rule(1, "lamp", 'channel = "sum", above = "100 klx.h"')
    rows = [(t, 10_000) for t in range(0, 2 * 86_400, 3600)]  # 240 klx.h a day
    made = simulated(more, data(illuminance=rows))
    known = dict(made.derived["sum"])
    assert known[NOON_S + 43_200 - 600] == pytest.approx(118_33, abs=10)
    assert known[NOON_S + 43_200 + 600] == pytest.approx(167, abs=10)
    (lamp,) = made.runs
    # On each of three days after ten hours, for an hour: the first has twelve of them.
    assert [t - NOON_S for t, value in lamp.values if value] == [36_030, 79_200, 165_600]
    assert lamp.on_s == pytest.approx(2 * 3600 + 3600, abs=3600)
    rise_s, set_s = made.suns[0]
    assert 4.5 < (rise_s - (NOON_S - 43_200)) / 3600 < 5.5
    assert 18 < (set_s - (NOON_S - 43_200)) / 3600 < 19.5


def test_the_same_twice():
    found = data(air_temperature=[(0, 20), (3600, 32), (7200, 20)])
    assert simulated(FAN + HOT, found) == simulated(FAN + HOT, found)


# Data


def test_a_file_without_times_is_hours_of_a_year(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("air_temperature,co2\n1,400\n2,\n3,420\n")
    found = control_data.read_csv(file, 28_800)
    column = found.columns["air_temperature"]
    assert column.times_s[0] == 1_735_689_600 - 28_800 and column.values == [1, 2, 3]
    assert len(found.columns["co2"].values) == 2


def test_a_file_with_times(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("time,co2\n2025-05-01T12:00,400\n2025-05-01T04:10:00Z,410\n")
    assert control_data.read_csv(file, 28_800).columns["co2"].times_s == [NOON_S, NOON_S + 600]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("co2\n1\n", "has no rows"),
        ("co2\n1\nx\n", "line 3: co2 = 'x' is no number"),
        (
            "time,unix_s,unit,channel,value,symbol\n" + 2 * "2025-01-01T00:00Z,1,gh-1,co2,1,ppm\n",
            "has no column for each channel",
        ),
        ("co2,a\n1,2\n3\n", "line 3: has 1 cells"),
        ("time,co2\nsoon,1\n2025-01-01,2\n", "line 2: time = 'soon' is no time"),
        ("time,co2\n2025-01-02,1\n2025-01-01,2\n", "line 3: its time is not after"),
        ("co2\n\n\n\n", "has 0 cells"),
        ("co2,a\n,\n,\n", "no values"),
    ],
)
def test_files_that_make_no_sense(tmp_path, text, said):
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises(CannotTry, match=said):
        control_data.read_csv(file, 0)


def test_a_file_of_another_country(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("\ufeffTimestamp;co2\n2025-05-01T12:00;400,5\n2025-05-01T13:00;410\n")
    column = control_data.read_csv(file, 28_800).columns["co2"]
    assert (column.times_s, column.values) == ([NOON_S, NOON_S + 3600], [400.5, 410])


def test_a_misspelt_column_is_named(tmp_path):
    wanted = ("air_temperature", "co2")
    near = data(air_temprature=[(0, 1)], light=[(0, 1)])
    with pytest.raises(
        CannotTry, match="no column air_temperature, but one 'air_temprature'"
    ) as e:
        control_data.check_names(near, wanted)
    assert "air_temprature, light" in e.value.next_step
    with pytest.raises(CannotTry, match="no column that the rules look at; its header has: a"):
        control_data.check_names(data(a=[(0, 1)]), wanted)
    control_data.check_names(data(co2=[(0, 1)], light=[(0, 1)]), wanted)  # told as a note


def test_a_straight_line_between_two_values():
    channel = node("").profile.channels[0]
    found = data(air_temperature=[(0, 20), (60, 26)])
    told = found.counts(channel, NOON_S - 15, 15)
    assert [next(told) for _ in range(7)] == [None, 2000, 2150, 2300, 2450, 2600, None]
    beyond = data(air_temperature=[(0, 85), (60, 86)]).counts(channel, NOON_S, 60)
    assert [next(beyond) for _ in range(2)] == [8500, None]  # a unit has no such value either


# Verbs


def test_check_tells_the_rules_in_words(capsys):
    assert main(["rules", "check", str(EXAMPLE)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "3 vent when it is hot" in said
    assert "pump: idle off, safe off, lease 2 min, at most 15 min at once, pause of 10 min" in said
    assert main(["rules", "check", str(EXAMPLE), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["actuators"]) == 7
    told = {each["actuator"]: each["rules"] for each in found["actuators"]}
    assert told["roof"][0]["overrides"] and told["roof"][0]["does"] == "closed"
    assert told["roof"][5]["does"] == (
        "0 % at 21.00 Cel to 100 % at 26.00 Cel of air_temperature, in steps of 20 %"
    )
    assert told["heater"][1]["when"] == (
        "air_temperature below 18.00 Cel until 19.00 Cel and sunrise-1:00 to sunset"
    )
    assert told["pump"][0]["when"] == "while valve runs"
    blind = [rule["blind"] for rule in told["roof"][:3]]
    assert sorted(blind) == ["is passed over", "safe: closed", "safe: closed, before orders"]


def test_check_tells_every_mistake(tmp_path, capsys):
    text = EXAMPLE.read_text("utf-8").replace('"20:00"', '"5:00"').replace("below = ", "blow = ")
    bad = tmp_path / "bad.toml"
    bad.write_text(text)
    assert main(["rules", "check", str(bad)]) == 1
    said = capsys.readouterr().err
    assert said.count("blow: unknown key, did you mean 'below'?") > 3
    bad.write_text(EXAMPLE.read_text("utf-8").replace('"20:00"', '"5:00"'))
    assert main(["rules", "check", str(bad)]) == 1
    assert "[[rule]] 12 when: 5:00 .. 5:00 is no time at all" in capsys.readouterr().err


def test_check_of_a_file_without_control(capsys):
    file = EXAMPLE.with_name("greenhouse.toml")
    assert main(["rules", "check", str(file)]) == 2
    assert "has no [control]" in capsys.readouterr().err


DAY = ["rules", "simulate", str(EXAMPLE), "--recorded", "--from", "2025-05-01"]


def test_simulate_a_day_of_the_recorded_year(capsys):
    assert main([*DAY, "--to", "2025-05-02", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["from"], found["missing"]) == ("2025-05-01T00:00:00+08:00", [])
    told = {each["actuator"]: each for each in found["actuators"]}
    assert told["roof"]["on_h"] > 10
    assert sum(share["share"] for share in told["roof"]["decided"]) == pytest.approx(1, abs=0.01)
    assert main([*DAY, "--to", "2025-05-01T06:00"]) == 0
    said = capsys.readouterr()
    assert "never decided:" in said.out
    assert "open loop: the values do not answer" in said.err


@pytest.mark.long
def test_a_plot_is_the_same_each_time(tmp_path, capsys):
    plots = [tmp_path / name for name in ("a.svg", "b.svg")]
    for plot in plots:
        assert main([*DAY, "--to", "2025-05-01T12:00", "--plot", str(plot)]) == 0
        assert f"drawn in {plot}" in capsys.readouterr().out
    first, second = (plot.read_bytes() for plot in plots)
    assert first == second and b"<svg" in first
    assert main([*DAY, "--to", "2025-05-01T12:00", "--plot", str(tmp_path / "a.txt")]) == 2
    assert "is no picture" in capsys.readouterr().err


def test_simulate_refuses_what_makes_no_sense(tmp_path, capsys):
    base = ["rules", "simulate", str(EXAMPLE)]
    assert main(base) == 2
    assert "one of --data FILE, --unit NAME and --recorded" in capsys.readouterr().err
    assert main([*base, "--recorded", "--from", "2030-01-01"]) == 2
    assert "it has them from 2025-01-01T00:00 to 2025-12-31T23:00" in capsys.readouterr().err
    turned = ["--from", "2025-05-02", "--to", "2025-05-01"]
    assert main([*base, "--recorded", *turned]) == 2
    assert "it would end before it begins" in capsys.readouterr().err
    assert main([*base, "--recorded", "--from", "soon"]) == 2
    assert "'soon' is no time" in capsys.readouterr().err


def test_simulate_what_is_stored(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    store = Store()
    layout = Schema(2, 1, 300, [Told("air_temperature", "Cel", 100, -4000, 8500, 0)])
    with store.transaction():
        record = store.add_record("gh-07", 1, 1, 1, 2, b"", "decoded")
        times = [NOON_S + 300 * n for n in range(12)]
        store.add_report(record, "gh-07", layout, times, [[3200] * 12], [[0] * 12])
    store.close()
    assert main(["rules", "simulate", str(EXAMPLE), "--unit", "gh-07", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["source"] == "gh-07, stored" and "illuminance" in found["missing"]
    told = {each["actuator"]: each for each in found["actuators"]}
    assert told["fan"]["on_h"] == pytest.approx(55 / 60, abs=0.02)
    assert told["lamp"]["blind_h"] == pytest.approx(55 / 60, abs=0.02)
    assert main(["rules", "simulate", str(EXAMPLE), "--unit", "gh-07"]) == 0
    assert "no values of" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", [[], [60], [1, 1, 1], [86_460, 7, 3, 120], [1] * 7, [5, 995]])
def test_shares_make_a_whole(seconds):
    shares = control_report._shares(seconds)
    assert sum(round(1000 * each) for each in shares) == (1000 if seconds else 0)
    for each, share in zip(seconds, shares, strict=True):
        assert share == pytest.approx(each / sum(seconds), abs=0.001)
