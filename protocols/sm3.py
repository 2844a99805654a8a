# The hash SM3 (GB/T 32905-2016; in English: draft-sca-cfrg-sm3).
# SPDX-License-Identifier: Apache-2.0
from .compat import const

_BLOCK = const(64)
_MASK = const(0xFFFFFFFF)
_START = tuple(
    int(word, 16)
    for word in "7380166F 4914B2B9 172442D7 DA8A0600 A96F30BC 163138AA E38DEE4D B0FB0E4E".split()
)


def digest(data):
    # -> 32 bytes. All at once: what is signed with SM2 is short.
    size = len(data)
    tail = bytes(data[size - size % _BLOCK :]) + b"\x80"
    tail += bytes((56 - len(tail)) % _BLOCK) + (8 * size).to_bytes(8, "big")
    state = _START
    for source in (memoryview(data)[: size - size % _BLOCK], memoryview(tail)):
        for pos in range(0, len(source), _BLOCK):
            state = _compress(state, source[pos : pos + _BLOCK])
    return b"".join(word.to_bytes(4, "big") for word in state)


def _rotate(x, n):
    return (x << n | x >> 32 - n) & _MASK


def _expand(block):
    w = [int.from_bytes(block[i : i + 4], "big") for i in range(0, _BLOCK, 4)]
    for j in range(16, 68):
        x = w[j - 16] ^ w[j - 9] ^ _rotate(w[j - 3], 15)
        x ^= _rotate(x, 15) ^ _rotate(x, 23)  # P1
        w.append(x ^ _rotate(w[j - 13], 7) ^ w[j - 6])
    return w


def _compress(state, block):
    w = _expand(block)
    a, b, c, d, e, f, g, h = state
    t = 0x79CC4519  # rotated by j bits in round j
    for j in range(64):
        if j == 16:
            t = _rotate(0x7A879D8A, 16)
        rotated = _rotate(a, 12)
        ss1 = _rotate(rotated + e + t & _MASK, 7)
        if j < 16:
            tt1 = (a ^ b ^ c) + d
            tt2 = (e ^ f ^ g) + h
        else:
            tt1 = (a & b | a & c | b & c) + d
            tt2 = (e & f | ~e & g) + h
        tt1 = tt1 + (ss1 ^ rotated) + (w[j] ^ w[j + 4]) & _MASK
        tt2 = tt2 + ss1 + w[j] & _MASK
        d, c, b, a = c, _rotate(b, 9), a, tt1
        h, g, f, e = g, _rotate(f, 19), e, tt2 ^ _rotate(tt2, 9) ^ _rotate(tt2, 17)  # P0
        t = _rotate(t, 1)
    return [x ^ y for x, y in zip(state, (a, b, c, d, e, f, g, h))]
