# The receiver's replay window (RFC 8613, 7.4): of the 64 highest numbers, each is accepted once.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

SIZE = const(64)
_MASK = (1 << SIZE) - 1


class Window:
    # high: the highest number accepted, -1 for none; bit n of bits: high - n was accepted.
    # Both are stored together with what the frame carried.
    def __init__(self, high=-1, bits=0):
        self.high = high
        self.bits = bits

    def check(self, piv):
        if piv > self.high:
            return True
        age = self.high - piv
        return age < SIZE and not self.bits >> age & 1

    def accept(self, piv):
        # Only after the tag was verified.
        if piv > self.high:
            self.bits = (self.bits << min(piv - self.high, SIZE) | 1) & _MASK
            self.high = piv
        elif self.high - piv < SIZE:
            self.bits |= 1 << (self.high - piv)
