# A voltage at an ADC with factory calibration: capacitive soil moisture, or any other sensor. Two
# points of its line, and where it is broken, are data: drivers/maps/*.json.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .errors import SensorError

_SAMPLES = const(16)  # over a part of a period of 50 Hz, which long cables pick up


class AnalogProbe:
    # data: "channel" (name, unit, scale), "points" (mV and counts, two), "lowest_mv", "highest_mv"
    # (beyond these it is unplugged or shorted), "spread_mv" (more between samples: the pin hangs
    # in the air), "crop" (values end at the points). points_mv: this unit's own, in that order.
    def __init__(self, adc, data, points_mv=None):
        self._adc = adc
        self._lowest_mv, self._highest_mv = data["lowest_mv"], data["highest_mv"]
        self._spread_uv = 1000 * data["spread_mv"]
        self._crop = data.get("crop", False)
        (self._from_mv, self._from), (to_mv, to) = data["points"]
        if points_mv:
            self._from_mv, to_mv = points_mv
        self._span_mv = to_mv - self._from_mv
        self._span = to - self._from
        channel = data["channel"]
        self.CHANNELS = ((channel["name"], channel["unit"], channel["scale"]),)

    async def probe(self):
        self._millivolts()

    async def read(self):
        # Rounded to the nearest count, whichever way the line goes.
        along = self._millivolts() - self._from_mv
        if self._crop:
            ends = sorted((0, self._span_mv))
            along = min(max(along, ends[0]), ends[1])
        return (self._from + (2 * along * self._span + self._span_mv) // (2 * self._span_mv),)

    def _millivolts(self):
        lowest = highest = total = self._adc.read_uv()
        for _ in range(_SAMPLES - 1):
            microvolts = self._adc.read_uv()
            total += microvolts
            lowest, highest = min(lowest, microvolts), max(highest, microvolts)
        mv = (total + 500 * _SAMPLES) // (1000 * _SAMPLES)
        if not self._lowest_mv <= mv <= self._highest_mv:
            raise SensorError("sensor_range", "%d mV: unplugged, shorted, or no supply" % mv)
        if highest - lowest > self._spread_uv:
            raise SensorError("sensor_range", "%d uV of noise: unplugged" % (highest - lowest))
        return mv
