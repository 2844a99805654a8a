"""Alarms and pace of a station's file: what the unit gets, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from fieldbeat.host_tools import boards, node_config
from fieldbeat.host_tools.validation import InvalidData

from drivers import a02yyuw, current_loop
from firmware import config_check

EXAMPLE = Path(node_config.__file__).parent.parent / "docs" / "examples" / "river.toml"
HEAD = """
[node]
name = "r-1"
site = "mill"
board = "river_cam_esp32s3"
profile = "river"
[uplink]
host = "h"
port = 1
apn = ""
[fitted.river]
datum_mm = 4200
"""
PACE = '[pace]\ninterval_s = 60\nlook_s = 5\n[[pace.when]]\nchannel = "level"\n'
ALARM = '[[alarm]]\nnumber = 1\nchannel = "level"\n'


def problems(more: str, head: str = HEAD) -> list[str]:
    with pytest.raises(InvalidData) as caught:
        node_config.parse(head + more, "r.toml")
    return caught.value.problems


def watch(more: str) -> dict:
    found = node_config.parse(HEAD + more, "r.toml").to_device_map()
    return config_check.check(found)["watch"]


def test_the_example():
    found = node_config.load(EXAMPLE).to_device_map()["watch"]
    assert found["alarms"][:2] == [
        [1, "level", "m", 1000, 2500, False, 100, 3, False],
        [2, "level", "m", 1000, 3200, False, 100, 3, False],
    ]
    assert [alarm[0] for alarm in found["alarms"]] == [1, 2, 101, 102, 103]
    assert found["alarms"][-1] == [103, "level", "m/h", 1000, 600, False, 200, 30, True]
    assert found["pace"] == {
        "interval_s": 60,
        "look_s": 3,
        "hold_s": 1800,
        "marks": [
            ["level", 2000, False, False],
            ["level", 150, False, True],
            ["rain_5min", 5, False, False],
        ],
    }
    assert found["day_start_s"] == 23 * 3600


@pytest.mark.parametrize(
    ("text", "counts"), [("2.5 m", 2500), ("250 cm", 2500), ("2500 mm", 2500), ("-0.2 m", -200)]
)
def test_units_of_a_level(text, counts):
    assert watch(f'{ALARM}above = "{text}"\n')["alarms"][0][4] == counts


@pytest.mark.parametrize(
    ("text", "counts"), [("300 mm/h", 300), ("0.3 m/h", 300), ("30 cm/h", 300)]
)
def test_units_of_a_rate(text, counts):
    assert watch(f'{ALARM}rises = "{text}"\n')["alarms"][0][4] == counts


def test_one_of_the_profile_is_replaced_or_switched_off():
    more = '[[alarm]]\nnumber = 102\nchannel = "rain_hour"\nabove = "35 mm"\n'
    more += '[[alarm]]\nnumber = 103\nchannel = "level"\nrises = "1 m/h"\nenabled = false\n'
    assert [(a[0], a[4]) for a in watch(more)["alarms"]] == [(101, 50), (102, 350)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (ALARM, "[[alarm]] 1: must have one of above, below and rises"),
        (ALARM + 'above = "2 m"\nbelow = "1 m"', "[[alarm]] 1: must have one of above"),
        (ALARM + 'above = "2.5"', "above = '2.5': must be a number with its unit"),
        (ALARM + 'above = "2.5 m/h"', "must be a number with its unit"),
        (
            ALARM + 'rises = "2.5 m"',
            "must be a number with its unit (m/h, cm/h, mm/h), like '1.000 m/h'",
        ),
        (ALARM + 'rises = "0 m/h"', "rises = '0 m/h': must be above 0"),
        (ALARM + 'above = "40 m"', "level is only from -10.000 m to 30.000 m"),
        (
            ALARM.replace("level", "door") + 'above = "1"',
            "above = '1': door is only from 0 to 1, and never passes",
        ),
        (
            ALARM.replace("level", "door") + 'below = "0"',
            "below = '0': door is only from 0 to 1, and never passes",
        ),
        (ALARM.replace("level", "rain_day") + 'below = "0 mm"', "and never passes it"),
        (
            ALARM.replace("level", "door") + 'above = "0"\nback = "1"',
            "back = '1': it would be over at -1",
        ),
        (ALARM + 'above = "2.5001 m"', "level comes in steps of 0.001 m"),
        (ALARM + 'above = "2 m"\nback = "-1 m"', "back = '-1 m': must not be below 0"),
        (ALARM + 'above = "2 m"\nhold = "soon"', "hold = 'soon': must be a time like"),
        (ALARM.replace("level", "levl") + 'above = "2 m"', "did you mean 'level'?"),
        (ALARM.replace("1", "0") + 'above = "2 m"', "number = 0: must be a whole number"),
        (2 * (ALARM + 'above = "2 m"\n'), "[[alarm]] number = 1: used twice"),
        (ALARM + 'above = "2 m"\n' + ALARM.replace("1", "2") + 'above = "2 m"', "the same as"),
        (
            ALARM + 'above = "1 m"\n' + ALARM.replace("1", "2") + 'below = "2 m"',
            "[[alarm]] 1 and 2: level is always above the one or below the other",
        ),
        (
            ALARM + 'above = "2 m"\n[pace]\ninterval_s = 60\nlook_s = 5\n'
            '[[pace.when]]\nchannel = "level"\nabove = "2.5 m"',
            "before any mark of [[pace.when]], which is to warn of it: give one of these a lower "
            "'above', or the alarm another mark",
        ),
        ("[pace]\ninterval_s = 60\nlook_s = 61", "look_s = 61: must be at most interval_s"),
        (
            "[sampling]\ninterval_s = 5\nreport_samples = 3",
            "[sampling] interval_s = 5: must be at least that of [pace] in profile 'river', 60 s",
        ),
        (
            "[pace]\ninterval_s = 5\nlook_s = 3",
            "[pace] interval_s = 5: must be a multiple of look_s, 3: a look 1 s before a row is",
        ),
        (
            "[pace]\ninterval_s = 5\nlook_s = 1",
            "[pace] look_s = 1: reading its parts takes some 1.4 s, so that samples would be "
            "missing; must be at least 2",
        ),
        (
            "[sampling]\ninterval_s = 100\n[pace]\ninterval_s = 60\nlook_s = 3",
            "[sampling] interval_s = 100: must be a multiple of look_s, 3",
        ),
        (
            "[sampling]\ninterval_s = 1\n[pace]\ninterval_s = 1\nlook_s = 1",
            "[sampling] interval_s = 1: reading its parts takes",
        ),
        ("[pace]\ninterval_s = 301\nlook_s = 5", "[pace] interval_s = 301: must be at most"),
        ("[sampling]\ninterval_s = 600", "the rain of the last five minutes needs at most 300 s"),
        (ALARM.replace("1", "7") + "above = 2", "[[alarm]] 7 above = 2: must be a text"),
        (
            ALARM + 'above = "1 m"\n[[alarm]]\nchannel = "level"\nabove = "2 m"',
            "the 2nd [[alarm]] number: missing, must be a whole number from 1 to 255",
        ),
        (PACE + "rises = 3", "the 1st [[pace.when]] rises = 3: must be a text"),
        ("[rain]\nday_start = 24", "day_start = 24: must be a whole number from 0 to 23"),
    ],
)
def test_mistakes(more, said):
    assert any(said in problem for problem in problems(more)), problems(more)


# The sensor of the board sees 30 to 4500 mm, and hangs at 4.2 m.
@pytest.mark.parametrize(
    ("mark", "ok"),
    [
        ('above = "4.169 m"', True),
        ('above = "4.17 m"', False),
        ('above = "9 m"', False),
        ('above = "-0.3 m"', True),
        ('above = "-0.301 m"', False),
        ('below = "4.17 m"', True),
        ('below = "-0.299 m"', True),
        ('below = "-0.3 m"', False),
        ('rises = "0.5 m/h"', True),
    ],
)
@pytest.mark.parametrize("table", [ALARM, PACE])
def test_a_mark_must_be_where_the_sensor_sees(table, mark, ok):
    if ok:
        watch(table + mark)
    else:
        [said] = problems(table + mark)
        assert "(a02yyuw, datum_mm = 4200) can only" in said and "-0.300 m to 4.170 m" in said


def test_what_a_sensor_sees_is_what_its_driver_takes():
    board = boards.load("river_cam_esp32s3")
    river, radar, loop = (board.fitted[name] for name in ("river", "radar", "loop"))
    nearest, farthest = (getattr(a02yyuw, f"_{name}_MM") for name in ("NEAREST", "FARTHEST"))
    assert boards.level_range_mm(river, 4200) == (4200 - farthest, 4200 - nearest)
    assert boards.level_range_mm(radar, 4200) is None
    # 5 m from 4 to 20 mA, told from 3.6 to 21 mA
    assert (current_loop._LOW_UA, current_loop._HIGH_UA) == (3600, 21000)
    assert boards.level_range_mm(loop, -100) == (-100 - 125, -100 + 5312)


def test_a_pace_that_its_parts_keep_is_none_to_be_told_of():
    assert watch("[pace]\ninterval_s = 6\nlook_s = 3")["pace"]["interval_s"] == 6
    found = node_config.parse(HEAD + "[sampling]\ninterval_s = 100", "r.toml")
    assert [note for note in found.notes if "multiple of look_s" in note] == [
        "[sampling] interval_s = 100: must be a multiple of look_s, 3: a look 1 s before a row is "
        "not over in time (it takes some 1.4 s), and the row is missing"
    ]


def test_a_level_alarm_needs_its_sensor():
    off = HEAD.replace("datum_mm = 4200", "enabled = false")
    found = problems(ALARM + 'above = "2 m"', off)
    assert "[[alarm]] 1: level needs [fitted.river], which is off" in found
    without = HEAD.replace("[fitted.river]\ndatum_mm = 4200", "")
    assert any("datum_mm: missing" in problem for problem in problems("", without))


def test_the_unit_refuses_a_table_that_is_not_of_its_app():
    good = node_config.load(EXAMPLE).to_device_map()
    config_check.check(good)
    for break_it in (
        lambda w: w["alarms"][0].pop(),
        lambda w: w.update(alarms=7),
        lambda w: w["pace"].update(look_s=0),
        lambda w: w["pace"].pop("marks"),
        lambda w: w.update(day_start_s=86400),
    ):
        bad = node_config.load(EXAMPLE).to_device_map()
        break_it(bad["watch"])
        with pytest.raises(ValueError, match="config"):
            config_check.check(bad)


def test_a_greenhouse_has_nothing_to_watch():
    greenhouse = node_config.load(EXAMPLE.parent / "greenhouse.toml")
    assert "watch" not in greenhouse.to_device_map()


@pytest.mark.parametrize(
    ("mark", "over"),
    [
        ('above = "2.5 m"\nback = "2.8 m"', None),  # -0.3 m: the lowest that the sensor sees
        ('above = "2.5 m"\nback = "9.0 m"', "-6.500 m"),
        ('below = "2.5 m"\nback = "1.67 m"', None),
        ('below = "2.5 m"\nback = "1.671 m"', "4.171 m"),
    ],
)
def test_an_alarm_must_end_where_the_sensor_sees(mark, over):
    if over is None:
        watch(ALARM + mark)
        return
    [said] = problems(ALARM + mark)
    assert f"[[alarm]] 1 back: it would be over at {over}, and level is only measured" in said


def test_a_datum_that_puts_all_marks_out_of_reach_is_asked_about_once():
    below = HEAD.replace("4200", "-4200")
    [said] = problems(ALARM + 'above = "2 m"\n' + PACE + 'above = "1 m"', below)
    assert "(a02yyuw, datum_mm = -4200) can only measure from -8.700 m to -4.230 m" in said
    assert "are sign and unit of datum_mm right" in said
    notes = node_config.parse(HEAD.replace("4200", "42000"), "r.toml").notes
    assert any("measures levels from 37.500 m to 41.970 m" in note for note in notes)


CALIBRATED = '[calibration.level]\nby = "Li"\non = 2026-11-26\nagainst = "staff"\n'


def test_a_mark_must_be_where_the_calibrated_sensor_sees():
    high = ALARM + 'above = "3.20 m"\n'
    watch(high)
    [said] = problems(high + CALIBRATED + 'offset = "-1.2 m"')
    assert "above = '3.200 m': [fitted.river] (a02yyuw, datum_mm = 4200, [calib" in said
    assert said.endswith("ration.level]) can only measure from -1.500 m to 2.970 m")
    [said] = problems(high + CALIBRATED + "factor = 0.5")
    assert said.endswith("can only measure from -0.150 m to 2.085 m")
    watch(ALARM + 'above = "5 m"\n' + CALIBRATED + 'offset = "1 m"')


def test_a_datum_that_is_not_there_is_one_mistake():
    without = HEAD.replace("[fitted.river]\ndatum_mm = 4200", "")
    two = ALARM + 'above = "2 m"\n' + ALARM.replace("1", "2") + 'above = "3 m"'
    [said] = problems(two, without)
    assert "datum_mm: missing" in said


@pytest.mark.parametrize(
    ("keep", "ok"), [(39_999, False), (40_000, True), (5_701_632, True), (5_701_633, False)]
)
def test_pictures_must_fit_where_they_are_kept(keep, ok):
    table = f"[pictures]\nkeep_bytes = {keep}\n"
    if ok:
        watch(table)
    else:
        [said] = problems(table)
        assert f"keep_bytes = {keep}: must be from full_bytes, 40000, to 5701632" in said


def test_a_region_of_another_name_brings_no_pictures_of_the_gauge():
    table = "[fitted.camera.regions]\n%s = [0, 0, 112, 400]\n"
    notes = {name: node_config.parse(HEAD + table % name, "").notes for name in ("staff", "gauge")}
    assert any("staff: no pictures of the gauge will come" in note for note in notes["staff"])
    assert not any("regions" in note for note in notes["gauge"])


@pytest.mark.parametrize(
    ("table", "noted"),
    [
        ('above = "2.50 m"\n', True),
        ('above = "2.50 m"\nback = "0 m"\n', True),
        ('above = "2.50 m"\nback = "0.10 m"\n', False),
        ('above = "2.50 m"\nenabled = false\n', False),
    ],
)
def test_an_alarm_without_a_way_back_is_noted(table, noted):
    notes = node_config.parse(HEAD + ALARM + table, "").notes
    assert noted == any("[[alarm]] 1 has no 'back'" in note for note in notes)


@pytest.mark.parametrize(("hold", "noted"), [("3 h", True), ("10 min", False)])
def test_an_alarm_that_may_come_after_the_flood_is_noted(hold, noted):
    table = f'above = "2.50 m"\nback = "0.10 m"\nhold = "{hold}"\n'
    notes = node_config.parse(HEAD + ALARM + table, "").notes
    assert noted == any("[[alarm]] 1 hold = 3 h: it is told only when" in note for note in notes)


def test_a_contact_needs_no_way_back():
    door = '[[alarm]]\nnumber = 1\nchannel = "door"\nabove = "0"\n'
    assert not any("back" in note for note in node_config.parse(HEAD + door, "").notes)


def test_a_line_that_is_no_toml_is_shown():
    [said] = problems("[rain]\nday_start = lots\n")
    assert "the line is: day_start = lots; a text stands in quotes" in said


def test_the_river_of_a_desk_rings_where_its_gauge_is_seen():
    found = node_config.load(EXAMPLE.with_name("desk-river.toml"))
    alarm = found.to_device_map()["watch"]["alarms"][0]
    assert (alarm[0], alarm[4]) == (1, 1000) and "gauge" in found.tables.fitted["camera"].regions


@pytest.mark.parametrize("key", ["[modem]\nlast_gasp_mv", "[pictures]\nbattery_min_mv"])
def test_a_mark_of_the_battery_must_be_one_that_it_passes(key):
    low, high = (node_config.parse(f"{HEAD}{key} = {mv}\n", "r").notes for mv in (4300, 4301))
    (note,) = set(high) - set(low)
    assert "= 4301: a full battery of river_cam_esp32s3 has at most 4.3 V" in note
    watch(f"{key} = 6600\n")
    [said] = problems(f"{key} = 6601\n")
    assert "= 6601: river_cam_esp32s3 measures its battery up to 6600 mV" in said


def test_a_pace_that_the_bytes_of_a_day_do_not_last_for_is_noted():
    # 260000 B beside a full picture are 86 thumbnails of 3000
    fine, often = (
        node_config.parse(f"{HEAD}[pictures]\nevery_s = {s}\n", "r").notes for s in (1005, 1004)
    )
    (note,) = set(often) - set(fine)
    assert "used up after 23 h 59 min" in note and note.endswith("; 1005 lasts all day")
