# What survives a deep sleep and a reset, but not a loss of power: a small map in the RTC's memory.
# SPDX-License-Identifier: Apache-2.0
#
#   4 bytes   of clock.py, which needs none of what follows
#   version   u8
#   map       CBOR, {name: value}
#   crc       u32, CRC-32 of version and map
import struct

import machine

from protocols import cbor
from protocols.compat import const, crc32

_CLOCK_BYTES = const(4)
_VERSION = const(1)
_ROOM = const(2048)  # ESP32 port: MICROPY_HW_RTC_USER_MEM_MAX


class SleepStore:
    # Damage, or another version: it begins with nothing. What is damaged is counted.
    def __init__(self, counters):
        self._rtc = machine.RTC()
        self._values = {}
        data = bytes(self._rtc.memory())[_CLOCK_BYTES:]
        if data:
            values = _open(data)
            if values is None:
                counters.count("rtc_corrupt")
            else:
                self._values = values

    def get(self, name, default=None):
        return self._values.get(name, default)

    # value: whatever CBOR takes; None takes the name away. It is kept by save().
    def put(self, name, value):
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    # False if it does not fit: then what was there before is still there.
    def save(self):
        data = b""
        if self._values:
            data = bytes((_VERSION,)) + cbor.encode(self._values)
            data += struct.pack("<I", crc32(data))
        if _CLOCK_BYTES + len(data) > _ROOM:
            return False
        clock = bytes(self._rtc.memory())[:_CLOCK_BYTES]
        if data:  # a clock that was never set has left its place empty
            clock = (clock + bytes(_CLOCK_BYTES))[:_CLOCK_BYTES]
        self._rtc.memory(clock + data)
        return True


def _open(data):
    if len(data) < 6 or struct.unpack("<I", data[-4:])[0] != crc32(data[:-4]):
        return None
    if data[0] != _VERSION:  # of another app: whole, and of no use
        return {}
    try:
        values = cbor.decode(data[1:-4])
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
