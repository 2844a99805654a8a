# Tells the ledger: to the collector once a day, and to whom it asks on the console.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import events

# As in protocols/event.py, whose names would take heap; a test compares them.
_ENERGY = const(10)
_ENERGY_PERIOD_S = const(2)
_ENERGY_AWAKE_MS = const(3)
_ENERGY_ASLEEP = const(4)
_ENERGY_SLEEPS = const(5)
_ENERGY_RADIO = const(6)
_ENERGY_RAILS = const(7)
_ENERGY_CAMERA_MS = const(8)
_ENERGY_BYTES = const(9)
_ENERGY_WAKES = const(10)
# As in energy.py.
_LIGHT = const(0)
_DEEP = const(1)
_TX = const(2)
_ACTIVE = const(3)
_IDLE = const(4)
_CAMERA = const(5)
_SLEEPS = const(6)
_BYTES = const(7)
_WAKES = const(8)


# It begins anew only if it could be told.
def tell(node, ledger):
    if events.append(node, _ENERGY, body(ledger)) is not None:
        # What goes on at the moment goes on counting.
        running_ms = min(0, ledger.counts[_ACTIVE])
        ledger.counts = [0] * len(ledger.counts)
        ledger.counts[_ACTIVE] = running_ms
        ledger.on_ms = dict.fromkeys(ledger.on_ms, 0)
        ledger.since_ms = ledger.now_ms()


def body(ledger):
    ledger.settle()
    counts = ledger.counts
    period_ms = ledger.now_ms() - ledger.since_ms
    asleep = [counts[_LIGHT], counts[_DEEP]]
    active_ms = counts[_ACTIVE] if counts[_ACTIVE] >= 0 else counts[_ACTIVE] + ledger.now_ms()
    radio = [counts[_TX], active_ms, counts[_IDLE]]
    found = {
        _ENERGY_PERIOD_S: period_ms // 1000,
        _ENERGY_AWAKE_MS: max(0, period_ms - sum(asleep)),
        _ENERGY_ASLEEP: asleep,
        _ENERGY_SLEEPS: counts[_SLEEPS],
        _ENERGY_RADIO: radio + [max(0, period_ms - sum(radio))],
        _ENERGY_BYTES: counts[_BYTES],
        _ENERGY_WAKES: counts[_WAKES],
    }
    if ledger.on_ms:
        found[_ENERGY_RAILS] = ledger.on_ms
    if counts[_CAMERA]:
        found[_ENERGY_CAMERA_MS] = counts[_CAMERA]
    return found


# -> [(what, how long)] since the last event
def rows(ledger):
    found = body(ledger)
    light_ms, deep_ms = found[_ENERGY_ASLEEP]
    tx_ms, active_ms, idle_ms, _ = found[_ENERGY_RADIO]
    return [
        ("since", "%d s ago" % found[_ENERGY_PERIOD_S]),
        ("awake", _seconds(found[_ENERGY_AWAKE_MS])),
        ("light sleep", _seconds(light_ms)),
        ("deep sleep", "%s in %d sleeps" % (_seconds(deep_ms), found[_ENERGY_SLEEPS])),
        ("radio sends", "%s, %d bytes" % (_seconds(tx_ms), found[_ENERGY_BYTES])),
        ("radio listens", "%s in %d wakes" % (_seconds(active_ms), found[_ENERGY_WAKES])),
        ("radio idle", _seconds(idle_ms)),
        ("camera", _seconds(found.get(_ENERGY_CAMERA_MS, 0))),
    ] + [("rail " + name, _seconds(ms)) for name, ms in sorted(ledger.on_ms.items())]


def _seconds(ms):
    return "%d.%d s" % (ms // 1000, ms % 1000 // 100)
