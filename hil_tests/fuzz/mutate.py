# Makes damaged bytes out of good ones, on both interpreters.
# SPDX-License-Identifier: Apache-2.0
from random import getrandbits

# What lengths, heads and counts are damaged to.
_EDGES = (0, 1, 0x17, 0x18, 0x1B, 0x1F, 0x5F, 0x7F, 0x80, 0x9B, 0xBF, 0xFB, 0xFE, 0xFF)
MAX_SIZE = 4000


def below(limit):
    return getrandbits(30) % limit


def noise(size):
    return bytes([getrandbits(8) for _ in range(size)])


def damaged(seeds):
    # One in 32 as it is, one in 32 nothing but noise, the others with one to four faults.
    kind = getrandbits(5)
    if kind == 0:
        return noise(below(48))
    data = bytearray(seeds[below(len(seeds))])
    if kind > 1:
        for _ in range(1 + (getrandbits(2) & getrandbits(2))):
            _harm(data, seeds)
    return bytes(data[:MAX_SIZE])


def _harm(data, seeds):
    fault = getrandbits(3)
    if not data or fault == 0:
        at = below(len(data) + 1)
        data[at:at] = noise(1 + below(4))
        return
    at = below(len(data))
    if fault <= 2:
        data[at] ^= 1 << getrandbits(3)
    elif fault == 3:
        data[at] = _EDGES[below(len(_EDGES))]
    elif fault == 4:
        data[at] = getrandbits(8)
    elif fault == 5:
        data[at:] = b""
    elif fault == 6:
        data[at : at + 1 + below(8)] = b""
    else:  # goes on like another one, or like itself a little earlier or later
        other = seeds[below(len(seeds))] if getrandbits(1) else bytes(data)
        data[at:] = other[below(len(other) + 1) :]
