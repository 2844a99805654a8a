# Reads what bits.py and rice.py write. A device never does.
# SPDX-License-Identifier: Apache-2.0
from .bits import BitsError
from .compat import const

_RAW = const(15)  # as in rice.py
_ONES_MAX = const(24)


class BitReader:
    def __init__(self, data, pos=0):
        self.data = data
        self.pos = pos  # of the next byte
        self.acc = 0
        self.left = 0  # bits of acc not yet read, fewer than 8

    def get(self, width):
        if width > 16:
            high = self.get(width - 16)
            return high << 16 | self.get(16)
        acc = self.acc
        left = self.left
        while left < width:
            if self.pos >= len(self.data):
                raise BitsError("the input ends inside a bit field")
            acc = acc << 8 | self.data[self.pos]
            self.pos += 1
            left += 8
        left -= width
        self.acc = acc & (1 << left) - 1
        self.left = left
        return acc >> left

    def finish(self):
        # -> position of the next whole byte; the bits before it must be zero.
        if self.acc:
            raise BitsError("the bits that fill the last byte are not zero")
        self.left = 0
        return self.pos


def get_gamma(reader):
    # Of at most 16 bits.
    width = 0
    while not reader.get(1):
        width += 1
        if width > 15:
            raise BitsError("a run of more than 16 bits")
    return 1 << width | reader.get(width)


def read_column(reader, n):
    # -> list of n numbers
    code = reader.get(4)
    if code == 0:
        return [0] * n
    if code == _RAW:
        width = reader.get(5) + 1
        return [reader.get(width) for _ in range(n)]
    return [_read_rice(reader, code - 1) for _ in range(n)]


def _read_rice(reader, k):
    ones = 0
    while reader.get(1):
        ones += 1
        if ones == _ONES_MAX:
            return reader.get(32)
    return ones << k | reader.get(k)
