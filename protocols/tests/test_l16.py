# L16: every length, and into arrays.
# SPDX-License-Identifier: Apache-2.0
from array import array
from struct import pack, unpack

from protocols.l16 import l16_to_pcm

VALUES = [(i * 7919) % 65536 - 32768 for i in range(21)] + [0, -1, 1, 32767, -32768]


def test_every_length():
    for n in range(len(VALUES) + 1):
        dst = bytearray(2 * n)
        assert l16_to_pcm(pack(">%dh" % n, *VALUES[:n]), dst) == n
        assert list(unpack("<%dh" % n, dst)) == VALUES[:n]


def test_into_an_array():
    samples = array("h", [0] * len(VALUES))
    l16_to_pcm(memoryview(pack(">%dh" % len(VALUES), *VALUES)), samples)
    assert list(samples) == VALUES


def test_half_a_sample_is_none():
    dst = bytearray(b"\x55\x55\x55\x55")
    assert l16_to_pcm(b"\1\2\3", dst) == 1 and dst == b"\2\1\x55\x55"
