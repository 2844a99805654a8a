# Makes the actuators and the rules of a station out of its config: loaded once, and forgotten.
# SPDX-License-Identifier: Apache-2.0
from protocols import cbor, control_engine

from . import day_runs
from .actuators import Actuators, Part


# Of the table stays what looks need; rules are kept as they came, CBOR, in a fraction of the room.
# -> the actuators; their idle values; {actuator: [input, counts, s, what feedback.py remembers]};
# the rules; what they remember
def make(control, node, parts):
    table = node.config["control"]
    now_s = node.clock.uptime_s()
    rows, rules = table.pop("actuators"), table.pop("rules")
    made = [_part(row, parts, now_s) for row in rows]
    offset_s = table["utc_offset_s"]
    actuators = Actuators(node, made, offset_s, control.looked, control.urgent)
    if node.blocked:
        _block(actuators)
    confirms = {index: row[10] + [[False, now_s, 0]] for index, row in enumerate(rows) if row[10]}
    conditions = sum([len(cbor.decode(rule)[8]) for rule in rules])
    inputs = len(table["inputs"]) + len(table["derived"])
    kept = control_engine.memory(len(rules), conditions, inputs)
    return actuators, bytes([row[1] for row in rows]), confirms, rules, kept


# Those with pins are at fault until the next start: neither an hour nor a person changes that.
def _block(actuators):
    for part in actuators.parts:
        if not part.driver.SLOW:
            actuators.fail(part, "fs_corrupt")
            part.forgive = part.settled  # which changes nothing


def _part(row, parts, now_s):
    name, day_s = row[0], row[6]
    days = day_runs.load(name) if day_s else None
    switch, interlock = [contact and (parts.get(contact) or False) for contact in row[8:10]]
    return Part(name, parts[name], switch, interlock, days, now_s, row[2:8])
