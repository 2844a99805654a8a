# Tells the collector once a day what the ledger has, and a person on the console.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

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
    from . import events

    if events.append(node, _ENERGY, body(ledger)) is not None:
        is_open = ledger.counts[_ACTIVE] < 0
        ledger.since_ms = ledger.now_ms()
        ledger.counts = [0] * len(ledger.counts)
        if is_open:  # what goes on at the moment counts from here on
            ledger.counts[_ACTIVE] = -ledger.since_ms
        ledger.on_ms = dict.fromkeys(ledger.on_ms, 0)


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
    # In the order of the keys of the ENERGY event, see protocols/event.py.
    found = body(ledger)
    period_s, awake_ms, (light_ms, deep_ms), sleeps, radio = [found[key] for key in range(2, 7)]
    texts = [
        ("since", "%d s ago" % period_s),
        ("awake", _seconds(awake_ms)),
        ("light sleep", _seconds(light_ms)),
        ("deep sleep", "%s in %d sleeps" % (_seconds(deep_ms), sleeps)),
        ("radio sends", "%s, %d bytes" % (_seconds(radio[0]), found[9])),
        ("radio listens", "%s in %d wakes" % (_seconds(radio[1]), found[10])),
        ("radio idle", _seconds(radio[2])),
        ("camera", _seconds(found.get(8, 0))),
    ]
    return texts + [("rail " + name, _seconds(ms)) for name, ms in sorted(ledger.on_ms.items())]


def _seconds(ms):
    return "%d.%d s" % (ms // 1000, ms % 1000 // 100)
