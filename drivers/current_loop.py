# A transmitter on a 4-20 mA loop: the voltage of a shunt at an ADC with factory calibration.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .errors import SensorError

_SAMPLES = const(16)  # over a part of a period of 50 Hz, which long cables pick up
# NAMUR NE 43 (hypothesis: known from others' descriptions): a measurement is 3.8 to 20.5 mA, what
# is below 3.6 or above 21 mA tells of a fault.
_LOW_UA = const(3600)
_HIGH_UA = const(21000)
_ZERO_UA = const(4000)
_SPAN_UA = const(16000)


class CurrentLoop:
    # channel: name, unit, scale (counts a unit), the counts at 4 and at 20 mA.
    def __init__(self, adc, shunt_mohm, channel):
        self._adc = adc
        self._shunt_mohm = shunt_mohm
        self._low = channel["at_4_ma"]
        self._span = channel["at_20_ma"] - self._low
        self.CHANNELS = ((channel["name"], channel["unit"], channel["scale"]),)

    async def probe(self):
        self._current_ua()

    async def read(self):
        above_ua = self._current_ua() - _ZERO_UA
        # Rounded to the nearest count.
        return (self._low + (2 * above_ua * self._span + _SPAN_UA) // (2 * _SPAN_UA),)

    # 3.6 to 4 and 20 to 21 mA still count: a level may be out of a transmitter's span.
    def _current_ua(self):
        microvolts = 0
        for _ in range(_SAMPLES):
            microvolts += self._adc.read_uv()
        current_ua = microvolts * 1000 // (_SAMPLES * self._shunt_mohm)
        if current_ua < _LOW_UA:
            broken = current_ua < _LOW_UA // 2
            what = "no current: check supply and loop" if broken else "low alarm"
            raise SensorError("sensor_range", "%d uA, %s" % (current_ua, what))
        if current_ua > _HIGH_UA:
            raise SensorError("sensor_range", "%d uA, high alarm or a short" % current_ua)
        return current_ua
