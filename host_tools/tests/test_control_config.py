"""Actuators and rules of a station's file: what the unit gets, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cddl_verifier
import pytest
from fieldbeat.host_tools import control_config, control_plan
from fieldbeat.host_tools.tests.growing import (
    ACTUATORS,
    CONTROL,
    HEAD,
    PARTS,
    board,
    mistakes,
    node,
    rule,
)

from protocols import cbor, control_rules
from protocols.control_rules import CLOCK, EVERY, LEVEL, RUNS, SUNRISE, SUNSET

CDDL = Path(__file__).resolve().parents[2] / "protocols" / "cddl" / "device.cddl"
BASE = CONTROL + ACTUATORS
HOT = 'channel = "air_temperature", above = "26 Cel", back = "1 Cel"'
COLD = 'channel = "air_temperature", below = "12 Cel", back = "1 Cel"'
DRY = 'channel = "soil_moisture", below = "25 %"'
DERIVED = """
[control.derived]
vpd = { deficit = ["air_temperature", "air_humidity"] }
light_sum = { day_sum = "illuminance", unit = "klx.h" }
water_today = { day_rise = "water" }
since_water = { since_rise = "water" }
"""


def control(more: str) -> dict[str, Any]:
    table = node(more).to_device_map()["control"]
    return table | {"rules": [cbor.decode(row) for row in table["rules"]]}


def rows(*rules: str) -> list[list[Any]]:
    return control(BASE + "".join(rules))["rules"]


def test_a_station_without_the_table_has_none():
    assert "control" not in node("").to_device_map()


def test_the_table_as_the_unit_gets_it():
    actuators = (
        '[actuator.pump]\nsafe = "off"\nlease = "5 min"\nmax_run = "20 min"\nmin_pause = "2 min"\n'
        'max_day = "2 h"\nneeds = ["valve"]\nswitch = "hand"\ninterlock = "guard"\n'
        'confirm = { channel = "water_flow", above = "0.5 l/min", within = "20 s" }\n'
        '[actuator.valve]\nidle = "off"\nsafe = "on"\nlease = "90 s"\n'
    )
    more = DERIVED + actuators
    more += rule(2, "pump", DRY, more='dose = { channel = "water", amount = "20 l" }')
    more += rule(3, "valve", 'channel = "vpd", above = "1.2 kPa"', set="100", more="priority = 60")
    more += rule(4, "pump", 'channel = "light_sum", above = "120 klx.h"', more="overrides = true")
    more += rule(5, "pump", 'channel = "water_today", above = "90 l"', more="priority = 1")
    found = control(CONTROL + more)
    inputs = ["air_temperature", "air_humidity", "illuminance", "water", "water_flow"]
    assert found == {
        "look_s": 30,
        "stale_s": 120,
        "utc_offset_s": 28_800,
        "place": [367_000, 1_191_000],
        "inputs": [*inputs, "soil_moisture"],
        # Pa; 100 counts a klx.h out of lx * s; counts of the meter
        "derived": [[0, 0, 100, 1, 10], [1, 2, 36_000], [2, 3], [3, 3]],
        "actuators": [
            ["valve", 0, 100, 90, 0, 0, 0, [], None, None, None],
            ["pump", 0, 0, 300, 1200, 120, 7200, [0], "hand", "guard", [4, 50, 20]],
        ],
        "rules": [
            [4, 1, True, 100, 100, 0, None, None, [[LEVEL, 7, 12_000, 0, False, 0]]],
            [3, 0, False, 100, 100, 100, None, None, [[LEVEL, 6, 1200, 0, False, 0]]],
            [2, 1, False, 100, 100, 0, None, [3, 200], [[LEVEL, 5, 250, 0, True, 0]]],
            [5, 1, False, 100, 100, 0, None, None, [[LEVEL, 8, 900, 0, False, 0]]],
        ],
    }
    device = node(CONTROL + more).to_device_map()
    assert cddl_verifier.Validator(CDDL.read_text()).validate(cbor.encode(device)).valid


def test_every_kind_of_condition():
    (row,) = rows(
        rule(
            *(7, "roof", HOT + ', hold = "2 min"', 'from = "sunrise+0:30", to = "sunset-1:00"'),
            *('while = "pump"', 'unless = "heater"', 'every = "10 min", for = "30 s"'),
            set="40",
        )
    )
    names = [each[0] for each in control(BASE)["actuators"]]
    assert row[8] == [
        [LEVEL, 0, 2600, 100, False, 120],
        [CLOCK, SUNRISE, 1800, SUNSET, -3600],
        [RUNS, names.index("pump"), True],
        [RUNS, names.index("heater"), False],
        [EVERY, 30, 600],
    ]


def test_along_and_blind():
    along = 'along = {{ channel = "air_temperature", from = "24 Cel", to = "30 Cel", set = [{}] }}'
    (row,) = rows(rule(1, "roof", set="", more=along.format('0, "on"') + '\nblind = "skip"'))
    assert row[3:7] == [0, 100, None, [0, 2400, 3000, 10]]
    (row,) = rows(rule(1, "roof", HOT, set="70", more="blind = 20"))
    assert row[3:7] == [70, 70, 20, None]
    assert control_rules.Rules([row], 1, [0], 120)  # the unit's own


def test_a_rule_that_is_switched_off_is_not_there():
    assert rows(rule(1, "fan", HOT, more="enabled = false")) == []


def test_units_that_people_write():
    for text, counts in (("1.2 kPa", 1200), ("12 hPa", 1200), ("1200 Pa", 1200)):
        more = DERIVED + ACTUATORS + rule(1, "fan", f'channel = "vpd", above = "{text}"')
        assert control(CONTROL + more)["rules"][0][8][0][2] == counts
    (row,) = rows(rule(1, "fan", 'channel = "air_temperature", above = "26 C", back = "1.5 K"'))
    assert row[8] == [[LEVEL, 0, 2600, 150, False, 0]]
    (row,) = rows(rule(1, "fan", 'channel = "wind_speed", above = "36 km/h"'))
    assert row[8][0][2] == 100
    (row,) = rows(rule(1, "fan", 'channel = "air_humidity", above = "85 %"'))
    assert row[8][0][2] == 850


def test_notes():
    only = rule(1, "fan", HOT, more='blind = "skip"')
    said = node(BASE + only).notes
    assert any("[[rule]] 1 blind = 'skip': it is the only rule of fan" in note for note in said)
    assert any("[actuator.heater]: no rule has it" in note for note in said)
    assert not any("rule of fan" in note for note in node(BASE + rule(1, "fan", HOT)).notes)


@pytest.mark.parametrize(
    ("hold", "more", "noted"),
    [
        ("3 h", "", True),
        ("45 min", "overrides = true\n", True),
        ("45 min", "", False),
        ("10 min", "overrides = true\n", False),
    ],
)
def test_a_rule_that_may_act_too_late_is_noted(hold, more, noted):
    said = node(BASE + rule(1, "fan", f'{HOT}, hold = "{hold}"', more=more)).notes
    assert noted == any(f"[[rule]] 1 hold = '{hold}': it acts only when" in n for n in said)


def test_a_lease_of_a_day_and_a_contact_of_several_are_noted():
    said = node(BASE.replace('lease = "5 min"', 'lease = "24 h"', 1)).notes
    assert any("lease = '24 h': if the rules hang, roof goes on for so long" in n for n in said)
    said = node(CONTROL + 'stale = "23 h"\n' + ACTUATORS).notes
    assert any("stale = '23 h': for so long a dead sensor counts" in n for n in said)
    assert not any("stale" in n for n in node(BASE).notes)
    shared = BASE.replace("[actuator.fan]", 'switch = "hand"\n[actuator.fan]\nswitch = "hand"')
    said = node(shared).notes
    assert any("[fitted.hand]: is switch of roof and switch of fan: it stops" in n for n in said)
    assert not any("lease" in n or "[fitted" in n for n in node(BASE).notes)


def test_rules_that_change_nothing_are_noted():
    def noted(*rules: str) -> bool:
        said = node(BASE + "".join(rules)).notes
        return any("[actuator.fan]: its rules want nothing but" in note for note in said)

    off = rule(1, "fan", HOT, set='"off"')
    assert noted(off) and noted(off, rule(2, "fan", DRY, set="0"))
    assert not noted(off, rule(2, "fan", DRY, more="priority = 20\n")) and not noted()


@pytest.mark.parametrize(
    ("longitude", "offset", "noted"),
    [
        ("119.1", "+08:00", False),
        ("73.5", "+08:00", False),  # the west of China
        ("-157.4", "+14:00", False),  # Kiribati, a day ahead
        ("-119.1", "+08:00", True),
        ("119.1", "+00:00", True),
        ("119.1", "-08:00", True),
    ],
)
def test_a_clock_that_the_sun_does_not_keep_is_noted(longitude, offset, noted):
    head = HEAD.replace("119.1", longitude)
    said = node(BASE.replace("+08:00", offset), head).notes
    assert noted == any(f"utc_offset = '{offset}': noon is" in note for note in said)


VENT = 'along = {{ channel = "air_temperature", from = "{}", to = "26 Cel", set = [0, 100] }}'
HEAT = 'channel = "air_temperature", below = "18 Cel", back = "1 Cel"'
DAY = 'from = "6:00", to = "18:00"'


def fights(*rules: str) -> list[str]:
    return [note for note in node(BASE + "".join(rules)).notes if "against each other" in note]


def test_heating_that_fights_the_roof_is_noted():
    (said,) = fights(rule(1, "heater", HEAT), rule(2, "roof", set="", more=VENT.format("18 Cel")))
    assert said.startswith(
        "[[rule]] 1 and 2: heater may be on until air_temperature is 19.00 Cel, and roof may be "
        "on from 18.00 Cel on"
    )
    # A mark with its way back, too.
    warm = 'channel = "air_temperature", above = "20 Cel", back = "2 Cel"'
    assert fights(rule(1, "heater", HEAT), rule(2, "roof", warm))
    # Apart: by marks, times, or since one waits for the other.
    assert not fights(rule(1, "heater", HEAT), rule(2, "roof", set="", more=VENT.format("19 Cel")))
    vent = VENT.format("18 Cel")
    night = 'from = "18:00", to = "6:00"'
    assert not fights(rule(1, "heater", HEAT, DAY), rule(2, "roof", night, set="", more=vent))
    assert not fights(
        rule(1, "heater", HEAT, 'unless = "roof"'), rule(2, "roof", set="", more=vent)
    )
    # At that time another rule has the roof.
    by_day = rule(3, "roof", DAY, set="", more=VENT.format("21 Cel") + "\npriority = 60")
    low = rule(2, "roof", set="", more=vent)
    assert not fights(rule(1, "heater", HEAT, DAY), low, by_day)
    assert fights(rule(1, "heater", HEAT, 'from = "5:00", to = "18:00"'), low, by_day)


def test_a_relay_that_stays_on_without_its_line_is_told():
    relay = {"part": "modbus_relay", "bus": "rs485", "address": 16, "output": 3}
    more = CONTROL + "[actuator.mist]\nsafe = 'off'\nlease = '5 min'\n" + rule(1, "mist", HOT)
    for name, told in (("relays_8", True), ("relays_8_timed", False)):
        notes = node(more, fitted=board(mist=relay | {"map": name})).notes
        assert any("[actuator.mist]: its relay board (relays_8)" in n for n in notes) == told


ALARM_ONLY = "[actuator.fan]\nsafe = 0\nlease = '5 min'\n"
FORMS = [
    (ALARM_ONLY, "[actuator.fan]: needs a table [control], as in docs/control.md"),
    (CONTROL, "[control]: nothing to control, add an [actuator.NAME]"),
    ("[control]\nlook_s = 30", "[control] utc_offset: missing, must be the local standard time's"),
    (BASE.replace("+08:00", "8"), "utc_offset = '8': must be an offset like '+08:00'"),
    (BASE + "[control.x]", "[control] x: unknown key"),
    ("[control]\nutc_offset = '+08:00'\nlook_s = 0", "look_s = 0: must be a whole number from 1"),
    (CONTROL + "stale = '10 s'\n" + ACTUATORS, "stale = '10 s': must be at least look_s, 30 s"),
    (CONTROL + "stale = 'soon'\n" + ACTUATORS, "[control] stale = 'soon': must be a time like"),
    # Derived values
    (
        ACTUATORS + CONTROL + "[control.derived]\nX = { day_rise = 'water' }",
        "[control.derived] X: must be a name of lower-case letters",
    ),
    (
        ACTUATORS + CONTROL + "[control.derived]\nx = { day_rise = 'watr' }",
        "did you mean 'water'?",
    ),
    (
        ACTUATORS + CONTROL + "[control.derived]\nx = { day_rise = 'co2' }",
        "no counter, counters are: water",
    ),
    (
        ACTUATORS + CONTROL + "[control.derived]\nx = { since_rise = 'co2' }",
        "[control.derived] x since_rise = 'co2': is no counter, counters are: water",
    ),
    (
        ACTUATORS + CONTROL + "[control.derived]\nx = { day_sum = 'co2' }",
        "ppm does not add up to anything",
    ),
    (
        ACTUATORS
        + CONTROL
        + "[control.derived]\nx = { day_sum = 'illuminance', unit = 'mol/m2' }",
        "[control.derived] x unit = 'mol/m2': allowed: klx.h, lx.h",
    ),
    (
        ACTUATORS
        + CONTROL
        + "[control.derived]\nx = { deficit = ['air_humidity', 'air_temperature'] }",
        "[control.derived] x deficit = 'air_humidity': is in %RH, must be in Cel",
    ),
    (
        ACTUATORS + CONTROL + "[control.derived]\nx = { deficit = ['air_humidity'] }",
        "a list of two channels",
    ),
    (
        ACTUATORS + CONTROL + "[control.derived]\nx = { }",
        "[control.derived] x: must be one of { deficit",
    ),
    (
        ACTUATORS + CONTROL + "[control.derived]\nco2 = { day_rise = 'water' }",
        "a channel has this name",
    ),
    (
        ACTUATORS
        + CONTROL
        + "[control.derived]\na = { day_rise = 'water' }\nb = { day_rise = 'a' }",
        "b day_rise = 'a': must be a channel, that one is derived",
    ),
    # Actuators
    (BASE + "[actuator.fann]\nsafe = 0\nlease = '5 min'", "[actuator.fann]: not on greenhouse"),
    (BASE + "[actuator.soil]\nsafe = 0\nlease = '5 min'", "'soil' is a modbus_probe and drives"),
    (BASE + "[fitted.fan]\nenabled = false", "[actuator.fan]: needs [fitted.fan], which is off"),
    (CONTROL + "[actuator.fan]\nlease = '5 min'", "[actuator.fan] safe: missing, must be 'on',"),
    (CONTROL + "[actuator.fan]\nsafe = 0", "[actuator.fan] lease: missing, must be a time"),
    (
        CONTROL + "[actuator.fan]\nsafe = 101\nlease = '5 min'",
        "safe = 101: must be 'on', 'off' or",
    ),
    (CONTROL + "[actuator.fan]\nsafe = 'shut'\nlease = '5 min'", "safe = 'shut': must be 'on',"),
    (
        CONTROL + "[actuator.fan]\nsafe = 40\nlease = '5 min'",
        "safe = 40: a relay is 'on' or 'off'",
    ),
    (CONTROL + "[actuator.fan]\nsafe = 0\nlease = 'x'", "[actuator.fan] lease = 'x': must be a"),
    (
        CONTROL + "[actuator.fan]\nsafe = 0\nlease = '89 s'",
        "lease = '89 s': must be at least 3 looks of [control] look_s, 1 min 30 s",
    ),
    (
        CONTROL
        + "[actuator.fan]\nsafe = 0\nlease = '5 min'\nmax_run = '4 min'\nmin_pause = '1 min'",
        "lease = '5 min': must be at most max_run, '4 min'",
    ),
    (
        CONTROL + "[actuator.fan]\nsafe = 0\nlease = '5 min'\nmax_run = '10 min'",
        "[actuator.fan] min_pause: missing, with max_run = '10 min' it would start again",
    ),
    (
        CONTROL + "[actuator.fan]\nsafe = 'on'\nlease = '5 min'\nmax_day = '2 h'",
        "[actuator.fan] safe = 100: max_day would switch it off all the same",
    ),
    (
        CONTROL
        + "[actuator.fan]\nsafe = 0\nlease = '5 min'\nmax_run = '2 h'\nmin_pause = '1 min'\n"
        "max_day = '1 h'",
        "max_day = '1 h': must be at least max_run, '2 h'",
    ),
    (
        CONTROL + "[actuator.roof]\nsafe = 0\nlease = '5 min'\nmax_run = '10 min'",
        "[actuator.roof] max_run: a two_relay_motor stands open without running",
    ),
    (BASE.replace('"valve"]', '"vale"]'), "needs = 'vale': no actuator, did you mean 'valve'?"),
    (BASE.replace('"valve"]', '"pump"]'), "[actuator.pump] needs = 'pump': it cannot need itself"),
    (
        BASE.replace("[actuator.pump]", "needs = ['pump']\n[actuator.pump]"),
        "valve needs pump needs valve, so none of them could ever start",
    ),
    (BASE + "switch = 'hnd'", "[actuator.lamp] switch = 'hnd': no contact of greenhouse_esp32"),
    (BASE + "interlock = 'fan'", "interlock = 'fan': no contact of greenhouse_esp32, allowed: "),
    (
        BASE + "switch = 'hand'\n[fitted.hand]\nenabled = false",
        "needs [fitted.hand], which is off",
    ),
    (
        BASE + "confirm = { channel = 'water', above = '1 l', within = '9 s' }",
        "[actuator.lamp.confirm] channel = 'water': is a counter, and does not tell whether lamp",
    ),
    (
        BASE + "confirm = { channel = 'water_flow', above = '200 l/min', within = '9 s' }",
        "above = '200 l/min': water_flow is only from 0.00 l/min to 100.00 l/min, and never",
    ),
    (
        BASE + "[power]\nsleep = 'deep'",
        "[power] sleep = 'deep': a unit that drives actuators must",
    ),
    (BASE + "[power]\nsleep = 'light'", "sleep = 'light': the PWM of [actuator.lamp] stops in it"),
    # Rules
    (BASE + 2 * rule(1, "fan", HOT), "[[rule]] number = 1: used twice"),
    (
        BASE + rule(1, "fan", HOT) + rule(2, "fan", HOT).replace("number = 2", 'name = "cool"'),
        "the 2nd [[rule]], 'cool', number: missing, must be a whole number",
    ),
    (BASE + rule(0, "fan", HOT), "[[rule]] 0 number = 0: must be a whole number from 1 to 255"),
    (
        BASE + rule(1, "fann", HOT),
        "[[rule]] 1 actuator = 'fann': no [actuator.fann], did you mean",
    ),
    (BASE + rule(1, "fan", HOT, set=""), "[[rule]] 1: must have either set"),
    (BASE + rule(1, "fan", HOT, set="101"), "[[rule]] 1 set = 101: must be 'on', 'off' or a"),
    (BASE + rule(1, "fan", HOT, set="50"), "[[rule]] 1 set = 50: a relay is 'on' or 'off'"),
    (BASE + rule(1, "fan", HOT, more="blind = -1"), "blind = -1: must be 'safe', 'skip', 'on'"),
    (BASE + rule(1, "fan", HOT, more="blind = 30"), "[[rule]] 1 blind = 30: a relay is 'on' or"),
    (BASE + rule(1, "fan", *[HOT] * 9), "when: 9 conditions, must be at most 8"),
    (
        BASE
        + "".join(
            rule(n + 1, "fan", f'channel = "co2", above = "{999 - n} ppm"') for n in range(33)
        ),
        "[[rule]]: 33 of them, must be at most 32",
    ),
    (BASE + rule(1, "fan", 'channel = "co", above = "1 ppm"'), "when 1 channel = 'co': no such"),
    (
        BASE + rule(1, "fan", 'channel = "co2"'),
        "[[rule]] 1 when 1: must be one of { channel, above",
    ),
    (BASE + rule(1, "fan", 'from = "8:00"'), "[[rule]] 1 when 1: must be one of"),
    (BASE + rule(1, "fan", f'{HOT}, while = "pump"'), "[[rule]] 1 when 1: must be one of"),
    (
        BASE + rule(1, "fan", 'chanel = "co2"'),
        "[[rule]] 1 when 1 chanel: unknown key, did you mean",
    ),
    (
        BASE + rule(1, "fan", 'channel = "co2", above = "900"'),
        "above = '900': must be a number with",
    ),
    (
        BASE + rule(1, "fan", 'channel = "air_temperature", above = "90 Cel"'),
        "when 1 above = '90 Cel': air_temperature is only from -40.00 Cel to 85.00 Cel, and never",
    ),
    (BASE + rule(1, "fan", 'channel = "co2", below = "300 ppm"'), "co2 is only from 300 ppm to"),
    (
        BASE + rule(1, "fan", HOT.replace("1 Cel", "-1 Cel")),
        "back = '-1 Cel': must not be below 0",
    ),
    (
        BASE + rule(1, "fan", 'channel = "air_humidity", above = "90 %RH", back = "90.2 %RH"'),
        "back = '90.2 %RH': air_humidity never gets that far, and the condition would never end",
    ),
    (BASE + rule(1, "fan", HOT + ', hold = "x"'), "[[rule]] 1 when 1 hold = 'x': must be a time"),
    (BASE + rule(1, "fan", 'from = "8", to = "9:00"'), "when 1 from = '8': must be a time like"),
    (BASE + rule(1, "fan", 'while = "pmp"'), "when 1 while = 'pmp': no actuator, did you mean"),
    (
        BASE + rule(1, "fan", 'every = "5 min", for = "5 min"'),
        "must be shorter than every, '5 min'",
    ),
    (BASE + rule(1, "fan", 'every = "5 min", for = "20 s"'), "for = '20 s': must be at least"),
    (
        BASE
        + rule(
            1,
            "roof",
            set="",
            more='along = { channel = "co2", from = "400 ppm", to = "400 ppm", set = [0, 100] }',
        ),
        "[[rule]] 1 along: from and to are the same",
    ),
    (
        BASE
        + rule(
            1,
            "roof",
            set="",
            more='along = { channel = "co2", from = "400 ppm", to = "900 ppm", set = [50, 50] }',
        ),
        "[[rule]] 1 along set: both are 50, take set instead",
    ),
    (
        BASE
        + rule(
            1,
            "roof",
            set="",
            more='along = { channel = "co2", from = "400 ppm", to = "90000 ppm", set = [0, 50] }',
        ),
        "[[rule]] 1 along to: co2 is only from",
    ),
    (
        BASE
        + rule(
            1,
            "fan",
            set="",
            more='along = { channel = "co2", from = "400 ppm", to = "900 ppm", set = [0, 100] }',
        ),
        "[[rule]] 1 along: a relay is on or off and follows nothing",
    ),
    (
        BASE + rule(1, "fan", DRY, more='dose = { channel = "co2", amount = "9 ppm" }'),
        "[[rule]] 1 dose channel = 'co2': is no counter, counters are: water",
    ),
    (
        BASE + rule(1, "fan", DRY, more='dose = { channel = "water", amount = "0 l" }'),
        "[[rule]] 1 dose amount = '0 l': must be above 0",
    ),
    (BASE + "[fitted.soil]\nenabled = false\n" + rule(1, "fan", DRY), "needs [fitted.soil], and"),
    (
        BASE + rule(1, "fan", 'channel = "co2", above = 900'),
        "[[rule]] 1 when 1 above = 900: must be a quantity with its unit, like '26 Cel'",
    ),
    (
        BASE + rule(1, "fan", 'from = 8, to = "9:00"'),
        "from = 8: must be a time of day like '18:30'",
    ),
    (CONTROL + "stale = 5\n" + ACTUATORS, "[control] stale = 5: must be a time like '5 min'"),
    (
        BASE
        + rule(1, "pump", DRY, set='"off"', more='dose = { channel = "water", amount = "2 l" }'),
        "[[rule]] 1 dose: set = 'off' gives nothing to count; take set = 'on', or remove dose",
    ),
    (
        BASE + "switch = 'hand'\ninterlock = 'hand'\n",
        "[actuator.lamp] interlock = 'hand': is its switch, too; closed a person has it",
    ),
    (
        BASE + "switch = 'hand'\n[trace.button]\ncontact = 'hand'\nkind = 'irrigated'\n",
        "[trace.button] contact = 'hand': is the switch of lamp, too; who uses that would be",
    ),
    (
        BASE + rule(1, "fan", HOT, more=f"name = '{81 * 'x'}'"),
        f"[[rule]] 1 name = '{81 * 'x'}': has 81 characters, must have at most 80",
    ),
    (
        BASE + rule(1, "fan", 'channel = "wind_speed", above = "9.05 m/s"'),
        "wind_speed comes in steps of 0.1 m/s, the nearest are '9.0 m/s' or '9.1 m/s'",
    ),
    (
        BASE + rule(1, "fan", 'channel = "soil_moisture", above = "30"'),
        "above = '30': must be a number with its unit (%), like '30.0 %'",
    ),
    (
        BASE + rule(1, "fan", HOT).replace("[[rule]]", "[rule]"),
        "[rule]: there may be several, write [[rule]] above each of them",
    ),
    # Several together
    (
        BASE + rule(1, "fan", HOT, COLD),
        "[[rule]] 1 when: air_temperature is never above 26.00 Cel and below 12.00 Cel at once",
    ),
    (BASE + rule(1, "fan", 'from = "8:00", to = "8:00"'), "8:00 .. 8:00 is no time at all, so it"),
    (
        BASE + rule(1, "fan", 'from = "8:00", to = "9:00"', 'from = "sunset", to = "22:00"'),
        "8:00 .. 9:00 and sunset .. 22:00 is no time at all",
    ),
    (
        BASE + rule(1, "fan", 'while = "pump"', 'unless = "pump"'),
        "[[rule]] 1 when: pump never runs and stands still at once, so it can never apply",
    ),
    (
        BASE + rule(1, "fan", 'from = "sunset", to = "19:00"'),
        "from = 'sunset', to = '19:00': they pass each other about",
    ),
    (
        BASE + rule(1, "fan", more="priority = 60") + rule(2, "fan", HOT),
        "[[rule]] 2: rule 1 always applies where it does and has the higher priority; change that",
    ),
    (
        BASE + rule(1, "fan", HOT) + rule(2, "fan", HOT),
        "rule 1 always applies where it does and has",
    ),
    (
        BASE + rule(1, "roof", HOT, set="30") + rule(2, "roof", DRY, set="60"),
        "[[rule]] 2 priority = 50: rule 1 has the same one, wants roof otherwise, and both may",
    ),
    (BASE + rule(1, "fan", 'while = "fan"'), "[[rule]] 1 while = 'fan': it depends on itself"),
    (
        BASE + rule(1, "fan", 'while = "lamp"') + rule(2, "lamp", 'unless = "fan"'),
        "[[rule]] 1 while = 'lamp', [[rule]] 2 unless = 'fan': they depend on each other",
    ),
    (
        BASE + rule(1, "valve", 'while = "pump"'),
        "they depend on each other, and would wait for ever",
    ),
]


def test_what_was_not_written_is_no_mistake():
    found = mistakes(BASE + rule(1, "fan", 'channel = "air_humidity", below = "180 %"'))
    assert len(found) == 1 and "and never passes it" in found[0]


@pytest.mark.parametrize(("more", "said"), FORMS, ids=[said[:60] for _, said in FORMS])
def test_mistakes(more, said):
    found = mistakes(more)
    assert any(said in problem for problem in found), found


def test_a_clock_by_the_sun_needs_a_place():
    head = HEAD.replace("latitude = 36.7\nlongitude = 119.1\n", "")
    sunny = BASE + rule(1, "fan", 'from = "sunrise", to = "9:00"')
    assert any("the sun needs [node] latitude and longitude" in m for m in mistakes(sunny, head))
    plain = BASE + rule(1, "fan", 'from = "8:00", to = "24:00"')
    assert node(plain, head).to_device_map()["control"]["place"] is None


def test_a_channel_in_capitals_is_the_one_that_was_meant():
    (said,) = mistakes(BASE + rule(1, "fan", 'channel = "Soil_EC", below = "300 uS/cm"'))
    assert "did you mean 'soil_ec'?" in said


def test_too_many_actuators():
    relays = {f"r{n}": {"part": "relay", "pin": n, "active": 1} for n in range(17)}
    tables = "".join(f"[actuator.r{n}]\nsafe = 0\nlease = '5 min'\n" for n in range(17))
    found = mistakes(CONTROL + tables, fitted=board(**relays))
    assert any("[actuator]: 17 of them, must be at most 16" in problem for problem in found)


def test_looks_that_come_before_the_last_one_is_over():
    head = CONTROL + "look_s = 1\n" + ACTUATORS
    slow = board(wind={"part": "a02yyuw", "bus": "rs485"})
    found = mistakes(head, fitted=slow)
    assert any("[control] look_s = 1: reading its parts takes some 1.3 s" in p for p in found)


def test_a_speaker_drives_nothing():
    head = HEAD.replace('"greenhouse"', '"speaker"')
    from fieldbeat.host_tools import node_config
    from fieldbeat.host_tools.validation import InvalidData

    with pytest.raises(InvalidData) as caught:
        node_config.parse(head + BASE, "x.toml")
    assert any("[control]: a speaker drives no actuators" in p for p in caught.value.problems)


@pytest.mark.parametrize(
    "rules",
    [
        # A higher rule that ends, or that sees nothing where the lower one does, hides nothing.
        rule(1, "pump", DRY, more='priority = 60\ndose = { channel = "water", amount = "2 l" }')
        + rule(2, "pump", DRY),
        # One that begins later, or is back sooner.
        rule(1, "roof", HOT, more="priority = 60")
        + rule(2, "roof", HOT.replace("26", "24"), set="30"),
        rule(1, "roof", HOT, more="priority = 60")
        + rule(2, "roof", HOT.replace("1 Cel", "3 Cel"), set="30"),
        # Never at once: by their thresholds, their windows, or another actuator.
        rule(1, "roof", HOT) + rule(2, "roof", COLD, set="30"),
        rule(1, "roof", 'from = "6:00", to = "18:00"')
        + rule(2, "roof", 'from = "18:00", to = "6:00"', set="30"),
        rule(1, "roof", 'while = "pump"') + rule(2, "roof", 'unless = "pump"', set="30"),
        # The same demand twice.
        rule(1, "fan", HOT) + rule(2, "fan", DRY),
        # A window over midnight whose ends follow the sun.
        rule(1, "lamp", 'from = "sunset-1:00", to = "sunrise+1:00"'),
        rule(1, "heater", 'from = "sunset+4:00", to = "sunrise-1:00"'),
    ],
)
def test_what_is_no_mistake(rules):
    assert mistakes(BASE + rules) == []


def test_all_its_limits_fit():
    relays = {f"r{n}": {"part": "relay", "pin": n, "active": 1} for n in range(16)}
    tables = "".join(f"[actuator.r{n}]\nsafe = 0\nlease = '5 min'\n" for n in range(16))
    rules = "".join(
        rule(n + 1, f"r{n % 16}", *[HOT if n < 16 else COLD] * 7, DRY, more=f"priority = {n}")
        for n in range(32)
    )
    config = node(CONTROL + tables + rules, fitted=board(**relays))
    plan = control_plan.read(config)
    assert plan and len(plan.rules) == control_config.RULES_MAX
    assert len(cbor.encode(config.to_device_map())) < 8000


def test_parts_of_the_tests_are_parts_of_boards():
    from fieldbeat.host_tools.board_model import ACTUATORS

    assert {keys["part"] for keys in PARTS.values()} <= {*ACTUATORS, "contact"}


def test_a_motor_may_be_said_to_be_open_or_closed():
    row = rows(rule(1, "roof", HOT, set='"open"'))[0]
    assert row[3:5] == [100, 100]
    named = ACTUATORS.replace("safe = 0", 'safe = "closed"')
    assert control(CONTROL + named)["actuators"][0][2] == 0
    (said,) = mistakes(BASE + rule(1, "fan", HOT, set='"closed"'))
    assert said == "[[rule]] 1 set: only a motor is 'open' or 'closed', take 'on' or 'off'"


def test_a_motor_has_the_travel_time_of_its_own_house():
    found = node(BASE + "[fitted.roof]\ntravel_ms = 180_000\n")
    made = control_plan.read(found)
    assert made and made.travels_s == {"roof": 180.0}
    assert found.to_device_map()["fitted"]["roof"] == {"enabled": True, "travel_ms": 180_000}
    (said,) = mistakes(BASE + "[fitted.fan]\ntravel_ms = 180_000\n")
    assert said == "[fitted.fan] travel_ms = 180000: only two_relay_motor knows it, remove it"
