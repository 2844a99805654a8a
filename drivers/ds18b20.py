# DS18B20: temperature on a 1-Wire bus (Maxim, datasheet 19-7487).
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from .errors import SensorError

_READ_ROM = const(0x33)  # only where one alone is on the wire
_MATCH_ROM = const(0x55)
_SKIP_ROM = const(0xCC)
_CONVERT = const(0x44)
_READ_SCRATCHPAD = const(0xBE)
_FAMILY = const(0x28)
_CONVERT_MS = const(750)  # table 2, for 12 bits; fewer are faster
# Figure 10: of the configuration R1 R0 say how many bits there are, the others are fixed. It tells
# a scratchpad from a wire that is held low, whose check sum is good.
_FIXED = const(0x9F)
_FIXED_IS = const(0x1F)
_POWER_ON = const(0x0550)  # 85 Cel: what it holds until it has converted
_LOWEST = const(-55 * 16)
_HIGHEST = const(125 * 16)


class DS18B20:
    CHANNELS = (("temperature", "Cel", 100),)

    # bus: onewire.OneWire of MicroPython, or what has its reset(), write() and readinto(). rom:
    # eight bytes, the family first, as the bus has them; None for the only one on the wire.
    def __init__(self, bus, rom=None):
        self._bus = bus
        self._rom = rom
        self._scratchpad = bytearray(9)

    async def probe(self):
        if self._rom is None:
            rom = bytearray(8)
            self._reset()
            self._bus.write(bytes((_READ_ROM,)))
            self._bus.readinto(rom)
            self._judge(rom, "more than one on the wire? Give each its rom")
            if rom[0] != _FAMILY:
                raise SensorError("sensor_identity", "family %02x, not 28" % rom[0])
        self._read()

    async def read(self):
        self._select(_CONVERT)
        await asyncio.sleep_ms(_CONVERT_MS)
        data = self._read()
        value = data[1] << 8 | data[0]
        if value & 0x8000:
            value -= 0x10000
        value &= -1 << (3 - (data[4] >> 5))  # table 2: bits that are undefined
        if value == _POWER_ON:
            raise SensorError("sensor_range", "85.0 Cel: it has not converted, see to its supply")
        if not _LOWEST <= value <= _HIGHEST:
            raise SensorError("sensor_range", "%d / 16 Cel" % value)
        return ((value * 100 + 8) >> 4,)

    def _read(self):
        data = self._scratchpad
        self._select(_READ_SCRATCHPAD)
        self._bus.readinto(data)
        self._judge(data, "see to cable and pull-up")
        if data[4] & _FIXED != _FIXED_IS:
            raise SensorError("sensor_identity", "configuration %02x" % data[4])
        return data

    def _select(self, command):
        self._reset()
        if self._rom is None:
            self._bus.write(bytes((_SKIP_ROM, command)))
        else:
            self._bus.write(bytes((_MATCH_ROM,)) + self._rom + bytes((command,)))

    def _reset(self):
        if not self._bus.reset():
            raise SensorError("sensor_timeout", "nobody on the 1-Wire: see to cable and pull-up")

    # What nobody sends reads as ones.
    def _judge(self, data, advice):
        if data == b"\xff" * len(data):
            raise SensorError("sensor_timeout", "no sensor with this rom answers")
        if _crc8(data):
            raise SensorError("sensor_crc", "%s: %s" % (data.hex(), advice))


# Maxim's: x8 + x5 + x4 + 1, lowest bit first, from 0; over data with its check byte it is 0.
def _crc8(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc
