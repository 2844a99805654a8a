# MicroPython's module onewire: the bench has the wire and what hangs on it (../models/onewire.py).
# SPDX-License-Identifier: Apache-2.0
import _link
from micropython import const

_OP_WIRE_RESET = const(56)
_OP_WIRE_WRITE = const(57)
_OP_WIRE_READ = const(58)


class OneWireError(Exception):
    pass


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin

    def reset(self, required=False):
        found = bool(_link.call(_OP_WIRE_RESET, self.pin.id))
        if required and not found:
            raise OneWireError
        return found

    def readbit(self):
        return self._bits(1)[0]

    def readbyte(self):
        bits = self._bits(8)
        return sum([bits[i] << i for i in range(8)])

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = self.readbyte()

    def _bits(self, n):
        return _link.call(_OP_WIRE_READ, self.pin.id, bytes((n,)))

    def writebit(self, value):
        _link.call(_OP_WIRE_WRITE, self.pin.id, bytes((value & 1,)))

    def writebyte(self, value):
        _link.call(_OP_WIRE_WRITE, self.pin.id, bytes([value >> i & 1 for i in range(8)]))

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    # The search of Maxim's application note 187: where several differ, first those with a 1, and
    # in the next round those with a 0 at the last such place.
    def scan(self):
        found, rom, turn = [], bytearray(8), -1
        while turn is not None and self.reset():
            self.writebyte(self.SEARCH_ROM)
            last = None
            for i in range(64):
                bit, other = self.readbit(), self.readbit()
                if bit and other:
                    return found  # nobody answers any more
                if not bit and not other:
                    bit = rom[i >> 3] >> (i & 7) & 1 if i < turn else int(i > turn)
                    if bit:
                        last = i
                rom[i >> 3] = rom[i >> 3] & ~(1 << (i & 7)) | bit << (i & 7)
                self.writebit(bit)
            found.append(bytearray(rom))
            turn = last
        return found
