# From 8 kHz to the 16 kHz of the speaker: between two samples comes the middle of both.
# SPDX-License-Identifier: Apache-2.0
from struct import pack_into


class Doubler:
    def __init__(self):
        self.last = 0  # the sample before the next one: what comes in pieces has no seams

    def double(self, src, dst):
        # src: array("h"), or a memoryview of one -> little-endian samples of 16 bits; -> how many
        n = len(src)
        whole = n & ~3
        last = self.last
        pack = pack_into
        for i in range(0, whole, 4):
            a = src[i]
            b = src[i + 1]
            c = src[i + 2]
            d = src[i + 3]
            pack("<8h", dst, 4 * i, last + a >> 1, a, a + b >> 1, b, b + c >> 1, c, c + d >> 1, d)
            last = d
        for i in range(whole, n):
            a = src[i]
            pack("<2h", dst, 4 * i, last + a >> 1, a)
            last = a
        self.last = last
        return 2 * n

    def expand(self, table, src, dst):
        # Codes of G.711 with their table: both steps in one, without samples in between.
        n = len(src)
        whole = n & ~3
        last = self.last
        pack = pack_into
        for i in range(0, whole, 4):
            a = table[src[i]]
            b = table[src[i + 1]]
            c = table[src[i + 2]]
            d = table[src[i + 3]]
            pack("<8h", dst, 4 * i, last + a >> 1, a, a + b >> 1, b, b + c >> 1, c, c + d >> 1, d)
            last = d
        for i in range(whole, n):
            a = table[src[i]]
            pack("<2h", dst, 4 * i, last + a >> 1, a)
            last = a
        self.last = last
        return 2 * n
