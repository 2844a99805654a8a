# Reads what bits.py and rice.py write. A device never does.
# SPDX-License-Identifier: Apache-2.0
#
# The bits are read as text of 0 and 1: to find the zero that ends a unary code, and to cut out a
# field, is then one call each, which is what counts in Python.
from .bits import BitsError, unzigzag
from .compat import HOST, const

_RAW = const(15)  # as in rice.py
_ONES_MAX = const(24)

# For each Rice parameter, short codes as they were read before: the next _WINDOW bits -> (number,
# bits of its code). It halves the time of a host, and takes 3 MB at most; a device has no room.
_WINDOW = 10 if HOST else 0
_known = [{} for _ in range(14)]


class BitReader:
    def __init__(self, data, pos=0):
        self.start = pos
        self.at = 0  # of the next bit
        self.bits = bin(int.from_bytes(b"\x01" + bytes(data[pos:]), "big"))[3:]

    def get(self, width):
        start = self.at
        self.at += width
        if self.at > len(self.bits):
            raise BitsError("the input ends inside a bit field")
        return int(self.bits[start : self.at], 2) if width else 0

    def finish(self):
        # -> position of the next whole byte; the bits before it must be zero.
        size = (self.at + 7) // 8
        if "1" in self.bits[self.at : 8 * size]:
            raise BitsError("the bits that fill the last byte are not zero")
        self.at = 8 * size
        return self.start + size


def get_gamma(reader):
    # Of at most 16 bits.
    width = 0
    while not reader.get(1):
        width += 1
        if width > 15:
            raise BitsError("a run of more than 16 bits")
    return 1 << width | reader.get(width)


def read_column(reader, n, total=0, step=0):
    # -> list of n running sums: total, and for each number step and its unzigzagged value.
    code = reader.get(4)
    if code == 0:
        return [total + step * i for i in range(1, n + 1)]
    sums = []
    if code == _RAW:
        width = reader.get(5) + 1
        for _ in range(n):
            total += step + unzigzag(reader.get(width))
            sums.append(total)
        return sums
    k = code - 1
    bits = reader.bits
    at = reader.at
    known = _known[k].get
    for _ in range(n):
        code = known(bits[at : at + _WINDOW]) or _read_rice(bits, at, k)
        total += step + code[0]
        at += code[1]
        sums.append(total)
    if at > len(bits):
        raise BitsError("the input ends inside a number")
    reader.at = at
    return sums


def _read_rice(bits, at, k):
    # -> (unzigzagged number, bits of its code)
    zero = bits.find("0", at, at + _ONES_MAX)
    low = at + _ONES_MAX if zero < 0 else zero + 1
    size = low - at + (32 if zero < 0 else k)
    text = bits[low : at + size]
    if at + size > len(bits):
        raise BitsError("the input ends inside a number")
    number = int(text, 2) if text else 0
    code = unzigzag(number if zero < 0 else zero - at << k | number), size
    if size <= _WINDOW:
        _known[k][bits[at : at + _WINDOW]] = code
    return code
