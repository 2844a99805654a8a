# Bit fields, zigzag, varint and gamma code.
# SPDX-License-Identifier: Apache-2.0
from protocols import bits
from protocols.bit_reader import BitReader, get_gamma
from protocols.bits import BitsError, BitWriter
from protocols.tests.support import raises


def test_zigzag_order():
    assert [bits.zigzag(n) for n in (0, -1, 1, -2, 2)] == [0, 1, 2, 3, 4]
    for n in (-(1 << 31), -12345, -1, 0, 1, 12345, (1 << 31) - 1):
        assert bits.unzigzag(bits.zigzag(n)) == n


def test_varint_boundaries():
    for n, coded in (
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (0xFFFFFFFF, b"\xff\xff\xff\xff\x0f"),
    ):
        out = bytearray()
        bits.put_varint(out, n)
        assert out == coded
        assert bits.get_varint(b"x" + coded + b"y", 1) == (n, 1 + len(coded))


def test_varint_refuses():
    for coded in (b"", b"\x80", b"\x80\x00", b"\xff\xff\xff\xff\x10", b"\x80\x80\x80\x80\x80\x01"):
        raises(BitsError, bits.get_varint, coded, 0)


def test_bits_are_most_significant_first():
    out = bytearray()
    writer = BitWriter(out)
    writer.put(0b101, 3)
    writer.put(0b11, 2)
    writer.put(0, 1)
    writer.put(0b11111111, 8)
    writer.finish()
    assert out == b"\xbb\xfc"
    reader = BitReader(out)
    assert [reader.get(n) for n in (3, 2, 1, 8)] == [5, 3, 0, 255]
    assert reader.finish() == 2


def test_fields_of_every_width_at_every_offset():
    for offset in range(8):
        for width in range(33):
            for value in (0, 1, 0xA5A5A5A5, 0xFFFFFFFF):
                value &= (1 << width) - 1
                out = bytearray()
                writer = BitWriter(out)
                writer.put(1, offset + 1)
                writer.put(value, width)
                writer.finish()
                reader = BitReader(out)
                assert reader.get(offset + 1) == 1
                assert reader.get(width) == value
                assert reader.finish() == len(out)


def test_reader_refuses():
    reader = BitReader(b"\x01")
    reader.get(7)
    raises(BitsError, reader.finish)
    reader.get(1)
    assert reader.finish() == 1
    raises(BitsError, reader.get, 1)


def test_gamma():
    for n in list(range(1, 70)) + [1000, 65535]:
        out = bytearray()
        writer = BitWriter(out)
        bits.put_gamma(writer, n)
        writer.finish()
        assert get_gamma(BitReader(out)) == n
    raises(BitsError, get_gamma, BitReader(bytes(4)))
