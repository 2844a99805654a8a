# IMA ADPCM as it lies in a WAV file: 4 bits a sample, in blocks that can be read by themselves.
# SPDX-License-Identifier: Apache-2.0
#
#   s16      the first sample of the block
#   u8       index of the step, 0..88
#   u8       0
#   codes    two in a byte, the low one first: sign, and what to add in steps
#
# A code adds (2 * its low three bits + 1) * step / 8, rounded down, as ffmpeg and most others have
# it. What every step adds for every code, and the step after it, stand in two tables; they
# cost 9 kB and are made with the first decoder.
from array import array
from struct import pack_into

from .compat import const

_HEAD = const(4)  # bytes
_STEPS = const(89)
_STEP_CODES = const(16)  # entries of each step in the tables
_STEP_SIZES = const((
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66,
    73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449,
    494, 544, 598, 658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272,
    2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493,
    10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
))  # fmt: skip

_tables: list = []  # what a code adds, and where the next step's entries begin


class AdpcmError(ValueError):
    pass


class Decoder:
    def __init__(self, block_align):
        if block_align <= _HEAD or block_align & 3:
            raise AdpcmError("a block of ADPCM has no %d bytes" % block_align)
        self.block_align = block_align
        self.samples = 2 * (block_align - _HEAD) + 1  # of a whole block
        if not _tables:
            _make_tables()

    def block(self, src, dst):
        # One block (the last one may be shorter) -> little-endian samples of 16 bits; -> how many
        size = len(src)
        if not _HEAD <= size <= self.block_align or size & 3:
            raise AdpcmError("%d bytes are no block of ADPCM" % size)
        value = (src[1] ^ 128) - 128 << 8 | src[0]
        index = src[2]
        if index >= _STEPS:
            raise AdpcmError("ADPCM has no step %d" % index)
        pack_into("<h", dst, 0, value)
        step = index * _STEP_CODES
        adds, steps = _tables
        pack = pack_into
        at = 2
        # The time of a clip goes here.
        for i in range(_HEAD, size):
            codes = src[i]
            entry = step | codes & 15
            value += adds[entry]
            if value > 32767 or value < -32768:
                value = 32767 if value > 0 else -32768
            first = value
            entry = steps[entry] | codes >> 4
            value += adds[entry]
            if value > 32767 or value < -32768:
                value = 32767 if value > 0 else -32768
            step = steps[entry]
            pack("<2h", dst, at, first, value)
            at += 4
        return 2 * (size - _HEAD) + 1


def _make_tables():
    adds = array("i", [0] * (_STEPS * _STEP_CODES))
    steps = array("H", [0] * (_STEPS * _STEP_CODES))
    for index, size in enumerate(_STEP_SIZES):
        for code in range(8):
            entry = index * _STEP_CODES + code
            adds[entry] = (2 * code + 1) * size >> 3
            adds[entry + 8] = -adds[entry]
            after = index - 1 if code < 4 else index + 2 * (code - 3)
            steps[entry] = steps[entry + 8] = max(0, min(after, _STEPS - 1)) * _STEP_CODES
    _tables.append(adds)
    _tables.append(steps)
