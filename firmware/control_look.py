# One look of a station's rules, and what comes of it: loaded for it.
# SPDX-License-Identifier: Apache-2.0
import esp32

from protocols import cbor
from protocols.compat import const
from protocols.control_engine import Rules
from protocols.derived import Derived
from protocols.feedback import Feedback

_DAY_S = const(86400)
_KEEP_S = const(600)
_GRACE_S = const(10)  # who decides ends an order, not its lease: a motor would set off meanwhile
_SUMS = const("derived")  # in NVS
_ROOM = const(256)
_ORDER = const(3)  # as in protocols/control_rules.py
_LEVEL = const(0)
_UNKNOWN = const(-0x80000000)  # as in protocols/control_engine.py
_NO_EFFECT = const(1)  # as in protocols/feedback.py
_STUCK = const(2)


# found: counts by the name of the channel, since begin_s
def decide(control, begin_s, found):
    table = control.node.config["control"]
    values = [found.get(name) for name in table["inputs"]]
    day, clock = _clock(control, table)
    if table["derived"]:
        _reckon(control, table, day, values)
    waits = [begin_s + table["look_s"]]
    _decide(control, values, clock, waits)
    _confirm(control, values, waits)
    control.due_s = min(waits)


def order(control, name, value, lease_s):
    parts = control.actuators.parts
    names = [part.name for part in parts]
    if name not in names:
        return False
    index = names.index(name)
    if value is None:
        control.orders.pop(index, None)
    else:
        control.orders[index] = value, control.node.clock.uptime_s() + lease_s
    parts[index].forgive()
    again(control)
    return True


# By what was seen last, and then it looks: an order has come, or is over.
def again(control):
    table = control.node.config["control"]
    unknown = [None] * (len(table["inputs"]) + len(table["derived"]))
    _decide(control, unknown, _clock(control, table)[1], [])
    control.due_s = 0


# What a rule looked at: [(name, counts or None)]. A derived one has no name on a unit.
def looked(control, number):
    names = control.node.config["control"]["inputs"]
    found = []
    for data in control.rules:
        rule = cbor.decode(data)
        if rule[0] != number:
            continue
        inputs = {each[1] for each in rule[8] if each[0] == _LEVEL}
        inputs.update([each[0] for each in rule[6:8] if each])
        for index in inputs:
            own = "derived %d" % (index - len(names) + 1)
            value = control.kept[0][index]
            name = names[index] if index < len(names) else own
            found.append((name, None if value == _UNKNOWN else value))
    return found


def _decide(control, values, clock, waits):
    parts, orders = control.actuators.parts, control.orders
    now_s = control.node.clock.uptime_s()
    for index in list(orders):
        if now_s >= orders[index][1]:
            del orders[index]
    wanted = [orders[n][0] if n in orders else None for n in range(len(parts))]
    running = [bool(part.value) for part in parts]
    stale_s = control.node.config["control"]["stale_s"]
    unpacked = (cbor.decode(rule) for rule in control.rules)
    rules = Rules(unpacked, len(values), control.idle, stale_s, control.kept)
    rules.decide(now_s, values, clock, running, wanted)
    for index, part in enumerate(parts):
        lease_s = 0
        if rules.causes[index] == _ORDER:
            lease_s = min(part.lease_s, orders[index][1] - now_s + _GRACE_S)
            waits.append(orders[index][1])
        part.decider = rules.causes[index], rules.numbers[index]
        part.ask(rules.values[index], now_s, lease_s)


def _confirm(control, values, waits):
    now_s, actuators = control.node.clock.uptime_s(), control.actuators
    for index, (channel, above, within_s, kept) in control.confirms.items():
        part, before, value = actuators.parts[index], kept[2], values[channel]
        each = Feedback(above, within_s, now_s, kept)
        verdict = each.judge(now_s, bool(part.value), value)
        if verdict == _NO_EFFECT:
            actuators.fail(part, "actuator_no_effect", value)
        elif verdict == _STUCK:
            actuators.fail(part, "actuator_stuck", value)
        elif before == _STUCK:
            part.forgive()
        left_s = each.due_s(now_s)
        if left_s:
            waits.append(now_s + left_s)


# Sums of the day outlive a reset, if not what came in the last minutes.
def _reckon(control, table, day, values):
    now_s = control.node.clock.uptime_s()
    first = control.sums is None
    each = Derived(table["derived"], control.sums)
    if first:
        _resume(each, control.node.config_hash)
        control.sums, control.kept_s = each.kept, now_s
    for value in each.reckon(now_s, day, values):
        values.append(value)
    if now_s - control.kept_s >= _KEEP_S:
        control.kept_s = now_s
        _keep(each, control.node.config_hash)


# A hundred writes a day, of few bytes.
def _keep(derived, config_hash):
    nvs = esp32.NVS("kept")
    try:
        nvs.set_blob(_SUMS, cbor.encode([config_hash] + derived.keep()))
        nvs.commit()
    except OSError:
        pass  # in ten minutes again


# Of another configuration they mean something else.
def _resume(derived, config_hash):
    buffer = bytearray(_ROOM)
    try:
        size = esp32.NVS("kept").get_blob(_SUMS, buffer)
        kept = cbor.decode(bytes(buffer[:size]))
    except (OSError, ValueError):  # there was none yet
        return
    if kept[0] == config_hash:
        derived.resume(kept[1:])


# -> number of the local day, (its second, sunrise, sunset); None for both without a clock
def _clock(control, table):
    clock = control.node.clock
    if not clock.synced:
        return None, None
    day, second = divmod(clock.now() + table["utc_offset_s"], _DAY_S)
    if control.sun[0] != day:
        control.sun = (day,) + _sun_times(day, table)
    return day, (second,) + control.sun[1:]


def _sun_times(day, table):
    place = table["place"]
    if not place:
        return 0, _DAY_S  # no rule asks for it
    from protocols.sun import times

    day %= 1461  # four years from 2024 on, the first of 366 days
    of_year = day if day < 366 else (day - 366) % 365
    return times(of_year, place[0] / 10000, place[1] / 10000, table["utc_offset_s"])
