# Whether a unit may sleep, and light sleep; deep_sleep.py has the other one.
# SPDX-License-Identifier: Apache-2.0
import time

import machine

from protocols.compat import const

from . import later

_DEEP = const("firmware.deep_sleep firmware.sleep_store protocols.cbor protocols.cbor_reader")
_EVENTS = const(
    "firmware.energy_events firmware.events firmware.speaker_events protocols.event_writer"
    " protocols.reasons protocols.schema_map protocols.cbor protocols.cbor_reader"
)
_PARTS = const("firmware.power_parts")
_DAY_S = const(86400)
# Below these a sleep costs more than it saves: a boot, or stopping and starting the clocks.
_SHORTEST_DEEP_MS = const(15000)
_SHORTEST_LIGHT_MS = const(200)
_LIGHT = const(0)  # as in energy.py
_GPIO = const(7)  # machine.wake_reason(): esp_sleep_wakeup_cause_t


def is_idle(sleeper):
    ledger, day = sleeper.ledger, sleeper.node.clock.uptime_s() // _DAY_S
    if day != ledger.day:
        ledger.day = day
        sleeper.node.make_room()
        later.call(_EVENTS, "tell", sleeper.node, ledger)
    return _left_ms(sleeper) > 0


def sleep(sleeper):
    ms = _left_ms(sleeper)
    if not ms:  # somebody has come meanwhile
        return
    if sleeper.mode == "deep":
        sleeper.node.make_room()
        try:
            later.call(_DEEP, "go", sleeper, sleeper.node, sleeper.role, ms)
            sleeper.mode = "light"  # it is back: what is to be kept does not fit
        except MemoryError:  # not this time
            pass
        ms = min(ms, sleeper.node.clock.slice_ms())
    if sleeper.pins:
        later.call(_PARTS, "arm", sleeper.pins)
    before_ms = time.ticks_ms()
    machine.lightsleep(ms)
    sleeper.ledger.counts[_LIGHT] += time.ticks_diff(time.ticks_ms(), before_ms)
    reason = machine.wake_reason()
    if sleeper.pins:
        later.call(_PARTS, "woken", sleeper.pins, sleeper.role.parts, reason)
    if reason == _GPIO:  # those bytes are lost, the next ones are not
        sleeper.console.heard_s = sleeper.node.clock.uptime_s()


# How long it may sleep; 0 if something is going on, or soon will.
def _left_ms(sleeper):
    node, console = sleeper.node, sleeper.console
    clock = node.clock
    uptime_s = clock.uptime_s()
    if (
        sleeper.mode == "never"
        or node.safe_mode_reason
        or not console.waits
        or uptime_s - console.heard_s < sleeper.byte_s
        or len(sleeper.due) < sleeper.count
        or node.parts_lock.locked()
        or any([rail.users for rail in sleeper.rails.values()])
    ):
        return 0
    # The house has its daily events, and the watchdog its food.
    house_s = _DAY_S - uptime_s % _DAY_S
    left_ms = min(min(sleeper.due.values()) - clock.now(), house_s) * 1000 - clock.rest_ms
    if sleeper.mode == "deep":
        left_ms -= sleeper.lead_ms
        return left_ms if left_ms >= _SHORTEST_DEEP_MS else 0
    left_ms = min(left_ms, clock.slice_ms())
    return left_ms if left_ms >= _SHORTEST_LIGHT_MS else 0
