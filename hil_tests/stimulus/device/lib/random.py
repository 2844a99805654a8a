# The Mersenne Twister of CPython: the same seed gives the same numbers, so that a model on a board
# has the noise and the delays of its twin on the virtual bench. A board with 32-bit floats differs
# in the last digits.
# SPDX-License-Identifier: Apache-2.0
import math
from array import array

_SIZE = 624
_SHIFT = 397
_MASK = 0xFFFFFFFF


class Random:
    def __init__(self, seed=0):
        self._state = array("I", (0 for _ in range(_SIZE)))
        self._at = 0
        self._gauss = None
        self._fill(19650218)
        self._mix(_words(abs(seed)))

    def _fill(self, value):
        state = self._state
        state[0] = value
        for i in range(1, _SIZE):
            value = (1812433253 * (value ^ value >> 30) + i) & _MASK
            state[i] = value

    # init_by_array of the reference implementation
    def _mix(self, key):
        state = self._state
        i, j = 1, 0
        for step in range(max(_SIZE, len(key)) + _SIZE - 1):
            before = state[i - 1]
            before ^= before >> 30
            if step < max(_SIZE, len(key)):
                state[i] = ((state[i] ^ before * 1664525) + key[j] + j) & _MASK
                j = (j + 1) % len(key)
            else:
                state[i] = ((state[i] ^ before * 1566083941) - i) & _MASK
            i += 1
            if i == _SIZE:
                state[0] = state[_SIZE - 1]
                i = 1
        state[0] = 0x80000000

    # One word at a time: a board answers sooner than with 624 at once.
    def _word(self):
        state, i = self._state, self._at
        self._at = after = i + 1 if i + 1 < _SIZE else 0
        y = state[i] & 0x80000000 | state[after] & 0x7FFFFFFF
        y = state[(i + _SHIFT) % _SIZE] ^ y >> 1 ^ (0x9908B0DF if y & 1 else 0)
        state[i] = y
        y ^= y >> 11
        y ^= y << 7 & 0x9D2C5680
        y ^= y << 15 & 0xEFC60000
        return y ^ y >> 18

    def getrandbits(self, count):
        value = shift = 0
        while count > 32:
            value |= self._word() << shift
            shift += 32
            count -= 32
        return value | self._word() >> 32 - count << shift

    def random(self):
        return ((self._word() >> 5) * 67108864 + (self._word() >> 6)) / 9007199254740992

    def randrange(self, start, stop=None):
        if stop is None:
            start, stop = 0, start
        width = bits = stop - start
        count = 0
        while bits:
            bits >>= 1
            count += 1
        value = self.getrandbits(count)
        while value >= width:
            value = self.getrandbits(count)
        return start + value

    def choice(self, values):
        return values[self.randrange(len(values))]

    def uniform(self, low, high):
        return low + (high - low) * self.random()

    def gauss(self, mean, deviation):
        value, self._gauss = self._gauss, None
        if value is None:
            angle = self.random() * 2 * math.pi
            # 32-bit floats round up to 1, of which there is no logarithm here.
            radius = math.sqrt(-2.0 * math.log(1.0 - self.random() or 1e-9))
            value = math.cos(angle) * radius
            self._gauss = math.sin(angle) * radius
        return mean + value * deviation


def _words(value):
    words = [value & _MASK]
    value >>= 32
    while value:
        words.append(value & _MASK)
        value >>= 32
    return words
