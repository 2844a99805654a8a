# Into a deep sleep, which ends the program, and out of it; loaded for each of the two.
# SPDX-License-Identifier: Apache-2.0
import machine

from protocols.compat import const

from . import sleep_state
from .sleep_store import SleepStore

_SPARE_MS = const(1500)  # beyond what the last boot took
_TIMER = const(4)  # machine.wake_reason(): esp_sleep_wakeup_cause_t
_PINS = const((2, 3))


# It comes back only if what the unit has to keep does not fit. A batch that is too long goes to
# flash as a report of its own.
def go(sleeper, node, role, ms):
    store = SleepStore(node.counters)
    for _ in range(2):
        state = sleep_state.collect(node, role)
        if store.put("sleep", [ms, sleeper.lead_ms, sleeper.asleep_ms, state]):
            sleeper.pins.arm()
            machine.deepsleep(ms)
        role.sampler.flush()
    node.log("too much to keep for a deep sleep: only light sleep from here on", "sleep")


# Whether the unit goes on where it was. What was kept is for one use: whatever happens next, no
# sequence number in it is given twice.
def wake_up(sleeper, node, role):
    store = SleepStore(node.counters)
    kept = store.get("sleep")
    if kept is None:
        return False
    store.put("sleep", None)
    if node._cause != "deep sleep":
        return False
    try:
        ms, lead_ms, asleep_ms, state = kept
        passed_ms = sleep_state.restore(node, role, state)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        node.counters.count("rtc_corrupt")
        node.log("what was kept over the sleep is of no use: %r" % error, "sleep")
        return False
    reason = machine.wake_reason()
    if reason == _TIMER:
        lead_ms = max(passed_ms - ms, 0) + _SPARE_MS
    sleeper.lead_ms = lead_ms
    sleeper.asleep_ms = asleep_ms + passed_ms
    sleeper.pins.woken(role.parts, reason)
    node._cause = None  # no start of which the collector is told
    cause = "the timer" if reason == _TIMER else "a pin" if reason in _PINS else "something"
    node.log("woken by %s after %d s" % (cause, passed_ms // 1000), "sleep")
    return True
