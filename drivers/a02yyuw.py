# A02YYUW: ultrasonic distance to a surface below it, here to water (DFRobot, SEN0311).
# SPDX-License-Identifier: Apache-2.0
#
#   FF, distance in mm (2 bytes, most significant first), sum of the three bytes
#
# It sends by itself, a frame every 100 to 300 ms (hypothesis: 100 ms while its RX is low), and
# wants nothing to be sent. It knows how fast sound is by itself (hypothesis); one that does not is
# given the air that it hangs in.
import asyncio
import time

from protocols.compat import const

from .errors import SensorError
from .surface import Surface
from .uart_port import UARTPort

_HEAD = const(0xFF)
_FRAME_SIZE = const(4)
# Data sheet: 30 to 4,500 mm. What is out of that is no echo, or a double one.
_NEAREST_MM = const(30)
_FARTHEST_MM = const(4500)

_READINGS = const(5)  # of which the one in the middle counts
_FASTEST_MS = const(100)  # a frame
_ENOUGH = const(3)
_LIMIT_MS = const(2000)  # for all of them


class A02YYUW:
    CHANNELS = (("level", "m", 1000), ("distance", "m", 1000))

    # datum_mm: of the sensor's face above the zero of the gauge; without one there is no level.
    # air: see air.py.
    def __init__(self, uart, datum_mm=None, rise_mm_s=None, air=None):
        self._port = UARTPort(uart)
        self._air = air
        self._datum_mm = datum_mm
        self._surface = Surface(rise_mm_s)
        self._buffer = bytearray(32)
        self._frame = bytearray(_FRAME_SIZE)

    async def probe(self):
        await self._distance_mm()

    async def read(self):
        distance_mm = await self._distance_mm()
        if self._air:
            distance_mm = await self._air.corrected(distance_mm)
        self._surface.judge(distance_mm)
        level_mm = None if self._datum_mm is None else self._datum_mm - distance_mm
        return level_mm, distance_mm

    def keep(self):
        return self._surface.keep()

    def resume(self, kept, passed_ms):
        self._surface.resume(kept, passed_ms)

    # The median of some frames, all younger than this call.
    async def _distance_mm(self):
        uart, found, far, bytes_seen = self._port.uart, [], 0, 0
        while uart.any():
            uart.readinto(self._buffer)
        self._frame[0] = 0
        end_ms = time.ticks_add(time.ticks_ms(), _LIMIT_MS)
        # The UART keeps what comes meanwhile: one turn for all but the last, not one for each.
        await asyncio.sleep_ms((_READINGS - 1) * _FASTEST_MS)
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


def _failure(bytes_seen, good, far):
    if not bytes_seen:
        return SensorError("sensor_timeout", "no frame: check its supply and its TX")
    if far:
        return SensorError("sensor_range", "no echo from 30 to 4500 mm in %d frames" % far)
    return SensorError("sensor_crc", "only %d good frames in %d bytes" % (good, bytes_seen))
