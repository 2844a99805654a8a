# What survives a deep sleep and a reset, but not a loss of power: a small map in the RTC's memory.
# SPDX-License-Identifier: Apache-2.0
#
#   4 bytes   of clock.py, which needs none of what follows
#   ring      of flight.py, unless the map leaves it no room
#   version   u8
#   map       CBOR, {name: value}
#   crc       u32, CRC-32 of version and map
import struct

import machine

from protocols import cbor
from protocols.compat import const, crc32

from . import flight

_CLOCK_BYTES = const(4)
_VERSION = const(1)
_ROOM = const(2048)  # ESP32 port: MICROPY_HW_RTC_USER_MEM_MAX


# The memory is all there is of it, so that two of these agree.
class SleepStore:
    def __init__(self, counters=None):
        self._rtc = machine.RTC()
        self._counters = counters

    def get(self, name, default=None):
        return self._values().get(name, default)

    # value: whatever CBOR takes; None takes the name away. False if it does not fit: then all is
    # as it was before.
    def put(self, name, value):
        values = self._values()
        if value is not None:
            values[name] = value
        elif values.pop(name, None) is None:
            return True
        return self._write(values)

    def _write(self, values):
        memory = bytes(self._rtc.memory())
        start = flight.start(memory)
        data = bytearray(memory[:start])
        if values:  # in one piece: where it is needed, heap is short
            data.extend(bytes(start - len(data)))  # a clock that was never set
            data.append(_VERSION)
            cbor.write_item(data, values, 0)
            data.extend(struct.pack("<I", crc32(memoryview(data)[start:])))
        if len(data) > _ROOM:
            data[_CLOCK_BYTES:start] = b""
        if len(data) > _ROOM:
            return False
        self._rtc.memory(data)
        return True

    # What is damaged is counted once, and is gone; so is what another version has left.
    def _values(self):
        memory = bytes(self._rtc.memory())
        data = memory[flight.start(memory) :]
        if not data:
            return {}
        if len(data) > 5 and struct.unpack("<I", data[-4:])[0] == crc32(data[:-4]):
            if data[0] != _VERSION:
                return {}
            try:
                return cbor.decode(data[1:-4])
            except ValueError:
                pass
        self._write({})
        if self._counters:
            self._counters.count("rtc_corrupt")
        return {}
