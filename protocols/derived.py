# What rules look at besides channels: values reckoned from them.
# SPDX-License-Identifier: Apache-2.0
#
#   [DEFICIT, temperature, scale, humidity, scale]  vapour pressure deficit in Pa
#   [DAY_SUM, input, divisor]                       its sum over the day: counts * s // divisor
#   [DAY_RISE, input]                               of a counter: by how much it has grown today
#   [SINCE, input]                                  of a counter: how many s ago it grew last
#
# Inputs by index, as in control_rules.py; those given here come after them.
from math import exp

from .compat import const

DEFICIT = const(0)
DAY_SUM = const(1)
DAY_RISE = const(2)
SINCE = const(3)

_DAY_S = const(86400)
_GAP_S = const(900)  # with longer ones nobody knows what was between


class Derived:
    # kept: what one of them remembers, for another one.
    def __init__(self, entries, kept=None):
        self._entries = entries
        # Number of the day; when it was reckoned last; of each entry the sum, or the growth; and
        # what its input was then.
        self.kept = kept or [None, None, [0] * len(entries), [None] * len(entries)]

    # day: number of the local day, None without a clock. -> values, None where nobody knows.
    def reckon(self, now_s, day, values):
        before, then_s, sums, _ = self.kept
        gap_s = min(now_s - then_s, _GAP_S) if then_s is not None else 0
        self.kept[1] = now_s
        if day is not None and day != before:
            self.kept[0] = day
            if before is not None:
                for n, entry in enumerate(self._entries):
                    if entry[0] != SINCE:
                        sums[n] = 0
        return [self._value(n, entry, values, gap_s) for n, entry in enumerate(self._entries)]

    def _value(self, n, entry, values, gap_s):
        value = values[entry[1]]
        if entry[0] == DEFICIT:
            humidity = values[entry[3]]
            known = value is not None and humidity is not None
            return deficit_pa(value, entry[2], humidity, entry[4]) if known else None
        _, _, sums, lasts = self.kept
        if entry[0] == SINCE:  # nothing yet counts as just grown
            sums[n] = min(sums[n] + gap_s, _DAY_S)
        if value is None:  # nobody knows what is missing of a sum
            return None
        if entry[0] == DAY_SUM:
            sums[n] += value * gap_s
        elif lasts[n] is not None and value > lasts[n]:
            sums[n] = 0 if entry[0] == SINCE else sums[n] + value - lasts[n]
        lasts[n] = value
        return sums[n] // entry[2] if entry[0] == DAY_SUM else sums[n]

    # Over a reset on the same day.
    def keep(self):
        return [self.kept[0], list(self.kept[2])]

    def resume(self, kept):
        self.kept[0], self.kept[2] = kept


# Vapour pressure deficit: how much the air still takes, which is what makes a plant transpire.
# temperature in counts of `scale` a degree, humidity in counts of `rh_scale` a per cent -> Pa.
# Magnus' formula with the constants of WMO-No. 8, annex 4.B (over water, -45 to 60 Cel).
def deficit_pa(temperature, scale, humidity, rh_scale):
    degrees = temperature / scale
    saturated = 611.2 * exp(17.62 * degrees / (243.12 + degrees))
    return round(saturated * max(0, 100 - humidity / rh_scale) / 100)
