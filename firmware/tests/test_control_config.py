# What a unit takes for a table [control], and the pins that it puts to rest before anything else.
# SPDX-License-Identifier: Apache-2.0
from firmware import control_config
from firmware.config_check import check_key
from protocols import cbor
from protocols.tests.support import raises

ACTUATORS = [
    ["valve", 0, 0, 120, 600, 60, 3600, [], None, "guard", None],
    ["pump", 0, 0, 120, 0, 0, 0, [0], "hand", None, [1, 50, 20]],
]
RULE = [1, 0, False, 100, 100, 0, None, None, [[0, 0, 260, 10, False, 0], [1, 1, -60, 0, 3600]]]
MORE = [2, 1, True, 0, 100, None, [2, 20, 30, 5], [1, 200], [[2, 0, True], [3, 30, 600]]]


def table(rules=(RULE, MORE), **more):
    made = {
        "look_s": 30,
        "stale_s": 120,
        "utc_offset_s": 28800,
        "place": [300000, 1200000],
        "inputs": ["air", "water"],
        "derived": [[1, 0, 3600]],
        "actuators": [list(row) for row in ACTUATORS],
        "rules": [cbor.encode(list(rule)) for rule in rules],
    }
    made.update(more)
    return made


def check(control, **config):
    config["control"] = control
    control_config.control(config, check_key)


def changed(row, index, value):
    copy = list(row)
    copy[index] = value
    return copy


def test_a_table_of_the_host_is_taken():
    check(table())
    check(table(rules=(), derived=[], actuators=[ACTUATORS[0]], place=None))


def test_what_would_harm_a_unit_is_refused():
    for more in (
        {"inputs": None},
        {"place": [1]},
        {"look_s": 0},
        {"stale_s": "2 min"},
        {"derived": [[2, 5]]},
        {"derived": [[7, 0]]},
        {"actuators": [changed(ACTUATORS[0], 7, [0])]},  # it needs itself
        {"actuators": [changed(ACTUATORS[0], 2, 101)]},
        {"actuators": [changed(ACTUATORS[0], 3, 0)]},
        {"actuators": [changed(ACTUATORS[0], 10, [9, 1, 1])]},
        {"actuators": [ACTUATORS[0][:-1]]},
        {"rules": [b"\xff"]},
        {"rules": ["text"]},
    ):
        raises(ValueError, check, table(**more))
    for row in (
        RULE[:-1],
        changed(RULE, 1, 2),
        changed(RULE, 3, -1),
        changed(RULE, 8, [[0, 9, 260, 10, False, 0]]),
        changed(RULE, 8, [[0, 0, 260, 10, False]]),
        changed(RULE, 8, [[1, 3, 0, 0, 0]]),
        changed(RULE, 8, [[2, 5, True]]),
        changed(RULE, 8, [[3, 30, 0]]),
        changed(RULE, 8, [[4, 30, 60]]),
        changed(MORE, 6, [2, 20, 30, 0]),
        changed(MORE, 7, [7, 20]),
    ):
        raises(ValueError, check, table(rules=(row,)))
    raises(ValueError, check, table(), power={"sleep": "deep"})
    check(table(), power={"sleep": "never"})
