# G.711: the 8-bit codes of mu-law and A-law as 16-bit samples.
# SPDX-License-Identifier: Apache-2.0
#
# Each law is a table of its 256 samples, which is made when it is first asked for. Eight samples
# are written by one call: that is half the time of writing two bytes each, and no heap.
from array import array
from struct import pack_into

from .compat import const

ULAW_SILENCE = const(0xFF)
ALAW_SILENCE = const(0xD5)

_BIAS = const(132)  # of mu-law: 33 steps of 14 bits, in 16

_ULAW = const(0)
_ALAW = const(1)
_tables: dict = {}


def expand(table, src, dst):
    # Codes -> little-endian samples of 16 bits; -> how many
    n = len(src)
    whole = n & ~7
    for i in range(0, whole, 8):
        pack_into(
            "<8h",
            dst,
            2 * i,
            table[src[i]],
            table[src[i + 1]],
            table[src[i + 2]],
            table[src[i + 3]],
            table[src[i + 4]],
            table[src[i + 5]],
            table[src[i + 6]],
            table[src[i + 7]],
        )
    for i in range(whole, n):
        pack_into("<h", dst, 2 * i, table[src[i]])
    return n


def ulaw_table():
    return _tables.get(_ULAW) or _make_table(_ULAW, _ulaw)


def alaw_table():
    return _tables.get(_ALAW) or _make_table(_ALAW, _alaw)


def _make_table(law, sample):
    _tables[law] = array("h", [sample(code) for code in range(256)])
    return _tables[law]


def _ulaw(code):
    code ^= 0xFF
    size = (((code & 15) << 3) + _BIAS << (code >> 4 & 7)) - _BIAS
    return -size if code & 0x80 else size


def _alaw(code):
    code ^= 0x55
    segment = code >> 4 & 7
    size = 2 * (code & 15) + 1
    size = size + 32 << segment + 2 if segment else size << 3
    return size if code & 0x80 else -size
