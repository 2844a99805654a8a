# Doubling the rate: the middles, the seams, codes in one step.
# SPDX-License-Identifier: Apache-2.0
from array import array
from struct import unpack

from protocols import g711
from protocols.resample import Doubler


def doubled(doubler, samples):
    dst = bytearray(4 * len(samples))
    n = doubler.double(array("h", samples), dst)
    assert n == 2 * len(samples)
    return list(unpack("<%dh" % n, dst))


def test_the_middle_of_both():
    assert doubled(Doubler(), [10, 20, 10, 0, -7]) == [5, 10, 15, 20, 15, 10, 5, 0, -4, -7]


def test_limits():
    extremes = [32767, 32767, -32768, -32768, 32767]
    assert doubled(Doubler(), extremes) == [
        16383, 32767, 32767, 32767, -1, -32768, -32768, -32768, -1, 32767
    ]  # fmt: skip


def test_no_seams():
    samples = [(i * 7919) % 30011 - 15000 for i in range(60)]
    whole = doubled(Doubler(), samples)
    for size in range(1, 12):
        doubler = Doubler()
        pieces = []
        for at in range(0, 60, size):
            pieces += doubled(doubler, samples[at : at + size])
        assert pieces == whole, size


def test_part_of_an_array():
    samples = memoryview(array("h", [100, 200, 300, 400]))[1:3]
    dst = bytearray(8)
    assert Doubler().double(samples, dst) == 4
    assert unpack("<4h", dst) == (100, 200, 250, 300)


def test_codes_in_one_step():
    codes = bytes([(i * 89) & 0xFF for i in range(61)])
    for table in (g711.ulaw_table(), g711.alaw_table()):
        for n in range(61):
            two, one = Doubler(), Doubler()
            dst = bytearray(4 * n)
            assert one.expand(table, codes[:n], dst) == 2 * n
            assert list(unpack("<%dh" % (2 * n), dst)) == doubled(
                two, [table[c] for c in codes[:n]]
            )
            assert one.last == two.last
