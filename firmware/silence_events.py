# Why nothing came of a unit for a while: kept over resets, told when the server answers again.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const
from protocols.reasons import code as code_of

from . import events
from .sleep_store import SleepStore

# As in protocols/event.py, whose names would take heap; a test compares them.
_SILENCE = const(9)
_SILENCE_REASON = const(2)
_SILENCE_SINCE = const(3)

_NAME = const("silence")  # in the store
_ANSWERED = const(("acked", "partly", "none"))  # none: there was no wake yet


# -> True if nothing is left to be told
def after_a_wake(node):
    store, outcome = SleepStore(node.counters), node.uplink.outcome
    kept = store.get(_NAME)  # [reason code, its votes, since when]
    if outcome not in _ANSWERED:
        code, votes, since = kept or (0, 0, _last_contact(node))
        mine = code_of(outcome) or 0
        # One byte stands for all these wakes. Each reason votes for itself or against another one,
        # so one of more than half of them remains (Boyer and Moore, 1981).
        if mine == code:
            votes += 1
        elif votes:
            votes -= 1
        else:
            code, votes = mine, 1
        store.put(_NAME, [code, votes, since])
        return False
    if kept:
        body = {_SILENCE_REASON: kept[0], _SILENCE_SINCE: kept[2]}
        if kept[2] is None:
            del body[_SILENCE_SINCE]
        if events.append(node, _SILENCE, body) is None:
            return False  # after the next wake, perhaps
        store.put(_NAME, None)
    return True


def _last_contact(node):
    clock, acked_s = node.clock, node.uplink.acked_s
    if acked_s is None or not clock.synced:
        return None
    return clock.now() - (clock.uptime_s() - acked_s)
