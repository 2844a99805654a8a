# The ledger for a person on the console.
# SPDX-License-Identifier: Apache-2.0
from . import energy_events


# -> [(what, how long)] since the last event
def rows(ledger):
    # In the order of the keys of the ENERGY event, see protocols/event.py.
    found = energy_events.body(ledger)
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
