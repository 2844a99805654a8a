# G.711: the tables at their corners, every length, every kind of buffer.
# SPDX-License-Identifier: Apache-2.0
from struct import unpack

from protocols import g711


def samples(table, codes):
    dst = bytearray(2 * len(codes))
    assert g711.expand(table, codes, dst) == len(codes)
    return unpack("<%dh" % len(codes), dst)


def test_ulaw():
    codes = bytes((0x00, 0x80, 0x0F, 0x8F, 0x70, 0xEF, 0x7E, 0xFE, 0x7F, 0xFF))
    assert samples(g711.ulaw_table(), codes) == (
        -32124, 32124, -16764, 16764, -120, 132, -8, 8, 0, 0
    )  # fmt: skip


def test_alaw():
    codes = bytes((0x2A, 0xAA, 0x25, 0xA5, 0x54, 0xD4, 0x55, 0xD5))
    assert samples(g711.alaw_table(), codes) == (
        -32256, 32256, -16896, 16896, -24, 24, -8, 8
    )  # fmt: skip


def test_both_laws_are_symmetric_and_rise():
    for table in (g711.ulaw_table(), g711.alaw_table()):
        assert [table[code] + table[code ^ 0x80] for code in range(256)] == [0] * 256
    for rising in (
        [g711.ulaw_table()[0xFF - size] for size in range(128)],
        [g711.alaw_table()[0xD5 ^ size] for size in range(128)],
    ):
        assert rising == sorted(rising) and len(set(rising)) == 128 and rising[0] >= 0


def test_silence():
    assert samples(g711.ulaw_table(), bytes((g711.ULAW_SILENCE,))) == (0,)
    assert samples(g711.alaw_table(), bytes((g711.ALAW_SILENCE,))) == (8,)


def test_every_length():
    codes = bytes([37 * i & 0xFF for i in range(40)])
    table = g711.ulaw_table()
    for n in range(40):
        assert samples(table, codes[:n]) == tuple([table[c] for c in codes[:n]]), n


def test_into_the_middle_of_a_buffer():
    dst = bytearray(b"\x55" * 24)
    codes = memoryview(b"-" + bytes(10))[1:]
    assert g711.expand(g711.ulaw_table(), codes, memoryview(dst)[2:]) == 10
    assert dst == b"\x55\x55" + b"\x84\x82" * 10 + b"\x55\x55"


def test_a_table_is_made_once():
    assert g711.ulaw_table() is g711.ulaw_table()
    assert g711.alaw_table() is not g711.ulaw_table()
