# What a policy says about the wakes of a unit: when it may try, where its modem looks, and what a
# low battery changes. Loaded when it is asked; what it knows lies in the RTC's memory.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers import at
from protocols.compat import const

from .carriers import CarrierError
from .sleep_store import SleepStore

_NAME = const("modem")
# Of the state: failures in a row, when it may try again, the battery is low, the newest alarm that
# was a reason to try, why it failed.
_FAILURES = const(0)
_AGAIN_S = const(1)
_LOW = const(2)
_TRIED = const(3)
_WHY = const(4)
_DOUBLINGS = const(16)
_NO_NETWORK = const(("reg_denied", "reg_searching"))
_HYSTERESIS = const(32)  # a battery is well again this part of the limit above it
_CFUN_MS = const(15000)  # as in drivers/nbiot.py


# Raises CarrierError if there is to be no wake now. An alarm, or a person, may try once whatever
# is the matter.
def permit(node, hurry):
    store, state = _load(node)
    urgent = node.outbox.urgent
    if urgent and urgent[-1] > state[_TRIED]:
        state[_TRIED] = urgent[-1]
        store.put(_NAME, state)
        return
    if hurry:
        return
    if state[_LOW]:
        raise CarrierError("battery_low")
    left_s = state[_AGAIN_S] - node.clock.now()
    # Longer than any pause: the clock was set meanwhile.
    if state[_FAILURES] and 0 < left_s <= _pause_s(node, state):
        node.counters.count("attach_paused")
        raise CarrierError(state[_WHY])


# Tells what became of opening: a reason, or None.
def opened(node, reason):
    store, state = _load(node)
    if reason in _NO_NETWORK and node.config["modem"]["backoff_s"]:
        state[_FAILURES] += 1
        state[_WHY] = reason
        state[_AGAIN_S] = node.clock.now() + _pause_s(node, state)
    elif reason is None and state[_FAILURES]:
        state[_FAILURES] = 0
    else:
        return
    store.put(_NAME, state)


# A pause is twice as long as the one before.
def _pause_s(node, state):
    policy, doublings = node.config["modem"], min(state[_FAILURES] - 1, _DOUBLINGS)
    return min(policy["backoff_s"] << doublings, policy["backoff_max_s"])


def _load(node):
    store = SleepStore(node.counters)
    return store, store.get(_NAME) or [0, 0, 0, 0, ""]


# Tells a modem its bands: [command, arguments ...]. Some tell their number first when asked.
async def choose_bands(modem, bands, restart):
    command, wanted = bands[0], bands[1:]
    await modem.start()
    told = await modem.ask(at.read(command), command, _numbers)
    if told == wanted or told == wanted[1:] or told[1:] == wanted:
        return
    # Hypothesis: no model takes them while it searches.
    await modem.ask(at.assign("+CFUN", 0), timeout_ms=_CFUN_MS)
    await modem.attempt(at.assign(command, *wanted))
    if restart:
        await modem.attempt(restart)
        await asyncio.sleep_ms(modem.BOOT_MS)


def _numbers(line):
    return [int(value) for value in at.fields(line)]


# -> True once when the battery has become low: the unit has told so, and only needs a wake.
def gasps(node):
    millivolts = node.tell("battery_mv")
    if millivolts is None:
        return False
    store, state = _load(node)
    limit = node.config["modem"]["last_gasp_mv"]
    low = int(millivolts < (limit + limit // _HYSTERESIS if state[_LOW] else limit))
    if low == state[_LOW]:
        return False
    state[_LOW] = low
    store.put(_NAME, state)
    if low:
        node.tell("health", True)
    return bool(low)
