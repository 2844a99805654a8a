# The air that an echo goes through: sound is faster in warm air, by 0.18 % a degree.
# SPDX-License-Identifier: Apache-2.0
import time

from protocols.compat import const

from .errors import SensorError

_AGE_MS = const(600000)  # air does not change faster than this matters


class Air:
    # thermometer: a driver whose first value is in hundredths of a degree Celsius.
    # reckoned_c: the temperature for which the sensor turns times into distances.
    def __init__(self, thermometer, reckoned_c):
        self._thermometer = thermometer
        self._reckoned = self._speed = _speed(reckoned_c * 100)
        self._at_ms = None

    # The distance that is meant by one which the sensor tells.
    async def corrected(self, mm):
        now_ms = time.ticks_ms()
        if self._at_ms is None or time.ticks_diff(now_ms, self._at_ms) >= _AGE_MS:
            try:
                self._speed = _speed((await self._thermometer.read())[0])
                self._at_ms = now_ms
            except SensorError:
                pass  # a level that is some cm off is better than none: it goes on with the last
        return (mm * self._speed + self._reckoned // 2) // self._reckoned


# In cm/s, of hundredths of a degree: 331.3 + 0.606 T m/s (hypothesis: the usual straight line,
# right to 0.1 % from -20 to 40 degrees).
def _speed(centi):
    return 33130 + (606 * centi + 500) // 1000
