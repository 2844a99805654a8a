# Checks the table [control] of a unit. The host makes it out of [control], [actuator.NAME] and
# [[rule]], and says what is wrong in words.
# SPDX-License-Identifier: Apache-2.0
from protocols import cbor
from protocols.compat import const

# name, idle, safe, lease, longest run, pause, day, needs, switch, interlock, confirm
_ACTUATOR = const(11)
_RULE = const(9)  # as in control_rules.py
_LISTS = const(("inputs", "derived", "actuators", "rules"))
_CONDITIONS = const((6, 5, 3, 3))  # LEVEL, CLOCK, RUNS, EVERY
_DERIVED = const((5, 3, 2, 2))
_DAY_S = const(86400)
_WHOLE = const(100)


def control(config, check_key):
    table = config["control"]
    check_key(config, "control", "look_s", None, 1, 600)
    check_key(config, "control", "stale_s", None, 1, _DAY_S)
    check_key(config, "control", "utc_offset_s", None, -50400, 50400)
    if config.get("power", {}).get("sleep") == "deep":
        raise ValueError("config: a unit with [control] holds its outputs and cannot sleep deeply")
    try:
        fits = _fits(table)
    except (TypeError, IndexError, KeyError, ValueError):
        fits = False
    if not fits:
        raise ValueError("config: control is none of this app; provision the unit again")


def _fits(table):
    inputs = len(table["inputs"]) + len(table["derived"])
    actuators = table["actuators"]
    return (
        all([isinstance(table[key], list) for key in _LISTS])
        and (table["place"] is None or len(table["place"]) == 2)
        and all([_is_derived(entry, n, table) for n, entry in enumerate(table["derived"])])
        and all([_is_actuator(entry, n, inputs) for n, entry in enumerate(actuators)])
        and all([_is_rule(cbor.decode(rule), inputs, len(actuators)) for rule in table["rules"]])
    )


# Of the channels, and of those before it.
def _is_derived(entry, n, table):
    known = len(table["inputs"]) + n
    sources = entry[1:4:2] if entry[0] == 0 else entry[1:2]
    return len(entry) == _DERIVED[entry[0]] and all([_is_in(each, 0, known) for each in sources])


def _is_actuator(entry, n, inputs):
    return (
        len(entry) == _ACTUATOR
        and isinstance(entry[0], str)
        and all([_is_in(value, 0, _WHOLE + 1) for value in entry[1:3]])
        and _is_in(entry[3], 1, _DAY_S + 1)
        and all([_is_in(span_s, 0, _DAY_S + 1) for span_s in entry[4:7]])
        and all([_is_in(other, 0, n) for other in entry[7]])
        and (entry[10] is None or (len(entry[10]) == 3 and _is_in(entry[10][0], 0, inputs)))
    )


def _is_rule(entry, inputs, actuators):
    along, dose = entry[6], entry[7]
    return (
        len(entry) == _RULE
        and _is_in(entry[1], 0, actuators)
        and all([_is_in(value, 0, _WHOLE + 1) for value in entry[3:5]])
        and (entry[5] is None or _is_in(entry[5], 0, _WHOLE + 1))
        and (along is None or (len(along) == 4 and _is_in(along[0], 0, inputs) and along[3] > 0))
        and (dose is None or (len(dose) == 2 and _is_in(dose[0], 0, inputs)))
        and all([_is_condition(each, inputs, actuators) for each in entry[8]])
    )


def _is_condition(entry, inputs, actuators):
    kind = entry[0]
    known = (inputs, 3, actuators, _DAY_S + 1)[kind]
    fits = len(entry) == _CONDITIONS[kind] and _is_in(entry[1], 0, known)
    if kind == 1:
        return fits and _is_in(entry[3], 0, 3)
    return fits and (kind < 3 or entry[2] > 0)


def _is_in(value, low, end):
    return isinstance(value, int) and low <= value < end
