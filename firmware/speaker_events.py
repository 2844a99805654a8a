# What few units tell, beyond what events.py has: those of a speaker, and alarms.
# SPDX-License-Identifier: Apache-2.0
import os

from protocols.compat import const

from .events import append

# As in protocols/event.py, whose names would take heap; a test compares them.
_ALARM = const(4)
_CONFIG = const(5)
_RECEIPT = const(6)
_SELF_TEST = const(7)
_ALARM_RULE = const(2)
_ALARM_CHANNEL = const(3)
_ALARM_UNIT = const(4)
_ALARM_SCALE = const(5)
_ALARM_VALUE = const(6)
_ALARM_SYNCED = const(7)
_ALARM_BEGINS = const(8)
_CONFIG_ISSUERS = const(2)
_CONFIG_CLIPS = const(3)
_CONFIG_RULES = const(4)
_CLIPS_BYTES = const(208)
_MORE = const("...")


# -> its record number, None if it could not be stored. value: counts of the rule's scale. begins:
# of an alarm that sounds nothing, whether it begins or is over.
def alarm(node, rule, value, begins=None):
    body = {
        _ALARM_RULE: rule.number,
        _ALARM_CHANNEL: rule.channel,
        _ALARM_UNIT: rule.unit,
        _ALARM_SCALE: rule.scale,
        _ALARM_VALUE: value,
        _ALARM_SYNCED: node.clock.synced,
    }
    if begins is not None:
        body[_ALARM_BEGINS] = begins
    return append(node, _ALARM, body, True)


# body: as protocols/receipt.py makes it.
def receipt(node, body):
    append(node, _RECEIPT, body, True)


# body: as self_test.py makes it.
def self_test(node, body):
    append(node, _SELF_TEST, body, True)


# Whom it obeys, kids as bytes, and what clips it has; of a speaker also its alarm rules, which an
# update takes away.
def speaker(node, kids, rules=None):
    body = {_CONFIG_ISSUERS: kids, _CONFIG_CLIPS: _clips(node.root + "/clips")}
    if rules is not None:
        body[_CONFIG_RULES] = rules
    append(node, _CONFIG, body, True)


# -> their names with spaces between them, so many as fit into an event beside sixteen
# issuers and rules
def _clips(folder):
    try:
        names = sorted([name[:-4] for name in os.listdir(folder) if name.endswith(".wav")])
    except OSError:  # it has none
        names = []
    told = ""
    for name in names:
        if len(told) + len(name) > _CLIPS_BYTES:
            return told + _MORE
        told += name + " "
    return told.rstrip()
