# What a station tells of its actuators.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const
from protocols.reasons import code

from .events import append

# As in protocols/event.py, whose names would take heap; a test compares them.
_DECISION = const(11)
_DECISION_ACTUATOR = const(2)
_DECISION_VALUE = const(3)
_DECISION_CAUSE = const(4)
_DECISION_RULE = const(5)
_DECISION_WHY = const(6)
_DECISION_INPUTS = const(7)
_DECISION_SYNCED = const(8)
_ACTUATOR_FAULT = const(12)
_FAULT_ACTUATOR = const(2)
_FAULT_REASON = const(3)
_FAULT_VALUE = const(4)
_FAULT_FEEDBACK = const(5)
_FAULT_SYNCED = const(6)


# looked: [(name of an input, counts or None)] of the rule that decided. -> its record number, None
# if it could not be stored.
def decision(node, name, value, cause, number, why, looked):
    body = {
        _DECISION_ACTUATOR: name,
        _DECISION_VALUE: value,
        _DECISION_CAUSE: cause,
        _DECISION_RULE: number,
        _DECISION_WHY: why,
        _DECISION_INPUTS: dict(looked),
        _DECISION_SYNCED: node.clock.synced,
    }
    return append(node, _DECISION, body)


def actuator_fault(node, name, reason, value, feedback):
    body = {
        _FAULT_ACTUATOR: name,
        _FAULT_REASON: code(reason),
        _FAULT_VALUE: value,
        _FAULT_FEEDBACK: feedback,
        _FAULT_SYNCED: node.clock.synced,
    }
    return append(node, _ACTUATOR_FAULT, body, True)
