# IMA ADPCM: a block by hand, the limits, short blocks and bad ones.
# SPDX-License-Identifier: Apache-2.0
from binascii import crc32
from struct import pack, unpack

from protocols.ima_adpcm import AdpcmError, Decoder
from protocols.tests.support import raises


def decode(block, block_align=None):
    dst = bytearray(4 * len(block))
    n = Decoder(block_align or len(block)).block(block, dst)
    assert dst[2 * n :] == bytes(len(dst) - 2 * n)
    return list(unpack("<%dh" % n, dst[: 2 * n]))


def block(first, index, *codes):
    pairs = [codes[i] | codes[i + 1] << 4 for i in range(0, len(codes), 2)]
    return pack("<hBB", first, index, 0) + bytes(pairs)


def test_by_hand():
    # Steps: 7 (index 0); code 7 adds 15 * 7 >> 3 = 13 and goes to index 8, step 16; code 15 takes
    # 15 * 16 >> 3 = 30 away and goes to index 16, step 34; code 0 adds 34 >> 3 = 4, index 15,
    # step 31; code 8 takes 3 away, index 14, step 28; then 3, 2, 2 (steps 28, 25, 23) up.
    data = block(100, 0, 7, 15, 0, 8, 0, 0, 0, 8)
    assert decode(data) == [100, 113, 83, 87, 84, 87, 90, 92, 90]


def test_every_step():
    # What code 7 adds: 15 eighths of each of the 89 steps.
    sums = [decode(block(-32768, index, *[7] * 8))[1] + 32768 for index in range(89)]
    assert sums[:9] == [13, 15, 16, 18, 20, 22, 24, 26, 30] and sums[88] == 61438
    assert crc32(pack("<89H", *sums)) == 0xAD4DD804


def test_the_sum_has_limits():
    up = decode(block(32000, 88, *[7] * 8))
    assert up == [32000] + [32767] * 8
    down = decode(block(-32000, 88, *[15] * 8))
    assert down == [-32000] + [-32768] * 8
    # From the limit it goes back at once: 15 * 32767 >> 3 down.
    assert decode(block(32000, 88, 7, 15, 0, 0, 0, 0, 0, 0))[:3] == [32000, 32767, 32767 - 61438]


def test_the_step_has_limits():
    assert decode(block(0, 0, *[0] * 8)) == [0] * 9  # 7 >> 3 is nothing
    # 9 * 32767 >> 3 is 36862, which is 32767 + 4095.
    assert decode(block(0, 88, *[4, 12] * 4)) == [0] + [32767, -4095] * 4


def test_short_last_block():
    data = block(5, 3, *[1] * 16)
    whole = decode(data, 12)
    assert len(whole) == 17
    assert decode(data[:8], 12) == whole[:9]
    assert decode(data[:4], 12) == [5]


def test_blocks_are_read_by_themselves():
    one, other = block(5, 3, *[1] * 8), block(-700, 40, *range(8))
    alone = decode(other)
    decoder = Decoder(8)
    dst = bytearray(18)
    decoder.block(one, dst)
    assert decoder.block(memoryview(other), memoryview(dst)) == decoder.samples == 9
    assert list(unpack("<9h", dst)) == alone


def test_refused():
    for block_align in (-4, 0, 1, 4, 5, 7):
        raises(AdpcmError, Decoder, block_align)
    decoder = Decoder(12)
    dst = bytearray(100)
    for size in (0, 1, 3, 5, 11, 13, 16):
        raises(AdpcmError, decoder.block, bytes(size), dst)
    for index in (89, 128, 255):
        raises(AdpcmError, decoder.block, block(0, index, *[0] * 8), dst)
    assert dst == bytes(100)
