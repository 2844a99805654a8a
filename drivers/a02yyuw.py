# A02YYUW: ultrasonic distance to a surface below it, here to water (DFRobot, SEN0311).
# SPDX-License-Identifier: Apache-2.0
#
#   FF, distance in mm (2 bytes, most significant first), sum of the three bytes
#
# It sends by itself, a frame every 100 to 300 ms (hypothesis: 100 ms while its RX is low), and
# wants nothing to be sent. It corrects for the speed of sound by itself or not at all (hypothesis:
# by itself): nothing is corrected here.
import time

from protocols.compat import const

from .errors import SensorError
from .uart_port import UARTPort

_HEAD = const(0xFF)
_FRAME_SIZE = const(4)
# Data sheet: 30 to 4,500 mm. What is out of that is no echo, or a double one.
_NEAREST_MM = const(30)
_FARTHEST_MM = const(4500)

_READINGS = const(5)  # of which the one in the middle counts
_ENOUGH = const(3)
_LIMIT_MS = const(2000)  # for all of them
_SPARE_MM = const(50)  # waves, between two readings
# Hypotheses: a flash flood rises by a metre in a minute. What is faster is a spider, a boat or a
# double echo, unless it stays for so long.
_RISE_MM_S = const(20)
_DOUBT_MS = const(30000)
# Air that warms and cools moves every echo by some mm in a day: one that stays the same to the mm
# does not come from water.
_FROZEN_MS = const(86400000)


class A02YYUW:
    CHANNELS = (("level", "m", 1000), ("distance", "m", 1000))

    # datum_mm: of the sensor's face above the zero of the gauge; without one there is no level.
    def __init__(self, uart, datum_mm=None, rise_mm_s=_RISE_MM_S):
        self._port = UARTPort(uart)
        self._datum_mm = datum_mm
        self._rise_mm_s = rise_mm_s
        self._buffer = bytearray(32)
        self._frame = bytearray(_FRAME_SIZE)
        self._last_mm = self._last_ms = None  # the last distance that was believed, and when
        self._doubt_mm = self._doubt_ms = None  # another one, which may be true
        self._doubt_since_ms = None
        self._still_ms = 0  # for so long it was the same

    async def probe(self):
        await self._distance_mm()

    async def read(self):
        distance_mm = await self._distance_mm()
        self._judge(distance_mm)
        level_mm = None if self._datum_mm is None else self._datum_mm - distance_mm
        return level_mm, distance_mm

    # The median of some frames, all younger than this call.
    async def _distance_mm(self):
        uart, found, far, bytes_seen = self._port.uart, [], 0, 0
        while uart.any():
            uart.readinto(self._buffer)
        self._frame[0] = 0
        end_ms = time.ticks_add(time.ticks_ms(), _LIMIT_MS)
        while len(found) < _READINGS:
            left_ms = time.ticks_diff(end_ms, time.ticks_ms())
            size = await self._port.readinto(self._buffer, left_ms) if left_ms > 0 else 0
            if not size:
                break
            bytes_seen += size
            for at in range(size):
                mm = self._take(self._buffer[at])
                if mm is None:
                    continue
                if _NEAREST_MM <= mm <= _FARTHEST_MM:
                    found.append(mm)
                else:
                    far += 1
        if len(found) < _ENOUGH:
            raise _failure(bytes_seen, len(found), far)
        return sorted(found)[len(found) // 2]

    # The distance once a frame is whole. A head may be a byte of it, too: only its sum tells.
    def _take(self, byte):
        frame = self._frame
        frame[0], frame[1], frame[2], frame[3] = frame[1], frame[2], frame[3], byte
        if frame[0] != _HEAD or (_HEAD + frame[1] + frame[2]) & 0xFF != byte:
            return None
        mm = frame[1] << 8 | frame[2]
        frame[0] = frame[1] = frame[2] = frame[3] = 0
        return mm

    # Raises for what cannot be the water. A jump that lasts is believed: a gate was opened, or
    # what was believed before was wrong.
    def _judge(self, mm):
        now_ms = time.ticks_ms()
        if self._last_mm is None or self._fits(mm, self._last_mm, now_ms, self._last_ms):
            self._believe(mm, now_ms)
            return
        if self._doubt_mm is None or not self._fits(mm, self._doubt_mm, now_ms, self._doubt_ms):
            self._doubt_since_ms = now_ms
        self._doubt_mm, self._doubt_ms = mm, now_ms
        if time.ticks_diff(now_ms, self._doubt_since_ms) < _DOUBT_MS:
            raise SensorError("sensor_range", "%d mm after %d mm" % (mm, self._last_mm))
        self._believe(mm, now_ms)

    def _fits(self, mm, before_mm, now_ms, before_ms):
        passed_ms = time.ticks_diff(now_ms, before_ms)
        return abs(mm - before_mm) <= _SPARE_MM + self._rise_mm_s * passed_ms // 1000

    def _believe(self, mm, now_ms):
        if mm == self._last_mm:
            self._still_ms = min(
                self._still_ms + time.ticks_diff(now_ms, self._last_ms), _FROZEN_MS
            )
        else:
            self._still_ms = 0
        self._last_mm, self._last_ms, self._doubt_mm = mm, now_ms, None
        if self._still_ms >= _FROZEN_MS:
            raise SensorError("sensor_range", "%d mm for a whole day" % mm)


def _failure(bytes_seen, good, far):
    if not bytes_seen:
        return SensorError("sensor_timeout", "no frame: check its supply and its TX")
    if far:
        return SensorError("sensor_range", "no echo from 30 to 4500 mm in %d frames" % far)
    return SensorError("sensor_crc", "only %d good frames in %d bytes" % (good, bytes_seen))
