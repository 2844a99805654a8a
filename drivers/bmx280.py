# BMP280, BME280: pressure, temperature and, on the BME280, humidity (Bosch Sensortec, datasheets
# BST-BMP280-DS001 and BST-BME280-DS002).
# SPDX-License-Identifier: Apache-2.0
import asyncio
import struct

from protocols.compat import const

from .errors import SensorError
from .i2c import I2CDevice

_ID = const(b"\xd0")
_RESET = const(b"\xe0\xb6")
_TRIMMING = const(b"\x88")
_TRIMMING_HUMIDITY = const(b"\xe1")
_STATUS = const(b"\xf3")  # and on to the last value: a burst belongs to one measurement
_BMP280 = const(0x58)
_BME280 = const(0x60)
# Each quantity measured once (osrs 1), as both advise for weather, 3.5.1; forced mode.
_HUMIDITY_ONCE = const(b"\xf2\x01")
_FORCE = const(b"\xf4\x25")
_NO_FILTER = const(b"\xf5\x00")
# BME280 9.1: 1.25 ms + 2.3 for the temperature, 2.3 + 0.575 for each of the others; 2 ms to start.
_MEASURE_MS = const(10)
_START_MS = const(3)
_MEASURING = const(0x08)
_COPYING = const(0x01)  # the trimming values, after a reset
_NONE = const(0x80000)  # 4.2.3: of a measurement that was left out
_NO_HUMIDITY = const(0x8000)


class BMX280(I2CDevice):
    # A BMP280 knows of no humidity.
    CHANNELS = (("temperature", "Cel", 100), ("pressure", "Pa", 1), ("humidity", "%RH", 100))

    def __init__(self, bus, address=0x76):
        super().__init__(bus, address)
        self._trim = self._trim_humidity = None
        self._buffer = bytearray(12)

    async def probe(self):
        chip = self._registers(_ID, bytearray(1))[0]
        if chip not in (_BMP280, _BME280):
            raise SensorError("sensor_identity", "chip id %02x, neither BMP280 nor BME280" % chip)
        self._write(_RESET)
        await asyncio.sleep_ms(_START_MS)
        if self._registers(_STATUS, bytearray(1))[0] & _COPYING:
            raise SensorError("sensor_timeout", "it does not end its start")
        data = self._registers(_TRIMMING, bytearray(26))
        # T1, T2, T3, P1 .. P9; BME280: H1 at 0xA1, the others from 0xE1 on.
        self._trim = struct.unpack_from("<HhhHhhhhhhhh", data)
        if not self._trim[0] or not self._trim[3]:  # P1 is a divisor
            raise SensorError("sensor_identity", "no trimming values")
        self._trim_humidity = None
        if chip == _BME280:
            more = self._registers(_TRIMMING_HUMIDITY, bytearray(7))
            self._trim_humidity = _humidity_trimming(data[25], more)
        self._write(_NO_FILTER)

    async def read(self):
        if self._trim_humidity:
            self._write(_HUMIDITY_ONCE)  # it counts from the next write of 0xF4 on
        self._write(_FORCE)
        await asyncio.sleep_ms(_MEASURE_MS)
        data = self._registers(_STATUS, self._buffer)
        if data[0] & _MEASURING:
            raise SensorError("sensor_timeout", "it is still measuring")
        pressure = data[4] << 12 | data[5] << 4 | data[6] >> 4
        temperature = data[7] << 12 | data[8] << 4 | data[9] >> 4
        if temperature == _NONE or pressure == _NONE:  # it has lost its supply, or its settings
            raise SensorError("sensor_range", "it has measured nothing")
        fine = _fine(temperature, self._trim)
        humidity = None
        if self._trim_humidity:
            humidity = data[10] << 8 | data[11]
            if humidity == _NO_HUMIDITY:
                raise SensorError("sensor_range", "it has measured no humidity")
            humidity = _humidity(humidity, fine, self._trim_humidity)
        return (fine * 5 + 128) >> 8, _pressure(pressure, fine, self._trim), humidity

    def _registers(self, first, buffer):
        self._write(first)
        self._readinto(buffer)
        return buffer


# H1 .. H6: 4.2.2, table 16. H4 and H5 share a byte.
def _humidity_trimming(h1, data):
    h2, h3, high4, shared, high5, h6 = struct.unpack("<hBbBbb", data)
    return h1, h2, h3, high4 << 4 | shared & 15, high5 << 4 | shared >> 4, h6


# The temperature in 1/5120 Cel, as 4.2.3 (BMP280: 3.11.3) has it in integers.
def _fine(counts, trim):
    t1, t2, t3 = trim[:3]
    coarse = (counts >> 3) - (t1 << 1)
    square = (counts >> 4) - t1
    return (coarse * t2 >> 11) + ((square * square >> 12) * t3 >> 14)


# In Pa, by the formula for 64 bits, which gives 1/256 Pa.
def _pressure(counts, fine, trim):
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = trim[3:]
    x = fine - 128000
    offset = x * x * p6 + (x * p5 << 17) + (p4 << 35)
    slope = (x * x * p3 >> 8) + (x * p2 << 12)
    slope = ((1 << 47) + slope) * p1 >> 33
    if slope <= 0:
        raise SensorError("sensor_range", "its trimming values give no pressure")
    p = (((1048576 - counts) << 31) - offset) * 3125 // slope
    p = (p + (p9 * (p >> 13) * (p >> 13) >> 25) + (p8 * p >> 19) >> 8) + (p7 << 4)
    return (p + 128) >> 8


# In hundredths of a per cent; the formula gives 1/1024 %.
def _humidity(counts, fine, trim):
    h1, h2, h3, h4, h5, h6 = trim
    x = fine - 76800
    scaled = ((counts << 14) - (h4 << 20) - h5 * x + 16384) >> 15
    bend = (((x * h6 >> 10) * ((x * h3 >> 11) + 32768)) >> 10) + 2097152
    x = scaled * ((bend * h2 + 8192) >> 14)
    x -= ((x >> 15) * (x >> 15) >> 7) * h1 >> 4
    x = min(max(x, 0), 419430400) >> 12
    return (x * 100 + 512) >> 10
