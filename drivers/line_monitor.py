# The current into the loudspeaker's line, rectified and smoothed: the proof that it sounded.
# SPDX-License-Identifier: Apache-2.0
import time

from protocols.compat import const

_SAMPLES = const(8)  # of a reading at rest
_EVERY_MS = const(20)
_LINE_CURRENT = const(1)  # the kind of proof, see protocols/receipt.py


class LineMonitor:
    CHANNELS = (("current", "mA", 1),)

    # Current in mA = ADC in mV * numerator / denominator. threshold_ma: there is sound from there
    # on. full_scale_ma: what a proof calls 255.
    def __init__(self, adc, numerator=1, denominator=1, threshold_ma=30, full_scale_ma=1000):
        self._adc = adc
        self._numerator = numerator
        self._denominator = denominator
        self._threshold_ma = threshold_ma
        self._full_scale_ma = full_scale_ma
        self.begin()

    def current_ma(self):
        return self._adc.read_uv() // 1000 * self._numerator // self._denominator

    # A sound begins.
    def begin(self):
        self._taken = self._above = self._sum_ma = 0
        self._next_ms = time.ticks_ms()

    # While it plays, as often as it suits.
    def sample(self):
        now_ms = time.ticks_ms()
        if self._taken and time.ticks_diff(self._next_ms, now_ms) > 0:
            return
        self._next_ms = time.ticks_add(now_ms, _EVERY_MS)
        current_ma = self.current_ma()
        self._taken += 1
        if current_ma >= self._threshold_ma:
            self._above += 1
            self._sum_ma += current_ma

    # -> kind, mean level of what was above the threshold in 255ths of full_scale_ma, share of the
    # samples that were, in 255ths
    def proof(self):
        level = share = 0
        if self._above:
            level = self._sum_ma * 255 // (self._above * self._full_scale_ma)
            share = max(1, self._above * 255 // self._taken)
        return bytes((_LINE_CURRENT, min(level, 255), share))

    async def probe(self):
        self._adc.read_uv()

    async def read(self):
        total_ma = 0
        for _ in range(_SAMPLES):
            total_ma += self.current_ma()
        return (total_ma // _SAMPLES,)
